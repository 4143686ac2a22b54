package incidents_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// major is a bench with a Sev 1 about uAda that has its ticket, SEC-91.
func major(t *testing.T, notes bool) *bench {
	t.Helper()
	b := newBench(t, notes)
	b.alarm("a1", nil)
	b.pass()
	opened := b.effects(change.Open)
	b.issue("SEC-91", func(x *ticket.Ticket) { x.Labels = []string{opened[0].New.Marker} })
	b.pass()
	return b
}

func TestAPlaybookIsDemandedOnlyAfterItsStepsWereRecorded(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uTariq", "sopd: contain lock-out")
	d := b.pass()
	if len(d.Revoked) != 1 || d.Revoked[0].Group != "gPay" || d.Revoked[0].User != "uAda" || d.Revoked[0].Ticket != "SEC-91" || len(d.Actions) != 2 {
		t.Errorf("demand %+v", d)
	}
	if n := b.entries(ledger.PlaybookStep); n != 3 {
		t.Errorf("%d steps recorded, want 3: what is left to people is none", n)
	}
	if b.pass(); b.entries(ledger.PlaybookStep) != 3 {
		t.Error("the steps were recorded again")
	}
}

func TestAPlaybookRunsToItsEndAndContains(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uTariq", "sopd: contain")
	b.pass()
	made := map[change.Kind]change.ID{}
	b.do(func(tx *store.Tx) error {
		for _, kind := range []change.Kind{change.RemoveMember, change.Suspend, change.ClearSessions} {
			c := change.Change{ID: change.NewID(b.now), Kind: kind, Reason: change.Containment, User: "uAda", State: change.Intended, Intended: b.now.Add(time.Second)}
			if kind == change.RemoveMember {
				c.Group = "gPay"
			}
			made[kind] = c.ID
			if err := tx.PutChange(c); err != nil {
				return err
			}
			c.State, c.Settled = change.Confirmed, b.now.Add(2*time.Second)
			if err := tx.PutChange(c); err != nil {
				return err
			}
		}
		return tx.PutMembers("gPay", []access.UserID{"uBob"}, b.now)
	})
	b.effects(change.AlertNote)
	b.pass()
	d := b.pass()
	r := b.only()
	if !r.Reached(incident.Contained) || r.Milestones[incident.Contained].Source != "playbook" {
		t.Errorf("milestones %+v", r.Milestones)
	}
	if len(d.Actions) != 0 || len(d.Revoked) != 1 {
		t.Errorf("demand %+v: what is done is done once, the membership stays demanded against", d)
	}
	all := ""
	for _, e := range b.effects(change.AlertNote) {
		all += e.Body + "\n"
	}
	for kind, id := range made {
		if !strings.Contains(all, string(id)) {
			t.Errorf("no note on the alert names the change that did %s", kind)
		}
	}
	b.issue("SEC-91", move("Closed", b.now))
	if d := b.pass(); len(d.Revoked) != 0 {
		t.Errorf("a closed incident demands %+v", d)
	}
	if closed := b.effects(change.AlertClose); len(closed) != 1 {
		t.Errorf("alerts closed: %+v", closed)
	}
}

func TestWhoMayNotIsRefusedWithASentenceAndNothingIsDemanded(t *testing.T) {
	for name, c := range map[string]struct {
		notes bool
		act   func(*bench)
		want  string
	}{
		"somebody else":       {false, func(b *bench) { b.comment("SEC-91", "uBob", "sopd: contain") }, "authorises"},
		"a stranger":          {false, func(b *bench) { b.comment("SEC-91", "uNobody", "sopd: contain") }, "authorises"},
		"somebody who left":   {false, func(b *bench) { b.comment("SEC-91", "uGone", "sopd: contain") }, "authorises"},
		"a note not accepted": {false, func(b *bench) { b.note("a1", "utariq@example.com", "/contain") }, "authorises"},
		"a stranger's note":   {true, func(b *bench) { b.note("a1", "evil@example.com", "/contain") }, "authorises"},
		"an old word": {false, func(b *bench) {
			b.comment("SEC-91", "uTariq", "sopd: contain")
			b.now = b.now.Add(2 * time.Hour)
		}, "before it was read"},
		"an unknown playbook": {false, func(b *bench) { b.comment("SEC-91", "uTariq", "sopd: contain everything") }, "lock-out, group"},
		"a protected user": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"user": "uGlass"} })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "protected by policy"},
		"an unknown user": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"user": "uNobody"} })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "not known in Okta"},
		"their own account": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"user": "utariq@example.com"} })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "their own account"},
		"nobody named": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = nil })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "names a user or a group"},
		"a group that is not managed": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"group": "gOther"} })
			b.comment("SEC-91", "uTariq", "sopd: contain group")
		}, "not one that sopd manages"},
	} {
		t.Run(name, func(t *testing.T) {
			b := major(t, c.notes)
			b.effects(change.Comment)
			b.effects(change.AlertNote)
			c.act(b)
			d := b.pass()
			if len(d.Actions)+len(d.Revoked) != 0 || b.entries(ledger.PlaybookStep) != 0 {
				t.Errorf("demand %+v", d)
			}
			said := append(b.effects(change.Comment), b.effects(change.AlertNote)...)
			if !slices.ContainsFunc(said, func(e change.Effect) bool {
				return strings.HasPrefix(e.Body, "Not done") && strings.Contains(e.Body, c.want)
			}) {
				t.Errorf("said %+v, want %q", said, c.want)
			}
			if !slices.Contains(flags(b.only()), incident.Refused) {
				t.Errorf("flags %v", flags(b.only()))
			}
		})
	}
}

func TestANoteConfirmsWhereThePolicyAcceptsIt(t *testing.T) {
	b := major(t, true)
	b.note("a1", "uTariq@example.com", "/contain lock-out")
	if d := b.pass(); len(d.Actions) != 2 || len(d.Revoked) != 1 {
		t.Errorf("demand %+v", d)
	}
}

func TestAlertsThatNameTwoUsersAreLeftToPeople(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", func(a *paging.Alert) { a.Alias = "same" })
	b.alarm("a2", func(a *paging.Alert) { a.Alias = "same"; a.Details = map[string]string{"user": "uBob"} })
	b.pass()
	opened := b.effects(change.Open)
	b.issue("SEC-91", func(x *ticket.Ticket) { x.Labels = []string{opened[0].New.Marker} })
	b.comment("SEC-91", "uTariq", "sopd: contain")
	if d := b.pass(); len(d.Actions)+len(d.Revoked) != 0 || !slices.Contains(flags(b.only()), incident.Refused) {
		t.Errorf("demand %+v", d)
	}
}

func TestNothingIsConfirmedOrSaidWhileWritingIsOff(t *testing.T) {
	b := major(t, false)
	b.write = false
	b.comment("SEC-91", "uTariq", "sopd: contain")
	b.effects(change.Comment)
	if d := b.pass(); len(d.Actions)+len(d.Revoked) != 0 || b.entries(ledger.PlaybookStep) != 0 || len(b.effects(change.Comment)) != 0 {
		t.Errorf("demand %+v", d)
	}
}
