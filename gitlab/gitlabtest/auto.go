package gitlabtest

import "time"

// How long things take in automatic mode that a real instance's runners and workers need time for, at speed 1.
const (
	timeToProcess = 500 * time.Millisecond
	timeToPickUp  = time.Second
	timeToCancel  = 2 * time.Second
)

// Auto moves pipelines by themselves from now on: jobs wait a second for a runner, run for their Duration and
// end with their Outcome. Time runs speed times as fast as on the clock; 0 stops it. What tests do by hand still works.
func (s *Server) Auto(speed float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speed = speed
	s.wake()
}

// wake tells the automatic mode that its next event may have changed.
func (s *Server) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// runAuto sleeps until the next event and lets it happen, until the server is closed.
func (s *Server) runAuto() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(s.moveDue())
		select {
		case <-s.closing:
			return
		case <-s.wakeup:
		case <-timer.C:
		}
	}
}

// moveDue moves everything whose time has come and returns how long it is until the next.
func (s *Server) moveDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := time.Hour
	if s.speed <= 0 {
		return next
	}
	now := time.Now()
	due := func(entered time.Time, span time.Duration) bool {
		left := time.Duration(float64(span)/s.speed) - now.Sub(entered)
		if left > 0 {
			next = min(next, left)
		}
		return left <= 0
	}
	for pl := range s.active {
		if pl.pinned != "" {
			continue
		}
		if !pl.processed && due(pl.entered, timeToProcess) {
			pl.release()
		}
		for _, j := range pl.latest() {
			if span, ok := j.span(); ok && due(j.entered, span) {
				j.advance()
				pl.process()
			}
		}
	}
	return next
}

// span is how long the job stays in its status by itself.
func (j *Job) span() (time.Duration, bool) {
	switch j.status {
	case "pending":
		return timeToPickUp, true
	case "running":
		return j.spec.Duration, !j.Bridge
	case "scheduled":
		return j.spec.Delayed, true
	case "canceling":
		return timeToCancel, true
	}
	return 0, false
}

// advance is what happens to the job when its span is over.
func (j *Job) advance() {
	switch j.status {
	case "pending":
		j.enter("running")
	case "scheduled":
		j.enter("pending")
	case "canceling":
		j.enter("canceled")
	case "running":
		if j.spec.Outcome == "failed" {
			j.finish("failed", j.spec.FailureReason)
		} else {
			j.finish("success", "")
		}
	}
}
