package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"pipebot/bot"
	"pipebot/bot/slacktest"
	"pipebot/gitlab"
)

// noted is a transport that notes when a request of views.open leaves.
type noted struct{ left chan time.Time }

func (n noted) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/views.open") {
		n.left <- time.Now()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// report gives the median, the 99th percentile and the worst.
func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(i int) float64 { return float64(took[i].Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(len(took)/2), "p50-ms")
	b.ReportMetric(ms(len(took)*99/100), "p99-ms")
	b.ReportMetric(ms(len(took)-1), "max-ms")
}

// From the moment that an envelope is in hand until views.open is on its way.
func BenchmarkEnvelopeToViewsOpen(b *testing.B) {
	o := newOffice(b)
	left := make(chan time.Time, 1)
	o.restart(func(cfg *bot.Config) {
		cfg.API = slack.New(slacktest.DefaultBotToken, slack.OptionAPIURL(o.slack.APIURL()),
			slack.OptionHTTPClient(&http.Client{Transport: noted{left}}))
	})
	var took []time.Duration
	for b.Loop() {
		o.restart(func(*bot.Config) {}) // nobody types that fast: a new bot has no pace to hold
		modal := o.open()
		o.finished()
		took = append(took, (<-left).Sub(o.handed()))
		if err := modal.Close(o.ctx); err != nil {
			b.Fatal(err)
		}
	}
	report(b, took)
}

// From a keystroke's envelope until its options are acknowledged, with 100,000 refs
// in memory.
func BenchmarkKeystrokeToOptions(b *testing.B) {
	o := newOffice(b)
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("team-%d/feature-%06d-%s", i%50, i, []string{"login", "search", "export", "fix"}[i%4])
	}
	lister := &fixedLister{names: names}
	refs := gitlab.NewRefs(lister, gitlab.RefsConfig{})
	b.Cleanup(refs.Close)
	o.restart(func(cfg *bot.Config) { cfg.Refs = refs })
	modal := o.open()
	for app := o.projects.known["group/app"]; refs.State(app).LoadedAt.IsZero(); {
		if _, err := modal.Options(o.ctx, refField, "login"); err != nil {
			b.Fatal(err)
		}
	}
	queries := []string{"login", "team-7/", "feature-0999", "export fix", "e", "search 77"}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		if _, err := modal.Options(o.ctx, refField, queries[i%len(queries)]); err != nil {
			b.Fatal(err)
		}
		o.finished()
		took = append(took, o.handled())
	}
	report(b, took)
}

// fixedLister is a GitLab whose refs are known at once.
type fixedLister struct{ names []string }

func (f *fixedLister) Project(_ context.Context, _ string) (gitlab.Project, error) {
	return gitlab.Project{ID: 7, Path: "group/app", DefaultBranch: "main"}, nil
}

func (f *fixedLister) BranchNames(context.Context, gitlab.Project) ([]string, error) {
	return f.names, nil
}

func (f *fixedLister) TagNames(context.Context, gitlab.Project) ([]string, error) {
	return []string{"v1"}, nil
}

func (f *fixedLister) NewestBranches(context.Context, gitlab.Project) ([]string, error) {
	return f.names[:100], nil
}

func (f *fixedLister) NewestTags(context.Context, gitlab.Project) ([]string, error) {
	return []string{"v1"}, nil
}

func (f *fixedLister) SearchRefs(context.Context, gitlab.Project, string, int) ([]gitlab.Ref, error) {
	return nil, nil
}
