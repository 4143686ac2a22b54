package main

import (
	"errors"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
)

func TestWhoMayDecideAboutAHold(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	waiting := hold.Hold{ID: "HLD-1", State: hold.Open, Made: now, Expires: now.Add(time.Hour), Causes: []access.UserID{"00uCause1"}}
	in := func(s hold.State) hold.Hold { h := waiting; h.State = s; return h }
	people := map[string]access.UserID{"odile": "00uOdile1", "causer": "00uCause1"}
	for _, c := range []struct {
		name            string
		hold            hold.Hold
		account         string
		people          map[string]access.UserID
		after           time.Duration
		approve, cancel bool
	}{
		{"somebody who is named", waiting, "odile", people, 0, true, true},
		{"who has caused it", waiting, "causer", people, 0, false, true},
		{"somebody who is not named", waiting, "mallory", people, 0, false, false},
		{"anybody where nobody is named", waiting, "mallory", nil, 0, true, true},
		{"at the last moment", waiting, "odile", people, time.Hour - 1, true, true},
		{"too late", waiting, "odile", people, time.Hour, false, false},
		{"what was let through", in(hold.Approved), "odile", people, 0, false, true},
		{"what was used", in(hold.Used), "odile", people, 0, false, false},
		{"what was cancelled", in(hold.Cancelled), "odile", people, 0, false, false},
		{"what has expired", in(hold.Expired), "odile", people, 0, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decision{account: c.account, people: c.people, reason: "seen and checked", now: now.Add(c.after)}
			for verb, want := range map[string]bool{"approve": c.approve, "cancel": c.cancel} {
				h := c.hold
				apply, kind, state := approveHold, ledger.HoldApproved, hold.Approved
				if verb == "cancel" {
					apply, kind, state = cancelHold, ledger.HoldCancelled, hold.Cancelled
				}
				got, err := apply(&h, d)
				if (err == nil) != want || want && (got != kind || h.State != state || h.Reason != d.reason || by(h) == "") {
					t.Errorf("%s: %v, %v, %+v", verb, got, err, h)
				}
				var exit *exitError
				if err != nil && (!errors.As(err, &exit) || exit.code != exitStopped || h.State != c.hold.State) {
					t.Errorf("%s: %v, the hold is %s", verb, err, h.State)
				}
			}
		})
	}
}

func TestWhoAsksForAnUndoDoesNotLetItThrough(t *testing.T) {
	now := time.Now()
	h := hold.Hold{Kind: hold.Undo, RequestedBy: "odile", State: hold.Open, Expires: now.Add(time.Hour)}
	if _, err := approveHold(&h, decision{account: "odile", now: now}); err == nil {
		t.Error("no error")
	}
	if _, err := approveHold(&h, decision{account: "tariq", now: now}); err != nil {
		t.Error(err)
	}
}

func TestWhoDecidedIsRecordedWithTheirOktaUser(t *testing.T) {
	now := time.Now()
	h := hold.Hold{State: hold.Open, Expires: now.Add(time.Hour)}
	if _, err := approveHold(&h, decision{account: "odile", people: map[string]access.UserID{"odile": "00uOdile1"}, now: now}); err != nil {
		t.Fatal(err)
	}
	if want := "odile (00uOdile1)"; h.ApprovedBy != want {
		t.Errorf("approved by %q, want %q", h.ApprovedBy, want)
	}
}
