package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
)

// secure puts TLS and basic authentication on the server, as the file says in the format that all exporters share. It
// reports whether there is TLS. The file and the certificates are read again when they change. Without a file nothing
// is done.
//
// Webhooks come with their own secrets, and a probe carries none: they are not asked for a password.
//
// Errors: what is wrong with the file.
func secure(server *http.Server, file string) (tls bool, err error) {
	if file == "" {
		return false, nil
	}
	open := server.Handler
	// The toolkit dresses a server when it serves. It is let serve a listener that nobody can reach, and the server then
	// serves ours with what it was given, so that some paths can do without the password.
	off := false
	err = web.Serve(unreachable{}, server, &web.FlagConfig{WebConfigFile: &file, WebSystemdSocket: &off}, slog.New(slog.DiscardHandler))
	if !errors.Is(err, errUnreachable) {
		return false, webProblem(err)
	}
	guarded := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if withoutPassword(r.URL.Path) {
			open.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
	return server.TLSConfig != nil, nil
}

// withoutPassword reports whether a path has another way to tell who asks, or nothing to hide.
func withoutPassword(path string) bool {
	return strings.HasPrefix(path, "/webhooks/") || path == "/healthz" || path == "/readyz"
}

// quoted is what YAML's errors cite of a file, which may be a password's hash.
var quoted = regexp.MustCompile("`[^`]*`")

// webProblem words what the toolkit found, without what stands in the file.
func webProblem(err error) error {
	return fmt.Errorf("is not sound: %s; it has tls_server_config and basic_auth_users as every exporter's has", quoted.ReplaceAllString(err.Error(), "…"))
}

// errUnreachable is what a listener that nobody can reach says.
var errUnreachable = errors.New("nobody can reach this listener")

// unreachable is a listener that nobody can reach.
type unreachable struct{}

// Accept says so.
func (unreachable) Accept() (net.Conn, error) { return nil, errUnreachable }

// Close does nothing.
func (unreachable) Close() error { return nil }

// Addr returns an address that is none.
func (unreachable) Addr() net.Addr { return &net.TCPAddr{} }
