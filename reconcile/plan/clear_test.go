package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// busy is a plan of every kind of change, and the state that guards measure it against.
func busy() (plan.Plan, guard.State) {
	o := empty()
	in(&o, given, "00uada", "00uben")
	in(&o, enforced, "00ucat", "00udan")
	o.Grants = []change.Grant{over(grant("1", given, "00uben")), grant("2", enforced, "00uben")}
	o.Leavers = []plan.Leaver{leaver("00uada")}
	return plan.Build(o), guard.State{Catalog: o.Catalog, Sizes: map[access.GroupID]int{given: 2, enforced: 2}}
}

// loose limits let everything pass.
func loose() guard.Limits {
	return guard.Limits{
		RemovalPercent: guard.Off, Removals: guard.Off, RemovalsPerHour: guard.Off, GroupRemovalPercent: guard.Off,
		Additions: guard.Off, People: guard.Off,
	}
}

func TestAPlanWithinTheLimitsIsClearedAsItIs(t *testing.T) {
	p, state := busy()
	cleared, trips := plan.Clear(p, loose(), state)
	if len(trips) > 0 {
		t.Fatalf("tripped %v", trips)
	}
	if diff := cmp.Diff(p.Changes, cleared.Changes()); diff != "" || cleared.Hash() != p.Hash() {
		t.Errorf("cleared is another plan: hash %s, planned %s\n%s", cleared.Hash(), p.Hash(), diff)
	}
}

func TestAPlanThatTripsAGuardIsNotClearedAtAll(t *testing.T) {
	p, state := busy()
	limits := loose()
	limits.Removals = 3 // of four
	cleared, trips := plan.Clear(p, limits, state)
	if len(trips) != 1 || trips[0].Guard != guard.Number {
		t.Errorf("trips %v", trips)
	}
	if len(cleared.Changes()) > 0 || cleared.Hash() != "" {
		t.Errorf("%d changes cleared", len(cleared.Changes()))
	}
}

func TestNobodyCanChangeWhatWasCleared(t *testing.T) {
	p, state := busy()
	want := slices.Clone(p.Changes)
	cleared, _ := plan.Clear(p, loose(), state)
	p.Changes[0].User = "00uevil"
	cleared.Changes()[1].User = "00uevil"
	if diff := cmp.Diff(want, cleared.Changes()); diff != "" {
		t.Errorf("cleared was changed:\n%s", diff)
	}
	p.Changes[0].User = want[0].User
	overridden, err := plan.Override(p, p.Hash(), loose(), state)
	if err != nil {
		t.Fatal(err)
	}
	p.Changes[0].User = "00uevil"
	if diff := cmp.Diff(want, overridden.Changes()); diff != "" {
		t.Errorf("overridden was changed:\n%s", diff)
	}
}

func TestThePlanOfNothingIsCleared(t *testing.T) {
	cleared, trips := plan.Clear(plan.Plan{}, guard.Limits{}, guard.State{})
	if len(trips) > 0 || len(cleared.Changes()) > 0 {
		t.Errorf("trips %v, %d changes", trips, len(cleared.Changes()))
	}
	if none := (plan.Cleared{}); len(none.Changes()) > 0 {
		t.Error("the zero value has something to do")
	}
}

func TestAPersonMayOverrideTheNumbersOfOnePlan(t *testing.T) {
	p, state := busy()
	zero := guard.Limits{}
	if _, trips := plan.Clear(p, zero, state); len(trips) < 6 {
		t.Fatalf("trips %v", trips)
	}
	cleared, err := plan.Override(p, p.Hash(), zero, state)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Changes, cleared.Changes()); diff != "" || cleared.Hash() != p.Hash() {
		t.Errorf("overridden is another plan:\n%s", diff)
	}
}

func TestWhatMayNotBeOverriddenIsNot(t *testing.T) {
	good, _ := busy()
	for _, c := range []struct {
		name   string
		set    func(*plan.Plan, *guard.Limits, *string)
		reason string
	}{
		{"another plan's hash", func(p *plan.Plan, _ *guard.Limits, _ *string) { p.Changes = p.Changes[1:] }, "the plan has changed since it was approved"},
		{"no hash", func(_ *plan.Plan, _ *guard.Limits, hash *string) { *hash = "" }, "the plan has changed since it was approved"},
		{"a short hash", func(_ *plan.Plan, _ *guard.Limits, hash *string) { *hash = (*hash)[:12] }, "the plan has changed since it was approved"},
		{"a hash in another case", func(_ *plan.Plan, _ *guard.Limits, hash *string) { *hash = strings.ToUpper(*hash) }, "the plan has changed since it was approved"},
		{"a protected user", func(_ *plan.Plan, l *guard.Limits, _ *string) { l.ProtectedUsers = []access.UserID{"00ucat"} }, "guard protected cannot be overridden"},
		{"the own account", func(_ *plan.Plan, l *guard.Limits, _ *string) { l.Self = "00ucat" }, "guard own-account cannot be overridden"},
		{"a protected group", func(p *plan.Plan, _ *guard.Limits, hash *string) {
			p.Changes = append(slices.Clone(p.Changes), removed(change.Drift, "", guarded, "00ucat"))
			*hash = p.Hash()
		}, "guard protected cannot be overridden"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, state := busy()
			hash, limits := good.Hash(), guard.Limits{}
			c.set(&p, &limits, &hash)
			cleared, err := plan.Override(p, hash, limits, state)
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("error %v, want %q", err, c.reason)
			}
			if len(cleared.Changes()) > 0 || cleared.Hash() != "" {
				t.Errorf("%d changes cleared", len(cleared.Changes()))
			}
		})
	}
}

func TestTheHashIsOfWhatIsWrittenAndOnWhoseAuthority(t *testing.T) {
	p, _ := busy()
	hash := p.Hash()
	if len(hash) != 64 {
		t.Errorf("hash %q", hash)
	}
	seen := map[string]string{hash: "the plan itself", plan.Plan{}.Hash(): "no changes"}
	for name, set := range map[string]func(*change.Change){
		"kind":   func(c *change.Change) { c.Kind = change.Suspend },
		"reason": func(c *change.Change) { c.Reason = change.Undo },
		"user":   func(c *change.Change) { c.User = "00udan" },
		"group":  func(c *change.Change) { c.Group = given },
		"ticket": func(c *change.Change) { c.Ticket = "ACC-9" },
		"grant":  func(c *change.Change) { c.Grant = "9" },
		"policy": func(c *change.Change) { c.Policy = "give@9" },
		// Fields that run together would let one plan pass for another.
		"user and group": func(c *change.Change) { c.User, c.Group = "00uben0", c.Group[1:] },
	} {
		changed := plan.Plan{Changes: slices.Clone(p.Changes)}
		set(&changed.Changes[0])
		if other, ok := seen[changed.Hash()]; ok {
			t.Errorf("another %s has the hash of %s", name, other)
		}
		seen[changed.Hash()] = name
	}
	shorter := plan.Plan{Changes: p.Changes[1:]}
	if _, ok := seen[shorter.Hash()]; ok {
		t.Error("a plan with a change less has the same hash")
	}
}

func TestTheHashDoesNotDependOnTimeOrOrder(t *testing.T) {
	p, _ := busy()
	other := plan.Plan{Changes: slices.Clone(p.Changes), Drift: []access.Membership{{Group: given}}}
	slices.Reverse(other.Changes)
	for i := range other.Changes {
		c := &other.Changes[i]
		c.ID, c.State, c.Intended, c.Settled, c.Plan, c.Event, c.Error = "CHG-1", change.Refused, now, now.Add(time.Hour), "x", "e", "denied"
	}
	before := slices.Clone(other.Changes)
	if got, want := other.Hash(), p.Hash(); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if diff := cmp.Diff(before, other.Changes); diff != "" {
		t.Errorf("hashing moved the changes:\n%s", diff)
	}
}

func TestADriftCleanUpIsHeldApartFromWhatHasEvidence(t *testing.T) {
	p, _ := busy()
	before := slices.Clone(p.Changes)
	additions, positive, drift := p.Split()
	n := slices.IndexFunc(p.Changes, func(c change.Change) bool { return c.Kind != change.AddMember })
	if diff := cmp.Diff(plan.Plan{Changes: p.Changes[:n]}, additions, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("additions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(plan.Plan{Changes: slices.Concat(p.Changes[n:3], p.Changes[5:])}, positive, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("positive (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(plan.Plan{Changes: p.Changes[3:5]}, drift, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, p.Changes); diff != "" {
		t.Errorf("splitting changed the plan:\n%s", diff)
	}
	if positive.Hash() == p.Hash() || drift.Hash() == p.Hash() || positive.Hash() == drift.Hash() {
		t.Error("a part has the hash of another plan")
	}
	if additions, positive, drift = (plan.Plan{}).Split(); !additions.Empty() || !positive.Empty() || !drift.Empty() {
		t.Error("the parts of nothing are something")
	}
}
