package review_test

import (
	"encoding/csv"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/review"
	"pgregory.net/rapid"
)

var opened = time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)

func staff(statuses map[access.UserID]access.UserStatus) *people.Directory {
	var users []access.User
	for id, s := range statuses {
		users = append(users, access.User{ID: id, Status: s})
	}
	return people.New(people.Strategy{}, users, map[access.GroupID][]access.UserID{"gSec": {"uSec"}})
}

func campaign(t *testing.T, members ...access.UserID) review.Campaign {
	t.Helper()
	within, err := kpi.ParseTarget("20d")
	if err != nil {
		t.Fatal(err)
	}
	c := review.Campaign{
		Policy: review.Policy{
			Name: "reviews", Policy: "reviews@1.0.0", Within: within, Schedule: agenda.Schedule{Calendar: calendar.Always()},
			Fallback: catalog.People{Groups: []access.GroupID{"gSec"}}, Risks: []catalog.Risk{catalog.High},
		},
		Occurrence: agenda.Occurrence{Period: "2026-Q3", Opens: opened},
		Catalog: catalog.Catalog{
			Systems: []catalog.System{
				{ID: "pay", Risk: catalog.High, Owners: catalog.People{Users: []access.UserID{"uGone", "uOwner"}}},
				{ID: "wiki", Risk: catalog.Low, Owners: catalog.People{Users: []access.UserID{"uOwner"}}},
			},
			Groups: []catalog.Group{{ID: "gPay", System: "pay"}, {ID: "gWiki", System: "wiki"}},
		},
		People: staff(map[access.UserID]access.UserStatus{
			"uGone": access.Deprovisioned, "uOwner": access.Active, "uSec": access.Active, "uAda": access.Active, "uBob": access.Active,
		}),
	}
	for _, m := range members {
		c.Memberships = append(c.Memberships, review.Membership{Membership: access.Membership{Group: "gPay", User: m}, Basis: "none"})
	}
	c.Memberships = append(c.Memberships, review.Membership{Membership: access.Membership{Group: "gWiki", User: "uAda"}})
	return c
}

func TestNobodyReviewsTheirOwnAccessAndNoOwnerWhoLeftReviews(t *testing.T) {
	reviews, unassigned := campaign(t, "uAda", "uBob", "uOwner").Reviews()
	got := map[access.UserID][]access.UserID{}
	for _, r := range reviews {
		for _, i := range r.Items {
			got[r.Reviewer] = append(got[r.Reviewer], i.User)
		}
	}
	want := map[access.UserID][]access.UserID{"uOwner": {"uAda", "uBob"}, "uSec": {"uOwner"}}
	if diff := cmp.Diff(want, got); diff != "" || len(unassigned) != 0 {
		t.Errorf("%s, unassigned %v", diff, unassigned)
	}
}

func TestWhatNobodyMayReviewIsSaid(t *testing.T) {
	c := campaign(t, "uOwner")
	c.Policy.Fallback = catalog.People{Users: []access.UserID{"uOwner"}}
	reviews, unassigned := c.Reviews()
	if len(reviews) != 0 || len(unassigned) != 1 {
		t.Errorf("reviews %v, unassigned %v", reviews, unassigned)
	}
}

// list is a review of n memberships.
func list(n int) review.Review {
	r := review.Review{ID: "r", Opened: opened, State: review.Open}
	for i := range n {
		r.Items = append(r.Items, review.Item{Number: i + 1, System: "pay", Group: "gPay", User: access.UserID("u" + string(rune('A'+i)))})
	}
	return r
}

func TestWhatAnswersMean(t *testing.T) {
	for _, tt := range []struct {
		body            string
		certify, revoke []int
		problem         string // a part of it
	}{
		{body: "revoke 3, 5-6\ncertify rest", revoke: []int{3, 5, 6}, certify: []int{1, 2, 4, 7}},
		{body: "Certify: 1 2;3.", certify: []int{1, 2, 3}},
		{body: "* revoke #2\n- certify 1", revoke: []int{2}, certify: []int{1}},
		{body: "*Revoke* 2", revoke: []int{2}},
		{body: "Thanks, I shall look at it.\ncertify all", certify: []int{1, 2, 3, 4, 5, 6, 7}},
		{body: "revoke rest", problem: "name the numbers"},
		{body: "revoke all", problem: "name the numbers"},
		{body: "revoke", problem: "names no numbers"},
		{body: "revoke 3\ncertify 3", problem: "both"},
		{body: "revoke 8", problem: "not in the list"},
		{body: "revoke 0", problem: "not in the list"},
		{body: "revoke 5-3", problem: "not in the list"},
		{body: "revoke Marek", problem: "no number"},
		{body: "certify 1\nrevoke 99999999999999999999", problem: "no number"},
		{body: "please revoke 3", problem: "begins with certify or revoke"},
		{body: "certify 1, all of them but 3", problem: "no number"},
	} {
		a, found, problem := review.Parse(tt.body, list(7))
		if !found {
			t.Errorf("%q: decides nothing", tt.body)
			continue
		}
		if tt.problem != "" {
			if !strings.Contains(problem, tt.problem) || len(a.Certify)+len(a.Revoke) > 0 {
				t.Errorf("%q: %+v, %q", tt.body, a, problem)
			}
			continue
		}
		if diff := cmp.Diff(review.Answer{Certify: tt.certify, Revoke: tt.revoke}, a); diff != "" || problem != "" {
			t.Errorf("%q: %s %s", tt.body, diff, problem)
		}
	}
}

func TestTalkDecidesNothing(t *testing.T) {
	for _, body := range []string{"", "I am on holiday until Monday", "Is number 3 still needed?", "certified by whom?"} {
		if _, found, _ := review.Parse(body, list(3)); found {
			t.Errorf("%q decides", body)
		}
	}
}

func anybody(review.Item) bool { return true }

func TestAnAnswerCountsWholeOrNotAtAll(t *testing.T) {
	notHers := func(i review.Item) bool { return i.Number != 2 }
	after, decided, problem := list(3).Apply(review.Word{Answer: review.Answer{Certify: []int{1}, Revoke: []int{2}}, By: "uX", At: opened}, notHers)
	if problem == "" || len(decided) != 0 || len(after.Open()) != 3 {
		t.Errorf("%q, %d decided, open %v", problem, len(decided), after.Open())
	}
}

func TestWhatWasRevokedIsNotCertifiedAfterwards(t *testing.T) {
	revoked, _, _ := list(2).Apply(review.Word{Answer: review.Answer{Revoke: []int{1}}, By: "uX", At: opened}, anybody)
	_, decided, problem := revoked.Apply(review.Word{Answer: review.Answer{Certify: []int{1}}, By: "uX", At: opened}, anybody)
	if problem == "" || len(decided) != 0 {
		t.Errorf("%q, %v", problem, decided)
	}
}

func TestWhatWasCertifiedMayStillBeRevoked(t *testing.T) {
	certified, _, _ := list(1).Apply(review.Word{Answer: review.Answer{Certify: []int{1}}, By: "uX", At: opened}, anybody)
	_, decided, problem := certified.Apply(review.Word{Answer: review.Answer{Revoke: []int{1}}, By: "uX", At: opened}, anybody)
	if problem != "" || len(decided) != 1 {
		t.Errorf("%q, %v", problem, decided)
	}
}

func TestAMembershipThatChangedMeanwhileNeedsNoWord(t *testing.T) {
	r := list(4)
	present := func(m access.Membership) (bool, bool) { return m.User != "uA", m.User != "uC" }
	renewed := func(m access.Membership, since time.Time) bool { return m.User == "uB" && since.Equal(opened) }
	after := r.Observed(opened.Add(time.Hour), present, renewed)
	var got []review.Decision
	for _, i := range after.Items {
		got = append(got, i.Decision)
	}
	if diff := cmp.Diff([]review.Decision{review.Gone, review.Renewed, review.Undecided, review.Undecided}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAReviewIsDoneWhenWhatWasRevokedIsGone(t *testing.T) {
	r, _, _ := list(2).Apply(review.Word{Answer: review.Answer{Certify: []int{1}, Revoke: []int{2}}, By: "uX", At: opened}, anybody)
	if !r.Decided() || r.Done() {
		t.Fatalf("decided %v, done %v", r.Decided(), r.Done())
	}
	never := func(access.Membership, time.Time) bool { return false }
	r = r.Observed(opened, func(m access.Membership) (bool, bool) { return m.User == "uA", true }, never)
	if !r.Done() {
		t.Error("it is not done")
	}
}

type names struct{}

func (names) Person(id access.UserID) string { return "=HYPERLINK(\"" + string(id) + "\")" }
func (names) Group(id access.GroupID) string { return "a|b" }

func TestTheListIsSafeForSpreadsheetsAndTables(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(list(2).CSV(names{}))).ReadAll()
	if err != nil || len(rows) != 3 || !strings.HasPrefix(rows[1][3], "'=") {
		t.Errorf("%v %v", rows, err)
	}
	if strings.Contains(list(1).Table(names{}), "a|b") {
		t.Error("a name ends its cell")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"revoke 1", "certify rest", "revoke 1-3\ncertify 2", "revoke -1", "certify 1--2", "revoke ٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a, _, problem := review.Parse(body, list(5))
		for _, n := range append(a.Certify, a.Revoke...) {
			if n < 1 || n > 5 {
				t.Fatalf("%q decides about number %d", body, n)
			}
		}
		if problem != "" && len(a.Certify)+len(a.Revoke) > 0 {
			t.Fatalf("%q decides although %s", body, problem)
		}
	})
}

func TestNoAnswerRevokesWhatItDoesNotName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`((certify|revoke|talk)( (rest|all|[0-9]|[0-9]-[0-9]))*\n){1,4}`).Draw(t, "body")
		a, _, _ := review.Parse(body, list(9))
		named := ""
		for line := range strings.Lines(body) {
			if rest, ok := strings.CutPrefix(line, "revoke"); ok {
				named += rest
			}
		}
		for _, n := range a.Revoke {
			if !strings.Contains(named, strconv.Itoa(n)) && !strings.Contains(named, "-") {
				t.Fatalf("%q revokes %d", body, n)
			}
		}
	})
}
