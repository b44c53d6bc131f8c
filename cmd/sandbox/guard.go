package main

import (
	"mime"
	"net"
	"net/http"
	"strings"
)

// guard lets only requests through that a page of this server sent, or a person who opened its address. The server is
// on loopback, where every web page that a browser shows can send requests too.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		if status, why := refused(r); why != "" {
			http.Error(w, why, status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secureHeaders lets the page load nothing but itself, and pictures: messages may show them from anywhere.
func secureHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
		"img-src 'self' https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address is the key
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// refused tells why a request is not taken, and with which status; "" for one that is.
func refused(r *http.Request) (status int, why string) {
	origin, own := r.Header.Get("Origin"), "http://"+r.Host
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case !loopback(hostname(r.Host)):
		// A stranger's name that resolves to 127.0.0.1 would make the stranger's page one of this server.
		return http.StatusForbidden, "The sandbox answers to localhost and 127.0.0.1 alone."
	case origin != "" && !strings.EqualFold(origin, own):
		return http.StatusForbidden, "The sandbox takes nothing from pages of other origins."
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return 0, ""
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "The sandbox takes GET and POST."
	case origin == "":
		return http.StatusForbidden, "A POST to the sandbox needs the header Origin."
	case kind != "application/json":
		return http.StatusUnsupportedMediaType, "A POST to the sandbox needs the header Content-Type: application/json."
	}
	return 0, ""
}

// hostname is the name in a Host header, which may have a port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
