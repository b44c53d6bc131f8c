package gitlab

// What the fuzz targets look at from the inside.
var (
	PlainMessage = plainMessage
	RetryAfter   = retryAfter
)

const (
	MaxMessage    = maxMessage
	MaxRetryAfter = maxRetryAfter
	MaxPages      = maxPages
	ClockNews     = clockNews
)

// KnownRoles is how many roles are kept.
func KnownRoles(m *Memberships) int {
	m.roles.mu.Lock()
	defer m.roles.mu.Unlock()
	return len(m.roles.known)
}
