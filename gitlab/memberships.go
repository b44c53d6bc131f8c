package gitlab

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// rightsHold is how long an answer of GitLab counts unless it is configured
	// otherwise: by then at the latest a right that was taken away is gone here too.
	rightsHold = time.Minute
	// rightsHoldAtMost bounds what can be configured.
	rightsHoldAtMost = 2 * time.Minute
	// refusalsHold is how long it counts that somebody has no access, or that GitLab
	// could not tell: who was just let in should not have to wait, but must not be
	// able to have GitLab asked for each keystroke either.
	refusalsHold = 5 * time.Second
	// rightsWithin ends a request that hangs, whoever still waits for it.
	rightsWithin = 10 * time.Second
)

// RightsReader is what Memberships ask GitLab; a *Client is one.
type RightsReader interface {
	Member(ctx context.Context, project, user int64) (Role, error)
	GroupMember(ctx context.Context, group, user int64) (Role, error)
	Protected(ctx context.Context, project int64, kind RefKind) (Protections, error)
}

// MembershipsConfig is what Memberships can be told; the zero value is good.
type MembershipsConfig struct {
	// Hold is how long an answer counts: a minute when 0, two minutes at most.
	Hold time.Duration
	// Failed, when set, is told of each request that failed.
	Failed func(err error)
}

// Memberships knows who may do what in which project, for a minute at a time: an
// answer of GitLab is used until it is that old, counted from when GitLab was asked,
// and never longer. When GitLab cannot be asked again there is an error and no right.
//
// Everybody who needs the same answer at the same time waits for one request. An
// error of Memberships that GitLab did not give is of the kind Unclear, too.
//
// Memberships is safe for concurrent use.
type Memberships struct {
	hold   time.Duration // how long an answer counts
	failed func(err error)

	ctx    context.Context // of the requests, until Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	roles      *answers[memberKey, Role]
	groupRoles *answers[memberKey, Role]
	protected  *answers[protectedKey, Protections]

	mu     sync.Mutex // guards closed, and work against Close
	closed bool
}

// memberKey is a user in a project or in a group.
type memberKey struct{ of, user int64 }

type protectedKey struct {
	project int64
	kind    RefKind
}

// NewMemberships returns Memberships that know nothing yet. Close ends what they do
// in the background.
func NewMemberships(reader RightsReader, cfg MembershipsConfig) *Memberships {
	m := &Memberships{hold: rightsHold, failed: cfg.Failed}
	if cfg.Hold > 0 {
		m.hold = min(cfg.Hold, rightsHoldAtMost)
	}
	if m.failed == nil {
		m.failed = func(error) {}
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	none := func(role Role) bool { return role == NoAccess }
	m.roles = newAnswers(m, none, func(ctx context.Context, k memberKey) (Role, error) {
		return reader.Member(ctx, k.of, k.user)
	})
	m.groupRoles = newAnswers(m, none, func(ctx context.Context, k memberKey) (Role, error) {
		return reader.GroupMember(ctx, k.of, k.user)
	})
	m.protected = newAnswers(m, nil, func(ctx context.Context, k protectedKey) (Protections, error) {
		return reader.Protected(ctx, k.project, k.kind)
	})
	return m
}

// Close ends all requests and returns when none is left; afterwards everything that
// is not known already is an error.
func (m *Memberships) Close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.work.Wait()
}

// Role is the user's role in the project.
func (m *Memberships) Role(ctx context.Context, project, user int64) (Role, error) {
	role, err := m.roles.get(ctx, memberKey{project, user})
	if err != nil {
		return NoAccess, fmt.Errorf("asking for the role in the project: %w", err)
	}
	return role, nil
}

// Rights are the rules for a ref, to explain a decision with.
func (m *Memberships) Rights(ctx context.Context, project int64, ref Ref) (Rights, error) {
	protections, err := m.protected.get(ctx, protectedKey{project, ref.Kind})
	if err != nil {
		return Rights{}, fmt.Errorf("asking who may run pipelines on %s: %w", ref, err)
	}
	return protections.For(ref), nil
}

// MayUpdate reports whether a user with a role in the project, as Role gave it, may
// run, retry and cancel pipelines on the ref. An error says that nobody knows, which
// is no permission.
func (m *Memberships) MayUpdate(ctx context.Context, project int64, ref Ref, user User, role Role) (bool, error) {
	if role < Developer {
		return false, nil
	}
	rights, err := m.Rights(ctx, project, ref)
	if err != nil {
		return false, err
	}
	var doubt error
	allowed := rights.Allows(user, role, func(group int64) bool {
		role, err := m.groupRoles.get(ctx, memberKey{group, user.ID})
		if err != nil {
			doubt = fmt.Errorf("asking for the role in a group that may run pipelines on %s: %w", ref, err)
		}
		return err == nil && role >= Developer
	})
	if allowed {
		return true, nil
	}
	return false, doubt
}

// Warm asks in the background for what a request of the user in the project will
// need soon, unless it is known and will be for a while. It never waits.
func (m *Memberships) Warm(project, user int64) {
	m.roles.warm(memberKey{project, user})
	m.protected.warm(protectedKey{project, Branch})
	m.protected.warm(protectedKey{project, Tag})
}

// background runs f until it ends or Memberships are closed; after Close it does not.
func (m *Memberships) background(f func(ctx context.Context)) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.work.Go(func() {
		ctx, cancel := context.WithTimeout(m.ctx, rightsWithin)
		defer cancel()
		f(ctx)
	})
	return true
}
