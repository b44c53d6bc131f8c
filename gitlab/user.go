package gitlab

import (
	"context"
	"net/http"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// User is an account on the instance. The ID stays when the others change, and what
// was another account's username yesterday may be this one's today.
//
// Records written before the fields had names of their own hold them as ID, Username
// and Name, which encoding/json reads as well: it matches names in any case.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username,omitempty"`
	Name     string `json:"name,omitempty"`
}

// userAnswer has the fields that say whose answer it is; which of them GitLab sends
// depends on who asks.
type userAnswer struct {
	ID          int64     `json:"id"`
	Username    string    `json:"username"`
	Name        string    `json:"name"`
	State       string    `json:"state"`
	PublicEmail string    `json:"public_email"`
	Email       string    `json:"email"`
	ConfirmedAt time.Time `json:"confirmed_at"`
}

func (u userAnswer) user() User { return User{ID: u.ID, Username: u.Username, Name: u.Name} }

// has reports whether the account has the e-mail address for sure: a public one is
// always a confirmed one, the private one, which administrators see, may be another
// person's that somebody signed up with.
func (u userAnswer) has(email string) bool {
	return sameFold(u.PublicEmail, email) || sameFold(u.Email, email) && !u.ConfirmedAt.IsZero()
}

// UserByName finds an active user by the whole username, in any case, as "username
// search is case-insensitive". An error of the kind NotFound says that there is none.
// https://docs.gitlab.com/api/users/#list-users
func (c *Client) UserByName(ctx context.Context, username string) (User, error) {
	const op = "looking up a user by name"
	if username == "" { // would be a list of everybody
		return User{}, &Error{Op: op, Kind: Invalid, Message: "the name is empty"}
	}
	return c.findUser(ctx, op, struct {
		Username string `url:"username"`
		PerPage  int    `url:"per_page"`
	}{username, perPage}, func(u userAnswer) bool { return sameFold(u.Username, username) })
}

// UserByEmail finds the one active user of whom GitLab says that the e-mail address
// is theirs. GitLab shows private addresses to administrators only; others find
// those who made theirs public. An error of the kind NotFound says that there is no
// such user, or more than one.
// https://docs.gitlab.com/api/users/#list-users
func (c *Client) UserByEmail(ctx context.Context, email string) (User, error) {
	const op = "looking up a user by e-mail"
	if !strings.Contains(email, "@") {
		return User{}, &Error{Op: op, Kind: Invalid, Message: "it is no e-mail address"}
	}
	return c.findUser(ctx, op, struct {
		Search  string `url:"search"`
		PerPage int    `url:"per_page"`
	}{email, perPage}, func(u userAnswer) bool { return u.has(email) })
}

func (c *Client) findUser(ctx context.Context, op string, query any, is func(userAnswer) bool) (User, error) {
	var answers []userAnswer
	resp, err := c.request(ctx, op, http.MethodGet, "users", query, &answers)
	if err == nil {
		err = wholeList(op, resp, answers, func(u userAnswer) bool { return u.ID > 0 })
	}
	if err != nil {
		return User{}, err
	}
	if hasNext(resp) {
		return User{}, &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: "too many users match"}
	}
	var found []userAnswer
	for _, u := range answers {
		if is(u) {
			found = append(found, u)
		}
	}
	switch {
	case len(found) == 0:
		return User{}, &Error{Op: op, Kind: NotFound, Status: resp.StatusCode, Message: "there is no such user"}
	case len(found) > 1:
		return User{}, &Error{Op: op, Kind: NotFound, Status: resp.StatusCode, Message: "more than one user matches"}
	}
	return found[0].active(op, resp)
}

// me is whom the client's token belongs to.
// https://docs.gitlab.com/api/users/#retrieve-the-current-user
func (c *Client) me(ctx context.Context) (User, error) {
	const op = "reading the token's user"
	var answer userAnswer
	resp, err := c.request(ctx, op, http.MethodGet, "user", nil, &answer)
	if err != nil {
		return User{}, err
	}
	return answer.active(op, resp)
}

// active turns the answer into a user that may act.
func (u userAnswer) active(op string, resp *gl.Response) (User, error) {
	switch {
	case u.ID <= 0 || u.Username == "":
		return User{}, &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: "its answer names no user"}
	case u.State != stateActive:
		return User{}, &Error{Op: op, Kind: NotFound, Status: resp.StatusCode, Message: "the account is not active"}
	}
	return u.user(), nil
}

// sameFold compares without regard to the case of ASCII letters. Other letters count
// as they are: folded, the Kelvin sign would be a k, and another person's address.
func sameFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
