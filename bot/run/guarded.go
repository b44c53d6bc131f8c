package run

import (
	"fmt"
	"runtime/debug"
)

// guarded makes an error of a panic: what works in the background has nobody above it who
// catches one, and it would end the process for all.
func guarded(do func() error) (err error) {
	defer func() {
		if bad := recover(); bad != nil {
			err = fmt.Errorf("it panicked: %v\n%s", bad, debug.Stack())
		}
	}()
	return do()
}
