package gitlab

// What the fuzz targets look at from the inside.
var (
	PlainMessage = plainMessage
	RetryAfter   = retryAfter
)

const (
	MaxMessage    = maxMessage
	MaxRetryAfter = maxRetryAfter
)
