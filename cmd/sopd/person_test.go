package main

import (
	"os"
	"os/user"
	"path/filepath"
	"testing"
)

// loginFile is a /proc/self/loginuid of this test.
func loginFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loginuid")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestThePersonIsWhoSignedInWhoeverTheyRunAs(t *testing.T) {
	// Two accounts that every Debian has; one of them is not this process's.
	for _, name := range []string{"root", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := account(loginFile(t, u.Uid)); err != nil || got != name {
			t.Errorf("%q, %v; want %s", got, err, name)
		}
	}
}

func TestWhereNobodySignedInThePersonIsTheProcess(t *testing.T) {
	self, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{loginFile(t, noLogin), loginFile(t, ""), filepath.Join(t.TempDir(), "absent")} {
		if got, err := account(path); err != nil || got != self.Username {
			t.Errorf("%q, %v; want %s", got, err, self.Username)
		}
	}
}

func TestAnAccountThatSignedInAndHasNoNameIsNobody(t *testing.T) {
	if got, err := account(loginFile(t, "4294900000")); err == nil {
		t.Errorf("is taken for %q", got)
	}
}
