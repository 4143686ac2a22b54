//go:build race

package reconcile_test

import (
	"flag"
	"os"
	"testing"
)

// sampled is which part of the fault scripts runs: one in so many under the race detector, which is ten times slower and
// looks for something else.
const sampled = 16

// TestMain has fewer worlds drawn, for the same reason; -rapid.checks still asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
