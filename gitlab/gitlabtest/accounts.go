package gitlabtest

// Block locks the account out: its tokens are refused, it has no role anywhere, and GitLab shows it as blocked where
// it shows it at all. https://docs.gitlab.com/administration/moderate_users/#block-a-user
func (u *User) Block() { u.change(func() { u.blocked = true }) }

// Unblock takes [User.Block] back.
func (u *User) Unblock() { u.change(func() { u.blocked = false }) }

// SetEmail changes the primary address, username@example.com at first, which only administrators get to see. One that
// is not confirmed may be anybody's.
func (u *User) SetEmail(address string, confirmed bool) {
	u.change(func() { u.email, u.unconfirmed = address, !confirmed })
}

// SetPublicEmail shows an address to everybody, none at first.
// https://docs.gitlab.com/user/profile/#set-your-public-email
func (u *User) SetPublicEmail(address string) { u.change(func() { u.publicEmail = address }) }

// Rename changes the username.
func (u *User) Rename(username string) { u.change(func() { u.Username = username }) }

func (u *User) change(apply func()) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	apply()
	u.s.changed()
}

// state is the account's, https://docs.gitlab.com/api/users/#list-users.
func (u *User) state() string {
	if u.blocked {
		return "blocked"
	}
	return "active"
}
