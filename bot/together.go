package bot

// together does work for each of a list, for so many at a time, and waits for all of it.
// A panic becomes that of who waits, which errgroup's would not: there it ends the
// process.
func together[T any](list []T, atOnce int, work func(i int, one T)) {
	room := make(chan struct{}, atOnce)
	var all []<-chan func() struct{}
	for i, one := range list {
		room <- struct{}{}
		all = append(all, beside(func() struct{} {
			defer func() { <-room }()
			work(i, one)
			return struct{}{}
		}))
	}
	var ended []func() struct{}
	for _, done := range all {
		ended = append(ended, <-done)
	}
	for _, end := range ended {
		end()
	}
}
