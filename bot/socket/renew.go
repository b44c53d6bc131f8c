package socket

import "time"

// hello is what Slack said when a connection began to stand.
type hello struct {
	at   time.Time
	life time.Duration // after about which Slack ends it; 0: not said
}

// renewal says which of two connections that stand is to be replaced, and when; zero:
// neither. Slack would end two that are closer to each other than a quarter of their
// life at nearly the same time, so the younger is given up at half of it. From then on
// they are apart, and stay so while Slack ends each in its turn.
func renewal(a, b hello) (which int, at time.Time) {
	life := min(a.life, b.life)
	which, younger, gap := 1, b.at, b.at.Sub(a.at)
	if gap < 0 {
		which, younger, gap = 0, a.at, -gap
	}
	if life <= 0 || gap >= life/4 {
		return 0, time.Time{}
	}
	return which, younger.Add(life / 2)
}
