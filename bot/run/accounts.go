package run

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// accountPrefix begins the keys that say whose a GitLab account is in a team: team.id,
// and the one user as the value. What of it and the person's own link does not fit
// together counts for nobody.
const accountPrefix = "account."

// claim makes the account the person's and returns the revision of that. It takes it from
// somebody whose own link does not name it: they have unlinked, or died in between.
func (l *Links) claim(ctx context.Context, link Link) (revision uint64, err error) {
	key := accountKey(link.Team, link.GitLabID)
	for {
		revision, err = l.kv.Create(ctx, key, []byte(link.User))
		if isWrongRevision(err) {
			revision, err = l.takeOver(ctx, link)
		}
		switch {
		case err == nil || errors.Is(err, ErrLinkedToAnother):
			return revision, err
		case !errors.Is(err, errMoved) && !isWrongRevision(err):
			return 0, fmt.Errorf("writing a link: %w", err)
		}
	}
}

func (l *Links) takeOver(ctx context.Context, link Link) (revision uint64, err error) {
	holder, revision, err := l.holder(ctx, link.Team, link.GitLabID)
	if err == nil && revision == 0 {
		err = errMoved // given up meanwhile
	}
	if err != nil || holder == link.User {
		return revision, err
	}
	held, _, err := l.person(ctx, link.Team, holder)
	if err != nil {
		return 0, err
	}
	if held.GitLabID == link.GitLabID {
		return 0, ErrLinkedToAnother
	}
	return l.kv.Update(ctx, accountKey(link.Team, link.GitLabID), []byte(link.User), revision)
}

// confirm writes the claim once more. Whoever found that the link does not name the account
// has looked before it did, and cannot take it over any more.
func (l *Links) confirm(ctx context.Context, link Link, revision uint64) error {
	_, err := l.kv.Update(ctx, accountKey(link.Team, link.GitLabID), []byte(link.User), revision)
	if isWrongRevision(err) {
		var holder string
		holder, _, err = l.holder(ctx, link.Team, link.GitLabID)
		if err == nil && holder != link.User {
			err = ErrLinkedToAnother
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("writing a link: %w", err)
	}
	return nil
}

// release gives an account up that the person has no more. Where that fails, the claim that
// is left says nothing, and may be taken over.
func (l *Links) release(ctx context.Context, link Link) {
	holder, revision, err := l.holder(ctx, link.Team, link.GitLabID)
	if err == nil && holder == link.User {
		_ = removeKey(ctx, l.kv, accountKey(link.Team, link.GitLabID), revision)
	}
}

// holder reads whose an account is; revision is 0 where it is nobody's.
func (l *Links) holder(ctx context.Context, team string, account int64) (user string, revision uint64, err error) {
	entry, err := l.kv.Get(ctx, accountKey(team, account))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("reading a link: %w", err)
	}
	return string(entry.Value()), entry.Revision(), nil
}

func accountKey(team string, account int64) string {
	return accountPrefix + team + "." + strconv.FormatInt(account, 10)
}
