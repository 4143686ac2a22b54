package change_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/oklog/ulid/v2"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestChangeIDsAreUniqueAndSortByTime(t *testing.T) {
	var ids []change.ID
	seen := make(map[change.ID]bool)
	for i := range 1000 {
		id := change.NewID(now.Add(time.Duration(i) * time.Millisecond))
		if parsed, err := change.ParseID(string(id)); err != nil || parsed != id || seen[id] {
			t.Fatalf("%q: %q, %v, seen before: %t", id, parsed, err, seen[id])
		}
		seen[id] = true
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Error("later IDs do not sort after earlier ones")
	}
}

func TestTextsThatAreNoChangeIDAreRefused(t *testing.T) {
	good := "01KAN2V0G0ABCDEFGHJKMNPQRS"
	for _, s := range []string{
		"", "CHG-", good, "chg-" + good, "CHG-" + strings.ToLower(good), "CHG-" + good + "\n", " CHG-" + good, "CHG-" + good + "X",
		"CHG-" + good[1:], "CHG-" + good[:25] + "I", "CHG-" + good[:25] + "L", "CHG-" + good[:25] + "O", "CHG-" + good[:25] + "U", "CHG_" + good,
	} {
		if id, err := change.ParseID(s); !errors.Is(err, access.ErrInvalid) || id != "" {
			t.Errorf("%q: %q, %v", s, id, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"", "CHG-01KAN2V0G0ABCDEFGHJKMNPQRS", "CHG-01KAN2V0G0ABCDEFGHJKMNPQRS\n", "CHG-7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "CHG-8ZZZZZZZZZZZZZZZZZZZZZZZZZ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := change.ParseID(s)
		if err != nil {
			if !errors.Is(err, access.ErrInvalid) || id != "" {
				t.Fatalf("%q: %q, %v", s, id, err)
			}
			return
		}
		if _, err := ulid.ParseStrict(strings.TrimPrefix(s, "CHG-")); err != nil || string(id) != s {
			t.Fatalf("%q passed as %q and is no ULID: %v", s, id, err)
		}
	})
}

func TestAGrantLivesUntilItEndsOrExpires(t *testing.T) {
	for _, c := range []struct {
		name  string
		grant change.Grant
		live  bool
	}{
		{"without an end", change.Grant{}, true},
		{"the instant before it expires", change.Grant{Expires: now.Add(1)}, true},
		{"the instant when it expires", change.Grant{Expires: now}, false},
		{"after it expired", change.Grant{Expires: now.Add(-1)}, false},
		{"ended before it would expire", change.Grant{Ended: now.Add(-1), Expires: now.Add(time.Hour)}, false},
		{"ended without an expiry", change.Grant{Ended: now}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.grant.Live(now); got != c.live {
				t.Errorf("live: %t, want %t", got, c.live)
			}
		})
	}
}

func TestATicketReadTwiceMakesTheSameGrant(t *testing.T) {
	m := access.Membership{Group: "00g1", User: "00u1"}
	if first, second := change.NewGrantID("10017", m), change.NewGrantID("10017", m); first != second {
		t.Error("two grants of one ticket and membership")
	}
	others := []change.GrantID{
		change.NewGrantID("10017", m), change.NewGrantID("10018", m),
		change.NewGrantID("10017", access.Membership{Group: "00g2", User: "00u1"}),
		change.NewGrantID("10017", access.Membership{Group: "00g1", User: "00u2"}),
	}
	slices.Sort(others)
	if len(slices.Compact(others)) != 4 {
		t.Error("different grants share an ID")
	}
}

func TestOnlyConfirmedAndRefusedAreSettled(t *testing.T) {
	for state, want := range map[change.State]bool{
		change.Intended: false, change.Unconfirmed: false, change.Applied: false, change.Confirmed: true, change.Refused: true, "": false,
	} {
		if got := state.Settled(); got != want {
			t.Errorf("%q settled: %t, want %t", state, got, want)
		}
	}
}

func TestAGrantAndAChangeAreAboutTheSameMembership(t *testing.T) {
	want := access.Membership{Group: "00g1", User: "00u1"}
	if got := (change.Grant{Group: "00g1", User: "00u1"}).Membership(); got != want {
		t.Errorf("grant: %v", got)
	}
	if got := (change.Change{Group: "00g1", User: "00u1"}).Membership(); got != want {
		t.Errorf("change: %v", got)
	}
}

func TestAnAttachmentThatIsNoTextSurvivesAsText(t *testing.T) {
	for _, tt := range []struct {
		e    change.Effect
		want string
		err  error
	}{
		{change.Effect{Body: "a;b"}, "a;b", nil},
		{change.Effect{Body: "AP/+", Base64: true}, "\x00\xff\xfe", nil},
		{change.Effect{Body: "%", Base64: true}, "", access.ErrMalformed},
	} {
		got, err := tt.e.Content()
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%q: %q, %v", tt.e.Body, got, err)
		}
	}
}
