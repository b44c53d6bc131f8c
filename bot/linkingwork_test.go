package bot_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pipebot/bot"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// fakeLinker is a GitLab on which nobody confirms anything.
type fakeLinker struct {
	proofs atomic.Int32
	finish func(n int32) error
}

func (f *fakeLinker) Begin(context.Context) (gitlab.Grant, error) {
	return gitlab.Grant{UserCode: "ABCD", VerificationURI: "https://gitlab.example/oauth/device", Expires: time.Now().Add(time.Hour)}, nil
}

func (f *fakeLinker) Finish(context.Context, gitlab.Grant) (gitlab.User, error) {
	return gitlab.User{}, f.finish(f.proofs.Add(1))
}

// A mistake about one person's proof costs that, and neither the process nor the next
// person's.
func TestAPanicWhileLinkingIsOnePersons(t *testing.T) {
	o := newOffice(t)
	linker := &fakeLinker{finish: func(n int32) error {
		if n == 1 {
			panic("a mistake") //nolint:forbidigo // what work must not do
		}
		return gitlab.ErrDenied
	}}
	o.restart(func(cfg *bot.Config) {
		linking := *cfg.Linking
		linking.Linker, linking.Tell = linker, cfg.Tell
		cfg.Linking = bot.NewLinking(linking)
	})
	ctx, cancel := context.WithCancel(o.ctx)
	ended := make(chan error, 1)
	go func() { ended <- o.cfg.Linking.Work(ctx) }()
	o.types("link")
	o.types("link")
	if _, err := o.slack.WaitMessage(o.ctx, o.builds, o.alice, func(m slacktest.Message) bool {
		return strings.Contains(m.Text, "You said no in GitLab")
	}); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
