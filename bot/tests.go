package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"pipebot/bot/policy"
	"pipebot/bot/run"
	"pipebot/gitlab"
)

func testsCommand() command {
	return command{
		name: "tests", usage: targetUsage, summary: "how the tests of a pipeline ended", example: "tests 4711",
		action: policy.ActionView, handle: (*Bot).tests,
	}
}

// tests adds up the tests of a pipeline.
func (b *Bot) tests(ctx context.Context, a *arrival) {
	t, ok := b.targetTyped(ctx, a, testsCommand())
	if !ok {
		return
	}
	b.answering(ctx, a, "Reading the tests", func(ctx context.Context) message {
		r, err := b.find(ctx, a, t)
		if err != nil {
			return b.notFound(ctx, a, err)
		}
		d, _ := b.ask(ctx, a, questionOf(policy.ActionView, r, a.who), r)
		if d.Outcome != policy.Allow {
			return b.refusedBy(d)
		}
		report, err := b.Pipelines.TestReportSummary(ctx, r.Project.ID, r.Pipeline.ID)
		if err != nil {
			return warning(append(say(words("I could not read the tests. ")), readFault(err)...)...)
		}
		return testsOf(r, report)
	})
}

// testsOf shows how the tests of a pipeline ended.
func testsOf(r run.Run, report gitlab.TestReport) message {
	look := testFace(report)
	said := append(say(emoji(look.emoji), bold(" "+look.word+"  ")), pipelineNamed(r)...)
	if report.Total == 0 {
		return privately(append(said, words("\nNo job of it has reported tests."))...)
	}
	said = append(said, words("\n"))
	for i, part := range []struct {
		count int
		word  string
	}{{report.Success, "passed"}, {report.Failed, "failed"}, {report.Error, "with errors"}, {report.Skipped, "skipped"}} {
		if part.count == 0 && i > 0 {
			continue
		}
		if i > 0 {
			said = append(said, words(" · "))
		}
		said = append(said, words(fmt.Sprintf("%d %s", part.count, part.word)))
	}
	said = append(said, words(fmt.Sprintf(" · %d in all, %s", report.Total, duration(report.Duration))))
	return privately(append(append(said, words(" · ")), testsLink(r))...)
}

func testFace(report gitlab.TestReport) face {
	switch {
	case report.Total == 0:
		return face{"white_circle", "No tests"}
	case report.Failed+report.Error > 0:
		return face{"x", "Tests failed"}
	default:
		return face{"white_check_mark", "Tests passed"}
	}
}

// testsLink leads to the page that names each test.
// https://docs.gitlab.com/ci/testing/unit_test_reports/#view-unit-test-reports-on-gitlab
func testsLink(r run.Run) slack.RichTextSectionElement {
	address := r.Pipeline.WebURL
	if address != "" {
		address += "/test_report"
	}
	return link(address, "each of them")
}
