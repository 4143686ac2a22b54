package access_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// hostile are texts that would leave their place in a path, a query or a log line.
var hostile = []string{
	"", " ", "00u1/../../groups", "00u1?x=1", "00u1#x", "00u1%2F", "00u1\n", "\n00u1", "00u1\r\nX: y", "00u1\x00", "..", ".", "/",
	"00ü1", "٠٠u1", "00u1 ", strings.Repeat("a", 65), "a\u202eb", "\xff",
}

func TestIdentifiersThatCouldLeaveAPathAreRefused(t *testing.T) {
	for _, s := range hostile {
		if id, err := access.ParseUserID(s); !errors.Is(err, access.ErrInvalid) || id != "" {
			t.Errorf("user %q: %q, %v", s, id, err)
		}
		if id, err := access.ParseGroupID(s); !errors.Is(err, access.ErrInvalid) || id != "" {
			t.Errorf("group %q: %q, %v", s, id, err)
		}
	}
}

func TestIdentifiersOfOktaPass(t *testing.T) {
	for _, s := range []string{"00u1a2b3c4d5e6f7g8h9", "0", strings.Repeat("Z", 64)} {
		if id, err := access.ParseUserID(s); err != nil || string(id) != s {
			t.Errorf("user %q: %q, %v", s, id, err)
		}
		if id, err := access.ParseGroupID(s); err != nil || string(id) != s {
			t.Errorf("group %q: %q, %v", s, id, err)
		}
	}
}

func FuzzParseUserID(f *testing.F) {
	for _, s := range append(hostile, "00u1a2b3c4d5e6f7g8h9") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		user, err := access.ParseUserID(s)
		group, groupErr := access.ParseGroupID(s)
		if (err == nil) != (groupErr == nil) {
			t.Fatalf("%q is a user ID: %v, a group ID: %v", s, err, groupErr)
		}
		if err != nil {
			if !errors.Is(err, access.ErrInvalid) || user != "" || group != "" {
				t.Fatalf("%q: %q, %q, %v", s, user, group, err)
			}
			if len(s) > 3 && strings.Contains(err.Error(), s) {
				t.Fatalf("the error repeats what was given: %v", err)
			}
			return
		}
		if string(user) != s || string(group) != s || url.PathEscape(s) != s || len(s) > 64 || s == "." || s == ".." {
			t.Fatalf("%q passed", s)
		}
	})
}

func TestMembershipsAreOrderedByGroupThenUser(t *testing.T) {
	ordered := []access.Membership{{Group: "a", User: "x"}, {Group: "a", User: "y"}, {Group: "b", User: "a"}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := a.Compare(b), compareInts(i, j); got != want {
				t.Errorf("%v against %v: %d, want %d", a, b, got, want)
			}
		}
	}
}

func compareInts(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func TestALogShowsNoPersonalDataOfAUser(t *testing.T) {
	var text strings.Builder
	u := access.User{ID: "00u1", Login: "ada@example.com", Email: "ada@example.com", Name: "Ada", Status: access.Active}
	slog.New(slog.NewTextHandler(&text, nil)).Info("seen", "who", u)
	if !strings.Contains(text.String(), "who.user=00u1 who.status=ACTIVE") {
		t.Errorf("the user is not named: %s", text.String())
	}
	for _, secret := range []string{"ada", "Ada", "example.com"} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, text.String())
		}
	}
}

func TestThrottlingTellsWhenToAskAgain(t *testing.T) {
	until := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	err := fmt.Errorf("list users: %w", &access.ThrottledError{Until: until})
	if got, ok := access.RetryAfter(err); !ok || !got.Equal(until) {
		t.Errorf("retry after %v, %t", got, ok)
	}
	if !errors.Is(err, access.ErrThrottled) || err.Error() != "list users: throttled" {
		t.Errorf("error %q does not say that the vendor throttles", err)
	}
	if _, ok := access.RetryAfter(&access.ThrottledError{}); ok {
		t.Error("a time was made up where the vendor gave none")
	}
	if _, ok := access.RetryAfter(access.ErrThrottled); ok {
		t.Error("a time was made up for a bare cause")
	}
}
