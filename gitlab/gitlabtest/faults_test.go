package gitlabtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pipebot/gitlab/gitlabtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const createPath = "/api/v4/projects/*/pipeline"

func (w *world) create() (answer, error) {
	w.t.Helper()
	return w.try("POST", "/projects/1/pipeline", w.token[gitlabtest.Developer], map[string]any{"ref": "main"})
}

func TestFaultReplacesTheAnswer(t *testing.T) {
	w := newWorld(t)
	w.Fault(gitlabtest.Match{Method: "POST", PathPattern: createPath}, gitlabtest.Fault{
		Status: 502, Header: http.Header{"X-Fault": {"yes"}}, Body: "Bad Gateway", Times: 2,
	})
	for range 2 {
		a, err := w.create()
		if err != nil || a.Status != 502 || a.Body != "Bad Gateway" || a.Header.Get("X-Fault") != "yes" {
			t.Errorf("%v %+v", err, a)
		}
	}
	if a, err := w.create(); err != nil || a.Status != 201 {
		t.Errorf("after the fault: %v %+v", err, a)
	}
	if n := len(w.app.Pipelines()); n != 1 {
		t.Errorf("%d pipelines", n)
	}
}

func TestFaultCanBeEnded(t *testing.T) {
	w := newWorld(t)
	end := w.Fault(gitlabtest.Match{}, gitlabtest.Fault{Status: 500})
	if a, err := w.create(); err != nil || a.Status != 500 {
		t.Errorf("%v %+v", err, a)
	}
	end()
	if a, err := w.create(); err != nil || a.Status != 201 {
		t.Errorf("%v %+v", err, a)
	}
}

func TestCut(t *testing.T) {
	for applied, want := range map[bool]int{false: 0, true: 1} {
		t.Run(fmt.Sprintf("applied %v", applied), func(t *testing.T) {
			w := newWorld(t)
			w.Fault(gitlabtest.Match{Method: "POST", PathPattern: createPath}, gitlabtest.Fault{Cut: true, Applied: applied, Times: 1})
			if a, err := w.create(); err == nil {
				t.Errorf("got an answer: %+v", a)
			}
			if n := len(w.app.Pipelines()); n != want {
				t.Errorf("%d pipelines, want %d", n, want)
			}
		})
	}
}

func TestAppliedFaultStillAnswersItsStatus(t *testing.T) {
	w := newWorld(t)
	w.Fault(gitlabtest.Match{Method: "POST", PathPattern: createPath}, gitlabtest.Fault{Status: 500, Applied: true, Times: 1})
	if a, err := w.create(); err != nil || a.Status != 500 || len(w.app.Pipelines()) != 1 {
		t.Errorf("%v %+v, %d pipelines", err, a, len(w.app.Pipelines()))
	}
}

// TestApplyAfter is the POST that takes effect after its client has given up.
func TestApplyAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Long enough for the client to give up before, on whatever machine.
	w.Fault(gitlabtest.Match{Method: "POST", PathPattern: createPath}, gitlabtest.Fault{ApplyAfter: 5 * time.Second, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/api/v4/projects/1/pipeline?ref=main", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Private-Token", w.token[gitlabtest.Developer])
	done := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			err = resp.Body.Close()
		}
		done <- err
	}()
	wait(t, w, func() bool { return w.Count("POST "+createPath) == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("the client did not give up: %v", err)
	}
	wait(t, w, func() bool { return len(w.app.Pipelines()) == 1 })
}

func TestApplyAfterAnswersWhoWaits(t *testing.T) {
	w := newWorld(t)
	w.Fault(gitlabtest.Match{Method: "POST"}, gitlabtest.Fault{ApplyAfter: time.Millisecond, Times: 1})
	if a, err := w.create(); err != nil || a.Status != 201 || len(w.app.Pipelines()) != 1 {
		t.Errorf("%v %+v", err, a)
	}
}

func TestCloseDropsWhatWasToHappen(t *testing.T) {
	w := newWorld(t)
	w.Fault(gitlabtest.Match{Method: "POST"}, gitlabtest.Fault{ApplyAfter: time.Hour})
	w.Fault(gitlabtest.Match{Method: "GET"}, gitlabtest.Fault{Delay: time.Hour})
	done := make(chan error, 2)
	go func() { _, err := w.create(); done <- err }()
	go func() { _, err := w.try("GET", "/version", "", nil); done <- err }()
	wait(t, w, func() bool { return len(w.Requests()) == 2 })
	w.Close()
	for range 2 {
		if err := <-done; err == nil {
			t.Error("a request got an answer")
		}
	}
	if n := len(w.app.Pipelines()); n != 0 {
		t.Errorf("%d pipelines", n)
	}
}

func TestDown(t *testing.T) {
	w := newWorld(t)
	w.Down(true)
	a := w.ask("GET", "/version", w.token[gitlabtest.Developer], nil)
	if a.Status != 503 || !strings.HasPrefix(a.Body, "<!DOCTYPE html>") || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%+v", a)
	}
	w.Down(false)
	if a := w.ask("GET", "/version", w.token[gitlabtest.Developer], nil); a.Status != 200 {
		t.Errorf("%+v", a)
	}
}

func TestRefuse(t *testing.T) {
	w := newWorld(t)
	w.ask("GET", "/version", w.token[gitlabtest.Developer], nil) // leaves an open connection behind
	w.Refuse(true)
	if a, err := w.create(); err == nil {
		t.Errorf("got an answer: %+v", a)
	}
	w.Refuse(false)
	if a, err := w.create(); err != nil || a.Status != 201 {
		t.Errorf("%v %+v", err, a)
	}
}

func TestRefuseResetsNewConnections(t *testing.T) {
	w := newWorld(t)
	w.Refuse(true)
	_, err := w.try("GET", "/version", "", nil)
	if !errors.Is(err, syscall.ECONNRESET) && (err == nil || !strings.Contains(err.Error(), "EOF")) {
		t.Errorf("error %v", err)
	}
}

func TestRateLimit(t *testing.T) {
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain text %v", plain), func(t *testing.T) {
			c := &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
			s := gitlabtest.NewServer(gitlabtest.Config{Now: c.Now})
			t.Cleanup(s.Close)
			w := &world{Server: s, t: t}
			token := s.AddToken(s.AddUser("dev"))
			s.SetRateLimit(gitlabtest.RateLimit{Requests: 2, Per: time.Minute, PlainText: plain})
			for _, left := range []string{"1", "0"} {
				a := w.ask("GET", "/version", token, nil)
				if a.Status != 200 || a.Header.Get("RateLimit-Remaining") != left {
					t.Errorf("%+v", a)
				}
			}
			c.pass(20 * time.Second)
			body := `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`
			if plain {
				body = "Retry later\n"
			}
			a := w.ask("GET", "/version", token, nil)
			if a.Status != 429 || a.Body != body || a.Header.Get("Retry-After") != "40" {
				t.Errorf("%+v", a)
			}
			if a := w.ask("GET", "/version", s.AddToken(s.AddUser("other")), nil); a.Status != 200 {
				t.Errorf("another token: %+v", a)
			}
			c.pass(40 * time.Second)
			if a := w.ask("GET", "/version", token, nil); a.Status != 200 {
				t.Errorf("a minute later: %+v", a)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	w := newWorld(t)
	w.ask("GET", "/projects/group%2Fapp/pipelines?ref=main", w.token[gitlabtest.Developer], nil)
	w.ask("GET", "/projects/group%2Fapp/pipelines/latest", w.token[gitlabtest.Developer], nil)
	for pattern, want := range map[string]int{
		"/api/v4/projects/*/pipelines": 1, "GET /api/v4/projects/**": 2, "POST /api/v4/projects/**": 0, "/api/v4/*": 0,
	} {
		if n := w.Count(pattern); n != want {
			t.Errorf("%s: %d, want %d", pattern, n, want)
		}
	}
	wait(t, w, func() bool { return w.Requests()[1].Status == 403 })
	r := w.Requests()[0]
	if r.Method != http.MethodGet || r.Path != "/api/v4/projects/group%2Fapp/pipelines" || r.Query != "ref=main" || r.User != "developer" {
		t.Errorf("%+v", r)
	}
	w.ResetRequests()
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestSubscribe(t *testing.T) {
	w := newWorld(t)
	changes, stop := w.Subscribe()
	defer stop()
	w.run()
	select {
	case <-changes:
	case <-t.Context().Done():
		t.Error("no change was told")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Wait(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestLatency does not measure: an answer that is an hour away has not come when the server is closed.
func TestLatency(t *testing.T) {
	w := newWorld(t)
	w.Latency(time.Hour)
	done := make(chan error, 1)
	go func() { _, err := w.create(); done <- err }()
	wait(t, w, func() bool { return len(w.app.Pipelines()) == 1 })
	w.Close()
	if err := <-done; err == nil {
		t.Error("the answer did not wait")
	}
}
