package paging_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// hostile are texts that the SDK would paste into a path as they are.
var hostile = []string{
	"", " ", "a/b", "a?b", "a#b", "a b", "a\n", "\na", "a%2Fb", "ä", "a\x00", "a\\b", "a;b", "a@b", "a&b", "a\u202eb",
}

func TestAliasesThatCouldLeaveAPathAreRefused(t *testing.T) {
	for _, s := range append(hostile, strings.Repeat("a", 513)) {
		if alias, err := paging.ParseAlias(s); !errors.Is(err, access.ErrInvalid) || alias != "" {
			t.Errorf("%q: %q, %v", s, alias, err)
		}
	}
	for _, s := range []string{"sopd.hold:CHG-1_x", "a", strings.Repeat("a", 512)} {
		if alias, err := paging.ParseAlias(s); err != nil || string(alias) != s {
			t.Errorf("%q: %q, %v", s, alias, err)
		}
	}
}

// An alias of dots only would be cleaned out of the path by every HTTP library.
func TestAnAliasOfDotsIsRefused(t *testing.T) {
	for _, s := range []string{".", ".."} {
		if alias, err := paging.ParseAlias(s); !errors.Is(err, access.ErrInvalid) || alias != "" {
			t.Errorf("%q: %q, %v", s, alias, err)
		}
	}
}

func TestAlertIDsThatCouldLeaveAPathAreRefused(t *testing.T) {
	for _, s := range append(hostile, "a.b", "..", "a_b", strings.Repeat("a", 129)) {
		if id, err := paging.ParseAlertID(s); !errors.Is(err, access.ErrInvalid) || id != "" {
			t.Errorf("%q: %q, %v", s, id, err)
		}
	}
	for _, s := range []string{"4513b7ea-3b91-438f-b7e4-e3e54af9147c", "70413a06-1524874747377", strings.Repeat("a", 128)} {
		if id, err := paging.ParseAlertID(s); err != nil || string(id) != s {
			t.Errorf("%q: %q, %v", s, id, err)
		}
	}
}

func FuzzParseAlias(f *testing.F) {
	for _, s := range append(hostile, "sopd.hold:CHG-1_x", "..") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		alias, err := paging.ParseAlias(s)
		if err != nil {
			if !errors.Is(err, access.ErrInvalid) || alias != "" {
				t.Fatalf("%q: %q, %v", s, alias, err)
			}
			return
		}
		joined, err := url.JoinPath("https://example.com/v2/alerts", s, "close")
		if err != nil || string(alias) != s || len(s) > 512 || joined != "https://example.com/v2/alerts/"+s+"/close" {
			t.Fatalf("%q passed and leads to %q, %v", s, joined, err)
		}
	})
}

func TestPrioritiesAreWrittenAsTheVendorDoes(t *testing.T) {
	for p, want := range map[paging.Priority]string{-1: "", 0: "", 1: "P1", 3: "P3", 5: "P5", 6: ""} {
		if got := p.String(); got != want {
			t.Errorf("priority %d is %q, want %q", int(p), got, want)
		}
	}
}
