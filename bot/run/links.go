package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Link says who a person of a Slack workspace is in GitLab.
type Link struct {
	// Team and User are Slack's ids of the person.
	Team string `json:"team"`
	User string `json:"user"`
	// GitLabID is the account's id, which stays; GitLabUser is its name, which may change.
	GitLabID   int64     `json:"gitlab_id"`
	GitLabUser string    `json:"gitlab_user"`
	At         time.Time `json:"at"`
}

const (
	linksBucket  = "pipebot_links"
	personPrefix = "person." // team.user: the link
)

// ErrLinkedToAnother: a second person of the workspace has the account already. Were it
// theirs both, they could approve what they asked for themselves.
var ErrLinkedToAnother = errors.New("this GitLab account is linked to another person of this workspace")

// Links keeps who Slack's people are in GitLab. In a workspace an account belongs to one
// person at most. That is a matter of one key, the account's: a link counts as long as
// this key names its person, whatever died between two writes or was written at once.
type Links struct{ kv jetstream.KeyValue }

// OpenLinks makes the store of links where there is none.
func OpenLinks(ctx context.Context, conn *Conn) (*Links, error) {
	kv, err := openBucket(ctx, conn, linksBucket, "links")
	if err != nil {
		return nil, err
	}
	return &Links{kv}, nil
}

// Put links a person, instead of what they were linked to. ErrLinkedToAnother says that
// the account is another's.
func (l *Links) Put(ctx context.Context, link Link) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if link.GitLabID <= 0 {
		return fmt.Errorf("%d is no id of a GitLab account", link.GitLabID)
	}
	if link.At.IsZero() {
		link.At = time.Now()
	}
	before, _, err := l.person(ctx, link.Team, link.User)
	if err != nil {
		return err
	}
	revision, err := l.claim(ctx, link)
	if err != nil {
		return err
	}
	data, err := json.Marshal(link)
	if err != nil {
		return fmt.Errorf("encoding a link: %w", err)
	}
	if _, err := l.kv.Put(ctx, personKey(link.Team, link.User), data); err != nil {
		return fmt.Errorf("writing a link: %w", err)
	}
	if err := l.confirm(ctx, link, revision); err != nil {
		return err
	}
	if before.GitLabID != 0 && before.GitLabID != link.GitLabID {
		l.release(ctx, before)
	}
	return nil
}

// Get is who a person is, and whether they are linked.
func (l *Links) Get(ctx context.Context, team, user string) (Link, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	link, revision, err := l.person(ctx, team, user)
	if err != nil || revision == 0 {
		return Link{}, false, err
	}
	holder, _, err := l.holder(ctx, team, link.GitLabID)
	if err != nil || holder != user {
		return Link{}, false, err
	}
	return link, true, nil
}

// Delete unlinks a person. That nothing was linked is no error.
func (l *Links) Delete(ctx context.Context, team, user string) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for {
		link, revision, err := l.person(ctx, team, user)
		if err != nil || revision == 0 {
			return err
		}
		err = removeKey(ctx, l.kv, personKey(team, user), revision)
		if isWrongRevision(err) {
			continue // linked anew meanwhile
		}
		if err != nil {
			return fmt.Errorf("removing a link: %w", err)
		}
		l.release(ctx, link)
		return nil
	}
}

// person reads the link that a person's key has; revision is 0 where there is none.
func (l *Links) person(ctx context.Context, team, user string) (link Link, revision uint64, err error) {
	if !idForm.MatchString(team) || !idForm.MatchString(user) {
		return Link{}, 0, fmt.Errorf("%q in %q is nobody: ids have the form %s", clean(user), clean(team), idForm)
	}
	entry, err := l.kv.Get(ctx, personKey(team, user))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Link{}, 0, nil
	}
	if err != nil {
		return Link{}, 0, fmt.Errorf("reading a link: %w", err)
	}
	link, err = decodeLink(entry.Value())
	return link, entry.Revision(), err
}

func decodeLink(data []byte) (link Link, err error) {
	if err := json.Unmarshal(data, &link); err != nil {
		return Link{}, fmt.Errorf("decoding a link: %w", err)
	}
	return link, nil
}

func personKey(team, user string) string { return personPrefix + team + "." + user }
