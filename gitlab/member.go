package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Member is the role that a user has in a project now, be it given in the project,
// inherited from a group above it or shared by a group that was invited. Who is no
// member, is blocked, waits for a seat or whose membership has run out has NoAccess.
//
// It asks for the list with the one user in it, which is empty where there is no
// such member: to /members/all/:user_id GitLab answers 404 then, as it does for a
// project that may not be seen, and client-go keeps nothing of the text that tells
// the two apart. Here each 404 is an error, which leaves it open what the user may.
// https://docs.gitlab.com/api/members/#list-all-members-of-a-group-or-project-including-inherited-and-invited-members
func (c *Client) Member(ctx context.Context, project, user int64) (Role, error) {
	return c.member(ctx, "reading a member's role", fmt.Sprintf("projects/%d/members/all", project), user)
}

// GroupMember is the role that a user was given in a group itself: what is inherited
// from groups above it does not count, as it does not for protected refs.
// https://docs.gitlab.com/api/members/#list-all-members-of-a-group-or-project
func (c *Client) GroupMember(ctx context.Context, group, user int64) (Role, error) {
	return c.member(ctx, "reading a group member's role", fmt.Sprintf("groups/%d/members", group), user)
}

// memberAnswer has the membership's state beside the user's, which client-go's type
// lacks; instances without seats to wait for do not send it.
type memberAnswer struct {
	ID              int64  `json:"id"`
	State           string `json:"state"`
	MembershipState string `json:"membership_state"`
	AccessLevel     Role   `json:"access_level"`
	ExpiresAt       date   `json:"expires_at"`
}

func (c *Client) member(ctx context.Context, op, path string, user int64) (Role, error) {
	var members []memberAnswer
	resp, err := c.request(ctx, op, http.MethodGet, path, struct {
		UserIDs []int64 `url:"user_ids[]"`
		PerPage int     `url:"per_page"`
	}{[]int64{user}, perPage}, &members)
	if err == nil {
		err = wholeList(op, resp, members, func(m memberAnswer) bool { return m.ID > 0 })
	}
	if err != nil {
		return NoAccess, err
	}
	for _, m := range members {
		if m.ID == user {
			return m.role(time.Now()), nil
		}
	}
	if hasNext(resp) {
		return NoAccess, &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: "it lists other members than the one asked for"}
	}
	return NoAccess, nil
}

func (m memberAnswer) role(now time.Time) Role {
	active := m.State == stateActive && (m.MembershipState == "" || m.MembershipState == stateActive)
	if !active || m.ExpiresAt.passed(now) {
		return NoAccess
	}
	return m.AccessLevel
}

// stateActive is the state of users who are not blocked, banned or deactivated, and
// of memberships that wait for nothing.
const stateActive = "active"

// date is a day as GitLab writes it, 2026-10-22; the zero date never passes. A date
// that cannot be read fails the whole answer: it must not count as none.
type date struct{ begin time.Time }

// UnmarshalText reads a day, or the moment that some versions write.
func (d *date) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if begin, err := time.Parse(layout, string(text)); err == nil {
			d.begin = begin
			return nil
		}
	}
	return fmt.Errorf("%q is no date", text)
}

// passed reports whether the day has begun: "From that date onward, the user can no
// longer access the project", though GitLab's clean-up comes some minutes later.
// https://docs.gitlab.com/user/project/members/#add-users-to-a-project
func (d date) passed(now time.Time) bool { return !d.begin.IsZero() && !now.Before(d.begin) }
