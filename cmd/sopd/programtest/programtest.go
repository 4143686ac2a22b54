// Package programtest helps tests that run the program as it is shipped, as a process of its own.
package programtest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Build makes the program as it is shipped, in a folder that ends with the test, and returns its path.
func Build(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	cmd := exec.CommandContext(tb.Context(), "go", "install", "github.com/maisonrmi/sopd/cmd/sopd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go install: %v\n%s", err, out)
	}
	return filepath.Join(dir, "sopd")
}

// FreePort returns an address of loopback that nobody listened on a moment ago.
func FreePort(tb testing.TB) string {
	tb.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
