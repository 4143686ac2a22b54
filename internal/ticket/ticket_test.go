package ticket_test

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// hostile are texts that go-jira would paste into a path as they are.
var hostile = []string{
	"", "ACC", "ACC-", "-17", "17", "acc-17", "ACC-17/../../x?y=1", "ACC-17?x=1", "ACC-17#x", "ACC-17\n", "\nACC-17", "ACC 17", "ACC-1 7",
	"ACC-17%2F", "ACC--17", "ACC-1x", "1CC-17", "_CC-17", "ACC-٣", "ÄCC-17", "ACC-17\x00", strings.Repeat("A", 32) + "-1",
	"A-" + strings.Repeat("1", 19),
}

func TestTextsThatAreNoKeyAreRefused(t *testing.T) {
	for _, s := range hostile {
		if key, err := ticket.ParseKey(s); !errors.Is(err, access.ErrInvalid) || key != "" {
			t.Errorf("%q: %q, %v", s, key, err)
		}
	}
}

func TestKeysTellTheirProject(t *testing.T) {
	for s, project := range map[string]string{"ACC-17": "ACC", "A1_B-9": "A1_B", "A-1": "A"} {
		key, err := ticket.ParseKey(s)
		if err != nil || string(key) != s || key.Project() != project {
			t.Errorf("%q: key %q of project %q, %v", s, key, key.Project(), err)
		}
	}
	if got := ticket.Key("").Project(); got != "" {
		t.Errorf("no key is of project %q", got)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range append(hostile, "ACC-17", "A1_B-9") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := ticket.ParseKey(s)
		if err != nil {
			if !errors.Is(err, access.ErrInvalid) || key != "" {
				t.Fatalf("%q: %q, %v", s, key, err)
			}
			return
		}
		project, number, found := strings.Cut(s, "-")
		if string(key) != s || url.PathEscape(s) != s || !found || key.Project() != project || number == "" {
			t.Fatalf("%q passed, as %q of project %q", s, key, key.Project())
		}
	})
}

func TestALogShowsNoPersonalDataOfAPerson(t *testing.T) {
	var text strings.Builder
	p := ticket.Person{Account: "712020:a1", Name: "Ada", Email: "ada@example.com", Active: true}
	slog.New(slog.NewTextHandler(&text, nil)).Info("seen", "who", p)
	if !strings.Contains(text.String(), "who=712020:a1") {
		t.Errorf("the person is not named: %s", text.String())
	}
	if strings.Contains(text.String(), "Ada") || strings.Contains(text.String(), "example.com") {
		t.Errorf("the log holds personal data: %s", text.String())
	}
}
