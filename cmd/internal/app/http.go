package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"pipebot/bot/policy"
	"pipebot/bot/socket"
	"pipebot/gitlab"
)

// health knows whether people can be served just now.
type health struct {
	connections func() (standing int, fault error)
	token       func() error
	store       func() error
	projects    *gitlab.Projects
	refs        *gitlab.Refs
	authz       policy.Mode
	policy      func() error
}

// openToAll is said wherever AUTHZ=open is seen.
const openToAll = "AUTHZ=open: every full member of the workspace may do everything that the tokens may"

// report says what is missing, and what people should know though all works.
func (h *health) report() (missing, warnings []string) {
	switch standing, fault := h.connections(); {
	case standing == 0 && fault != nil:
		missing = append(missing, "slack: not connected: "+fault.Error())
	case standing == 0:
		missing = append(missing, "slack: not connected")
	case errors.Is(fault, socket.ErrTooMany):
		warnings = append(warnings, "warning: one connection to Slack, not two: "+fault.Error())
	}
	if err := h.token(); err != nil {
		missing = append(missing, "slack: "+err.Error())
	}
	if err := h.store(); err != nil {
		missing = append(missing, "store: "+err.Error())
	}
	for _, err := range h.projects.Faults() {
		missing = append(missing, "gitlab: "+err.Error())
	}
	if h.authz == policy.ModeOpen {
		warnings = append(warnings, "warning: "+openToAll)
	}
	if err := h.policy(); err != nil {
		warnings = append(warnings, "warning: the policy file is not taken, the old one holds on: "+err.Error())
	}
	for _, name := range h.projects.Unreadable() {
		warnings = append(warnings, "warning: "+unreadable(name))
	}
	for _, name := range h.projects.Names() {
		if project, known := h.projects.Known(name); known {
			if err := h.refs.State(project).Err; err != nil {
				warnings = append(warnings, "warning: "+name+": its refs may be out of date: "+err.Error())
			}
		}
	}
	return missing, warnings
}

// readyPage is /readyz. It has no health before the store is open.
type readyPage struct{ health atomic.Pointer[health] }

// ServeHTTP answers /readyz.
func (p *readyPage) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	missing, warnings := []string{"store: it is not open yet; the log says what is waited for"}, []string(nil)
	if h := p.health.Load(); h != nil {
		missing, warnings = h.report()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	lines := append([]string{"ready"}, warnings...)
	if len(missing) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		lines = append(append([]string{"not ready"}, missing...), warnings...)
	}
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}

func handlerFor(ready *readyPage, m *metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.Handle("GET /readyz", ready)
	mux.Handle("GET /metrics", m.handler())
	return mux
}

// listen serves HTTP until ctx ends; an empty address serves nothing.
func listen(ctx context.Context, address string, handler http.Handler, log *zap.Logger) error {
	if address == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	log.Info("listening for health checks", zap.String("address", listener.Addr().String()))
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ErrorLog: zap.NewStdLog(log)}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody waits for a scrape
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving health checks: %w", err)
	}
	return nil
}
