package people_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func TestWhoWasInAGroupIsToldByTheLogAndNotByTodaysMembers(t *testing.T) {
	noon := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	came, went := func(n int) people.Turn { return people.Turn{At: hour(n), In: true} }, func(n int) people.Turn { return people.Turn{At: hour(n)} }
	m := access.Membership{Group: "00gsec", User: "00uada"}
	for _, c := range []struct {
		name     string
		today    bool
		turns    []people.Turn
		seen     time.Time
		from, to int
		want     bool
	}{
		{"in it today, and nothing else known", true, nil, time.Time{}, 0, 0, true},
		{"not in it today, and nothing else known", false, nil, time.Time{}, 0, 0, false},
		{"came before", true, []people.Turn{came(-1)}, time.Time{}, 0, 0, true},
		{"came after", true, []people.Turn{came(1)}, time.Time{}, 0, 0, false},
		{"came at that very instant", true, []people.Turn{came(0)}, time.Time{}, 0, 0, false},
		{"left after", false, []people.Turn{went(1)}, time.Time{}, 0, 0, true},
		{"left before", false, []people.Turn{went(-1)}, time.Time{}, 0, 0, false},
		{"left at that very instant", false, []people.Turn{went(0)}, time.Time{}, 0, 0, false},
		{"came before and left after, told out of order", false, []people.Turn{went(1), came(-1)}, time.Time{}, 0, 0, true},
		{"left and came back after", true, []people.Turn{went(1), came(2)}, time.Time{}, 0, 0, true},
		{"came, left and came back after", true, []people.Turn{came(1), went(2), came(3)}, time.Time{}, 0, 0, false},
		{"came between the first and the last instant", true, []people.Turn{came(1)}, time.Time{}, 0, 2, false},
		{"left between the first and the last instant", false, []people.Turn{came(-1), went(1)}, time.Time{}, 0, 2, false},
		{"away only between them", true, []people.Turn{came(-1), went(1), came(2)}, time.Time{}, 0, 3, false},
		{"came before, and today's list does not show them: it may be older, or they left unseen", false, []people.Turn{came(-1)}, time.Time{}, 0, 0, false},
		{"left before, and today's list still shows them", true, []people.Turn{went(-1)}, time.Time{}, 0, 0, false},
		{"first seen later, and the log does not say when they came", true, nil, hour(1), 0, 0, false},
		{"first seen at that instant", true, nil, hour(0), 0, 0, false},
		{"first seen before", true, nil, hour(-1), 0, 0, true},
		{"first seen later, and the log shows that they came before", true, []people.Turn{came(-1)}, hour(1), 0, 0, true},
		{"first seen later, and the log shows that they had left after", true, []people.Turn{went(1)}, hour(2), 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			members := map[access.GroupID][]access.UserID{"00gsec": nil}
			if c.today {
				members["00gsec"] = []access.UserID{"00uada"}
			}
			past := people.Past{Turns: map[access.Membership][]people.Turn{m: c.turns}, Seen: map[access.Membership]time.Time{}}
			if !c.seen.IsZero() {
				past.Seen[m] = c.seen
			}
			d := people.New(people.Strategy{}, nil, members)
			if got := d.Recall(past).MemberThroughout(m, hour(c.from), hour(c.to)); got != c.want {
				t.Errorf("member: %t, want %t", got, c.want)
			}
		})
	}
}

func TestNobodyWasInAGroupThatWasNotRead(t *testing.T) {
	m := access.Membership{Group: "00gsec", User: "00uada"}
	past := people.Past{Turns: map[access.Membership][]people.Turn{m: {{At: time.Unix(1, 0), In: true}}}}
	if people.New(people.Strategy{}, nil, nil).Recall(past).MemberThroughout(m, time.Unix(2, 0), time.Unix(2, 0)) {
		t.Error("a member of a group that nobody has read")
	}
}

func TestTheMembersOfAGroupAreListedOrNotKnown(t *testing.T) {
	d := people.New(people.Strategy{}, nil, map[access.GroupID][]access.UserID{"00g1": {"00ub", "00ua"}, "00gempty": nil})
	if got, known := d.Members("00g1"); !known || cmp.Diff([]access.UserID{"00ua", "00ub"}, got) != "" {
		t.Errorf("members %v, known %t", got, known)
	}
	if got, known := d.Members("00gempty"); !known || len(got) > 0 {
		t.Errorf("of an empty group: %v, known %t", got, known)
	}
	if _, known := d.Members("00gother"); known {
		t.Error("a group that was not read is known")
	}
}

// An ID is the person. What people are called is not.
func TestAUserWhoseLoginWasChangedIsTheSameUser(t *testing.T) {
	renamed := access.User{ID: "00uada", Login: "ada.lace@example.com", Email: "ada.lace@example.com", Profile: map[string]string{"jira": "712020:ada"}}
	d := people.New(people.Strategy{Attribute: "jira", Email: true}, []access.User{renamed}, nil)
	for _, shown := range []string{"ada@example.com", "ada.lace@example.com", ""} {
		if got, err := d.Match(ticket.Person{Account: "712020:ada", Email: shown}); err != nil || got.ID != "00uada" {
			t.Errorf("shown as %q: %v, %v", shown, got.ID, err)
		}
	}
}
