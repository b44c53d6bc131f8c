package bot

import (
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// once does what a submission asks for once, however often it is delivered: who comes
// later gets what came of it.
type once struct {
	mu    sync.Mutex
	begun map[string]submitted
}

type submitted struct {
	at   time.Time
	view func() slack.ModalViewRequest
}

// onceFor is how long a submission is remembered. Slack delivers again within minutes.
const onceFor = 15 * time.Minute

func (o *once) do(key string, work func() slack.ModalViewRequest) slack.ModalViewRequest {
	return o.first(key, work)()
}

// begin is do for work that says by itself what came of it. It reports whether this is
// the first that is heard of the submission.
func (o *once) begin(key string) (first bool) {
	o.do(key, func() slack.ModalViewRequest {
		first = true
		return slack.ModalViewRequest{}
	})
	return first
}

// first is the work that was begun under the key, or else this.
func (o *once) first(key string, work func() slack.ModalViewRequest) func() slack.ModalViewRequest {
	o.mu.Lock()
	defer o.mu.Unlock()
	if earlier, ok := o.begun[key]; ok {
		return earlier.view
	}
	now := time.Now()
	if o.begun == nil {
		o.begun = make(map[string]submitted)
	}
	for key, b := range o.begun {
		if now.Sub(b.at) > onceFor {
			delete(o.begun, key)
		}
	}
	b := submitted{at: now, view: sync.OnceValue(work)}
	o.begun[key] = b
	return b.view
}
