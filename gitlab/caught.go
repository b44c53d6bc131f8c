package gitlab

import (
	"context"
	"fmt"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// caught makes an error of a panic. Work in the background has nobody above it who
// catches one: it would end the process for all.
func caught(work func() error) (err error) {
	defer func() {
		if bad := recover(); bad != nil {
			err = fmt.Errorf("panicked: %v\n%s", bad, debug.Stack())
		}
	}()
	return work()
}

// group is an errgroup.Group that makes errors of panics.
type group struct{ *errgroup.Group }

// newGroup returns a group, and a context that ends with its first error.
func newGroup(ctx context.Context) (group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	return group{g}, ctx
}

// Go does work in the background.
func (g group) Go(work func() error) { g.Group.Go(func() error { return caught(work) }) }
