package policy

// The two ways in which patterns are compared, for the tests that try all short ones.
var (
	Covers = covers
	Meets  = meets
)
