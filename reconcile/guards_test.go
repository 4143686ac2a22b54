package reconcile_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/reconcile"
)

// trio is a group of three without a floor; the numbers of the whole organisation stop nothing.
func trio(t *testing.T) *bench {
	b := newBench(t)
	b.set.Guards.GroupRemovalPercent, b.set.Guards.SmallGroupFloor = 25, 1
	b.only("gPayAdm", "uDan", "uEve", "uFay")
	b.settle()
	return b
}

func TestAGroupOfThreeIsNotEmptiedByOneLeaverAfterTheOther(t *testing.T) {
	b := trio(t)
	for _, id := range []access.UserID{"uDan", "uEve", "uFay"} {
		b.v.okta.status(id, access.Deprovisioned, "uHR")
		later(10 * time.Minute)(b)
		b.settle()
	}
	if left := b.v.okta.membersAt("gPayAdm", b.v.clock.now); len(left) != 2 {
		t.Errorf("%d members are left, want 2", len(left))
	}
	open := b.holds(hold.Open)
	if len(open) == 0 || !slices.Contains(open[0].Guards, string(guard.GroupShare)) {
		t.Errorf("holds %+v, want one of the group's share", open)
	}
	if len(b.v.ops.open) == 0 {
		t.Error("nobody was paged")
	}
}

// A day later there is room for the plan. It was stopped all the same, and waits for a person.
func TestAPlanThatWasStoppedIsNotLetThroughByTime(t *testing.T) {
	b := trio(t)
	b.v.okta.status("uDan", access.Deprovisioned, "uHR")
	later(time.Minute)(b)
	b.settle()
	later(23 * time.Hour)(b)
	b.v.okta.status("uEve", access.Deprovisioned, "uHR")
	later(time.Minute)(b)
	b.settle()
	later(2 * time.Hour)(b) // uDan's removal is more than a day old
	b.settle()
	b.wantIn("gPayAdm", "uEve", true)
	if n := len(b.holds(hold.Open)); n != 1 {
		t.Errorf("%d holds are open, want 1", n)
	}
	b.letThrough(b.holds(hold.Open)[0])
	b.settle()
	b.wantIn("gPayAdm", "uEve", false)
}

func TestAHoldThatNobodyDecidesExpiresAndIsMadeAnew(t *testing.T) {
	b := newBench(t)
	massDeparture(b)
	b.settle()
	first := b.holds(hold.Open)[0]
	later(25 * time.Hour)(b)
	b.settle()
	expired := b.holds(hold.Expired)
	if len(expired) != 1 || expired[0].ID != first.ID {
		t.Errorf("expired are %v, want %s", expired, first.ID)
	}
	if n := b.records(ledger.HoldExpired); n != 1 {
		t.Errorf("the ledger tells of it %d times, want once", n)
	}
	if n := len(b.holds(hold.Open)); n != 1 {
		t.Errorf("%d holds are open, want a new one", n)
	}
	if n := len(b.findings(reconcile.FindingHold)); n != 1 {
		t.Errorf("%d findings of holds, want 1", n)
	}
}

func TestAHoldNamesWhoHasCausedItsPlan(t *testing.T) {
	b := newBench(t)
	massDeparture(b)
	b.settle()
	if diff := cmp.Diff([]access.UserID{"uHR"}, b.holds(hold.Open)[0].Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

func TestAHoldOfDriftNamesWhoAddedThem(t *testing.T) {
	b := newBench(t)
	for _, id := range []access.UserID{"uDan", "uEve", "uFay", "uGus", "uHal"} {
		b.v.okta.put(access.Membership{Group: "gPay", User: id}, true, "uOwner")
	}
	later(10 * time.Second)(b)
	b.settle()
	if diff := cmp.Diff([]access.UserID{"uOwner"}, b.holds(hold.Open)[0].Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

func TestAHoldOfALeaverNamesWhoRaisedTheTicket(t *testing.T) {
	b := newBench(t)
	b.set.Guards.Removals = 1
	b.v.jira.approve(b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uBob"}), "uHR")
	later(10 * time.Second)(b)
	b.settle()
	if diff := cmp.Diff([]access.UserID{"uDan"}, b.holds(hold.Open)[0].Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

func TestTheLastAdministratorOfOktaStaysWhoeverApproves(t *testing.T) {
	for name, say := range map[string]func(*bench){
		"Okta says so":       func(b *bench) { b.v.okta.roles = map[access.GroupID][]string{"gPayAdm": {"SUPER_ADMIN"}} },
		"the policy says so": func(b *bench) { b.administrative("gPayAdm") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			say(b)
			b.only("gPayAdm", "uDan", "uEve")
			b.v.okta.status("uEve", access.Suspended, "uHR") // cannot sign in
			b.settle()
			key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uOwner", about: "uDan"})
			b.v.jira.approve(key, "uHR")
			later(10 * time.Second)(b)
			b.settle()
			open := b.holds(hold.Open)
			if len(open) != 1 || !slices.Contains(open[0].Guards, string(guard.LastAdmin)) {
				t.Fatalf("holds %+v, want one of the last administrator", open)
			}
			b.letThrough(open[0])
			b.settle()
			b.wantIn("gPayAdm", "uDan", true)
			b.v.okta.status("uEve", access.Active, "uHR")
			later(10 * time.Second)(b)
			b.settle()
			b.wantIn("gPayAdm", "uDan", false)
		})
	}
}

func TestAnOrdinaryGroupLosesItsLastMemberWhoCanSignIn(t *testing.T) {
	b := newBench(t)
	b.only("gPayAdm", "uDan")
	b.v.jira.approve(b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uOwner", about: "uDan"}), "uHR")
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gPayAdm", "uDan", false)
}

// Roles that sopd may not read are the policy's to name; roles that cannot be understood are taken for roles.
func TestRolesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		fate fate
		gone bool
	}{{denied, true}, {incomplete, false}, {down, false}} {
		t.Run(c.fate.String(), func(t *testing.T) {
			b := newBench(t)
			b.only("gPayAdm", "uDan")
			b.settle()
			b.v.jira.approve(b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uOwner", about: "uDan"}), "uHR")
			later(10 * time.Second)(b)
			b.v.fate = func(x call) fate {
				if x.name == "GroupRoles" {
					return c.fate
				}
				return done
			}
			for range 3 {
				_, _ = b.pass()
				later(time.Minute)(b)
			}
			b.wantIn("gPayAdm", "uDan", !c.gone)
		})
	}
}

// administrative names the group in the policy.
func (b *bench) administrative(id access.GroupID) {
	groups := slices.Clone(b.set.Catalog.Groups)
	i := slices.IndexFunc(groups, func(g catalog.Group) bool { return g.ID == id })
	groups[i].Administrative = true
	b.set.Catalog.Groups = groups
}

// only makes the people the members of the group, and adopts them.
func (b *bench) only(id access.GroupID, users ...access.UserID) {
	for m := range b.v.okta.stays {
		if m.Group == id {
			delete(b.v.okta.stays, m)
		}
	}
	b.v.okta.group(id, users...)
	b.adopt()
}

// The day is over and so is the hold: what is left is within the limits of a new day.
func TestAHoldThatRanOutStopsNothingThatTheGuardsAllow(t *testing.T) {
	b := trio(t)
	b.v.okta.status("uDan", access.Deprovisioned, "uHR")
	later(time.Minute)(b)
	b.settle()
	b.v.okta.status("uEve", access.Deprovisioned, "uHR")
	later(time.Minute)(b)
	b.settle()
	if n := len(b.holds(hold.Open)); n != 1 {
		t.Fatalf("%d holds are open, want 1", n)
	}
	later(26 * time.Hour)(b)
	b.settle()
	b.wantIn("gPayAdm", "uEve", false)
	if n := len(b.holds(hold.Expired)); n != 1 {
		t.Errorf("%d holds have expired, want 1", n)
	}
}
