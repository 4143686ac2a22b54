package incident_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// wrote is a comment of an account, and with an editor one that was changed the given minutes in.
func wrote(body string, editor ticket.AccountID, edited int) ticket.Comment {
	c := ticket.Comment{ID: "7", Body: body, Created: at(1), Author: "acc", Person: ticket.Person{Account: "acc", Active: true}}
	if editor != "" {
		c.Editor, c.Edited = editor, at(edited)
	}
	return c
}

func TestWhatWasEditedIsSaidWhenItWasEdited(t *testing.T) {
	first, is := incident.InComment("9", wrote("sopd: contained", "", 0))
	if !is || !first.At.Equal(at(1)) || first.Ref != "comment/9/7" {
		t.Errorf("unedited: %v %+v", is, first)
	}
	later, is := incident.InComment("9", wrote("sopd: contained", "acc", 5))
	if !is || !later.At.Equal(at(5)) || later.Ref == first.Ref || !later.OnTicket() {
		t.Errorf("edited: %v %+v", is, later)
	}
	if o, is := incident.InComment("9", wrote("we look at it", "acc", 5)); is {
		t.Errorf("talk is an order: %+v", o)
	}
}

func TestOrdersAreComparedWithWhatTheirCommentsSaidBefore(t *testing.T) {
	reading := func(comments ...ticket.Comment) (out []incident.Order) {
		for _, c := range comments {
			if o, is := incident.InComment("9", c); is {
				out = append(out, o)
			}
		}
		return out
	}
	for name, c := range map[string]struct {
		before, now []incident.Order
		says        string
		was         string
		at          int
	}{
		"nothing was changed":        {reading(wrote("sopd: contained", "", 0)), reading(wrote("sopd: contained", "", 0)), "contained", "", 1},
		"talk around it was changed": {reading(wrote("sopd: contained", "", 0)), reading(wrote("well\nsopd: contained", "acc", 5)), "contained", "", 1},
		"it says something else":     {reading(wrote("sopd: contained", "", 0)), reading(wrote("sopd: escalated", "acc", 5)), "escalated", "contained", 5},
		"its time is another":        {reading(wrote("sopd: contained", "", 0)), reading(wrote("sopd: contained at 2026-01-31T10:05Z", "acc", 5)), "contained at 2026-01-31T10:05Z", "contained", 5},
		"it was not understood":      {reading(wrote("sopd: contain, please now", "", 0)), reading(wrote("sopd: contained", "acc", 5)), "contained", "", 5},
		"it was taken out":           {reading(wrote("sopd: contain lock-out", "", 0)), nil, "dropped", "contain lock-out", 8},
		"nonsense was taken out":     {reading(wrote("sopd: contain, please now", "", 0)), nil, "", "", 0},
		"talk became an order":       {nil, reading(wrote("sopd: update", "acc", 5)), "update", "", 5},
	} {
		t.Run(name, func(t *testing.T) {
			got := incident.Revise(c.before, c.now, at(8))
			if c.says == "" {
				if len(got) != 0 {
					t.Errorf("%+v is kept", got)
				}
				return
			}
			if len(got) != 1 || got[0].Command.String() != c.says || !got[0].At.Equal(at(c.at)) {
				t.Fatalf("got %+v, want %q at minute %d", got, c.says, c.at)
			}
			was := ""
			if got[0].Was != nil {
				was = got[0].Was.String()
			}
			if was != c.was {
				t.Errorf("it was %q, want %q", was, c.was)
			}
			if diff := cmp.Diff(got, incident.Revise(got, c.now, at(9))); diff != "" {
				t.Errorf("a second reading differs: %s", diff)
			}
		})
	}
}

func TestAnOrderThatCameBackTellsWhatItWas(t *testing.T) {
	first, _ := incident.InComment("9", wrote("sopd: contained", "", 0))
	gone := incident.Revise([]incident.Order{first}, nil, at(8))
	back, _ := incident.InComment("9", wrote("sopd: resolved", "acc", 9))
	got := incident.Revise(gone, []incident.Order{back}, at(10))
	if len(got) != 1 || got[0].Was == nil || got[0].Was.String() != "contained" || !got[0].At.Equal(at(9)) {
		t.Errorf("got %+v", got)
	}
}
