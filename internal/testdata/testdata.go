// Package testdata finds the vendor specifications and recordings that tests are held against. They are not part of the
// project: they lie beside it.
package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// RequireVariable names the environment variable that, set to 1, turns a missing file from a skip into a failure. CI sets it.
const RequireVariable = "SOPD_REQUIRE_SHARED"

// Shared returns the path of name below the folder "shared" beside the module's root. Where it is absent the test is
// skipped, saying so, or fails when [RequireVariable] is 1.
func Shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(moduleRoot(t)), "shared", name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if os.Getenv(RequireVariable) == "1" {
		t.Fatalf("vendor data %s is absent and %s=1", name, RequireVariable)
	}
	t.Skipf("vendor data %s is absent beside the project", name)
	return ""
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}
