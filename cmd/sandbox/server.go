package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"path"
	"time"
)

// page is what the browser loads.
//
//go:embed page
var page embed.FS

// closing is how long requests under way get when the sandbox ends.
const closing = 2 * time.Second

// routes is everything that is served, all of it below /<token>/: who does not know the address gets nowhere.
func (w *world) routes(token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+token+"/events", w.serveEvents)
	mux.HandleFunc("POST /"+token+"/do/{action}", w.serveAction)
	mux.HandleFunc("GET /"+token+"/{file...}", servePage)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		http.Error(rw, "Nothing is here. Open the address that the sandbox printed when it started.", http.StatusNotFound)
	})
	return guard(mux)
}

func servePage(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	text, err := fs.ReadFile(page, path.Join("page", name))
	if err != nil {
		http.Error(rw, "The page has no such file.", http.StatusNotFound)
		return
	}
	rw.Header().Set("Content-Type", contentType(name))
	http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(text))
}

// contentType is the type of a file of the page. Tables of the machine do not come in: some call a module text/plain,
// which no browser runs.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	default:
		return "text/plain; charset=utf-8"
	}
}

// listen takes the address that was asked for. Nobody asked for the default one: another port does where it is taken.
func listen(ctx context.Context, o options) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.addr)
	if err != nil && !o.addrGiven {
		listener, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return listener, nil
}

// serve answers on the listener until ctx ends.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }, // which ends the streams of events
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the page: %w", err)
}
