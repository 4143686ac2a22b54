package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

const (
	waitsForNew = "it goes when the new access of the role change has been read back from Okta"
	waitsForOld = "it comes when the old access of the role change is gone: policy forbids both at once"
)

// moves is a role change of Ada from the enforced group to the given one, in effect for an hour, with the grant for it.
func moves(o *plan.Observation) change.Grant {
	g := because(change.RoleChange, grant("7", given, "00uada"))
	g.Approved, g.Policy = now.Add(-time.Hour), "role@1"
	o.Grants = append(o.Grants, g)
	o.RoleChanges = append(o.RoleChanges, plan.RoleChange{
		User: "00uada", Ticket: g.Ticket, Policy: "role@1", Since: now.Add(-time.Hour),
		New: []access.GroupID{given}, Old: []access.GroupID{enforced},
	})
	return g
}

func TestInARoleChangeTheNewComesBeforeTheOldGoes(t *testing.T) {
	g := moves(&plan.Observation{})
	add := added(g)
	add.Reason, add.Policy = change.RoleChange, "role@1"
	remove := removed(change.RoleChange, g.Ticket, enforced, "00uada")
	remove.Policy = "role@1"
	baseline := func(o *plan.Observation) { o.Baseline[access.Membership{Group: enforced, User: "00uada"}] = true }
	satisfied := []change.GrantID{g.ID}
	run(t, []story{
		{"at first", func(o *plan.Observation) {
			moves(o)
			baseline(o)
			in(o, enforced, "00uada")
		}, plan.Plan{Changes: []change.Change{add}, Skipped: []plan.Skipped{{Change: remove, Why: waitsForNew}}, Counts: plan.Counts{Baseline: 1}}},
		{"while the new is under way", func(o *plan.Observation) {
			moves(o)
			baseline(o)
			in(o, enforced, "00uada")
			o.Pending = []change.Change{add}
		}, plan.Plan{Skipped: []plan.Skipped{{Change: remove, Why: waitsForNew}}, Counts: plan.Counts{Baseline: 1}}},
		{"once the new is there", func(o *plan.Observation) {
			moves(o)
			baseline(o)
			in(o, enforced, "00uada")
			in(o, given, "00uada")
		}, plan.Plan{Changes: []change.Change{remove}, Satisfied: satisfied, Counts: plan.Counts{Granted: 1, Baseline: 1}}},
		{"once both are done", func(o *plan.Observation) {
			moves(o)
			in(o, given, "00uada")
		}, plan.Plan{Satisfied: satisfied, Counts: plan.Counts{Granted: 1}}},
		{"what is gone already is not given again while the new is awaited", func(o *plan.Observation) {
			moves(o)
			o.Grants = append(o.Grants, grant("8", enforced, "00uada"))
		}, plan.Plan{Changes: []change.Change{add}, Ended: []plan.GrantEnd{{Grant: grant("8", enforced, "00uada").ID, Reason: change.RoleChange, Ticket: g.Ticket}}}},
		{"the new group is planned elsewhere and is there", func(o *plan.Observation) {
			moves(o)
			in(o, enforced, "00uada")
			o.Grants, o.Groups = nil, slices.DeleteFunc(o.Groups, func(s plan.GroupState) bool { return s.Group.ID == given })
			o.Elsewhere = map[access.Membership]bool{{Group: given, User: "00uada"}: true}
		}, plan.Plan{Changes: []change.Change{remove}, Counts: plan.Counts{Drift: 1}}},
		{"the new group is planned elsewhere and is not there", func(o *plan.Observation) {
			moves(o)
			in(o, enforced, "00uada")
			o.Grants, o.Groups = nil, slices.DeleteFunc(o.Groups, func(s plan.GroupState) bool { return s.Group.ID == given })
		}, plan.Plan{Skipped: []plan.Skipped{{Change: remove, Why: waitsForNew}}, Counts: plan.Counts{Drift: 1}}},
		{"what was approved after it stands", func(o *plan.Observation) {
			moves(o)
			in(o, enforced, "00uada")
			in(o, given, "00uada")
			later := grant("9", enforced, "00uada")
			later.Approved = now.Add(-time.Minute)
			o.Grants = append(o.Grants, later)
		}, plan.Plan{Satisfied: []change.GrantID{g.ID, grant("9", enforced, "00uada").ID}, Counts: plan.Counts{Granted: 2}}},
		{"what was only restored after it does not", func(o *plan.Observation) {
			moves(o)
			in(o, enforced, "00uada")
			in(o, given, "00uada")
			later := because(change.Undo, grant("9", enforced, "00uada"))
			later.Approved = now.Add(-time.Minute)
			o.Grants = append(o.Grants, later)
		}, plan.Plan{Changes: []change.Change{of(remove, grant("9", enforced, "00uada"))}, Satisfied: satisfied, Counts: plan.Counts{Granted: 2}}},
		{"a revocation does not wait for it", func(o *plan.Observation) {
			moves(o)
			in(o, enforced, "00uada")
			o.Revoked = []plan.Revocation{revoked(enforced, "00uada")}
		}, plan.Plan{Changes: []change.Change{add, removed(change.Revocation, "REV-1", enforced, "00uada")}, Counts: plan.Counts{Drift: 1}}},
		{"of two role changes the one that is through decides", func(o *plan.Observation) {
			moves(o)
			in(o, enforced, "00uada")
			o.RoleChanges = append(o.RoleChanges, plan.RoleChange{User: "00uada", Ticket: "ACC-0", Policy: "role@1", Old: []access.GroupID{enforced}})
		}, plan.Plan{Changes: []change.Change{add, func() change.Change {
			c := remove
			c.Ticket = "ACC-0"
			return c
		}()}, Counts: plan.Counts{Drift: 1}}},
	})
}

func TestWhereBothAtOnceAreForbiddenTheOldGoesFirst(t *testing.T) {
	g := moves(&plan.Observation{})
	add := added(g)
	add.Reason, add.Policy = change.RoleChange, "role@1"
	remove := removed(change.RoleChange, g.Ticket, enforced, "00uada")
	remove.Policy = "role@1"
	forbid := func(o *plan.Observation) {
		moves(o)
		o.RoleChanges[0].ForbidOverlap = true
	}
	run(t, []story{
		{"at first", func(o *plan.Observation) {
			forbid(o)
			in(o, enforced, "00uada")
		}, plan.Plan{Changes: []change.Change{remove}, Skipped: []plan.Skipped{{Change: add, Why: waitsForOld}}, Counts: plan.Counts{Drift: 1}}},
		{"while the old is under way", func(o *plan.Observation) {
			forbid(o)
			in(o, enforced, "00uada")
			o.Pending = []change.Change{remove}
		}, plan.Plan{Skipped: []plan.Skipped{{Change: add, Why: waitsForOld}}, Counts: plan.Counts{Drift: 1}}},
		{"once the old is gone", forbid, plan.Plan{Changes: []change.Change{add}}},
		{"another grant for the new group need not wait", func(o *plan.Observation) {
			forbid(o)
			in(o, enforced, "00uada")
			o.Grants = append(o.Grants, grant("8", given, "00uada"))
		}, plan.Plan{Changes: []change.Change{added(grant("8", given, "00uada")), remove}, Counts: plan.Counts{Drift: 1}}},
	})
}

// lapsed is a birthright whose grace is over.
func lapsed(g change.Grant) change.Grant {
	g.Lapsed, g.Expires = now.Add(-2*time.Hour), now.Add(-time.Hour)
	return g
}

func TestABirthrightThatTheProfileNoLongerGivesEndsAsARoleChange(t *testing.T) {
	old := lapsed(because(change.Birthright, grant("1", enforced, "00uada")))
	fresh := because(change.Birthright, grant("2", given, "00uada"))
	remove := of(removed(change.RoleChange, "", enforced, "00uada"), old)
	remove.Policy = "give@0"
	add := added(fresh)
	add.Reason = change.Birthright
	run(t, []story{
		{"when its grace is over", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Grants = []change.Grant{old}
		}, plan.Plan{Changes: []change.Change{remove}, Counts: plan.Counts{Granted: 1}}},
		{"not before", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Grants = []change.Grant{until(old, now.Add(time.Minute))}
		}, plan.Plan{Satisfied: []change.GrantID{old.ID}, Counts: plan.Counts{Granted: 1}}},
		{"not before the new profile's access is there", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Grants = []change.Grant{old, fresh}
		}, plan.Plan{Changes: []change.Change{add}, Skipped: []plan.Skipped{{Change: remove, Why: waitsForNew}}, Counts: plan.Counts{Granted: 1}}},
		{"which may be planned elsewhere", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Grants, o.Arriving = []change.Grant{old}, map[access.UserID]bool{"00uada": true}
		}, plan.Plan{Skipped: []plan.Skipped{{Change: remove, Why: waitsForNew}}, Counts: plan.Counts{Granted: 1}}},
		{"where the new one can never be given nobody waits for it", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			group(o, given).RuleFed = true
			o.Grants = []change.Grant{old, fresh}
		}, plan.Plan{Changes: []change.Change{remove}, Skipped: []plan.Skipped{{Change: add, Why: byRule}}, Counts: plan.Counts{Granted: 1}}},
		{"a ticket keeps the access", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Grants = []change.Grant{old, grant("3", enforced, "00uada")}
		}, plan.Plan{
			Ended:     []plan.GrantEnd{{Grant: old.ID, Reason: change.RoleChange}},
			Satisfied: []change.GrantID{grant("3", enforced, "00uada").ID}, Counts: plan.Counts{Granted: 1},
		}},
		{"the baseline keeps it", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Grants, o.Baseline[old.Membership()] = []change.Grant{old}, true
		}, plan.Plan{Ended: []plan.GrantEnd{{Grant: old.ID, Reason: change.RoleChange}}, Counts: plan.Counts{Baseline: 1}}},
		{"a rule keeps it", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			group(o, enforced).RuleFed = true
			o.Grants = []change.Grant{old}
		}, plan.Plan{Skipped: []plan.Skipped{{Change: remove, Why: byRule}}, Counts: plan.Counts{Foreign: 1}}},
	})
}

func TestAnEmergencyIsUrgentAndEndsWithItsReviewOrItsTime(t *testing.T) {
	g := because(change.BreakGlass, until(grant("1", given, "00uada"), now.Add(time.Hour)))
	add := added(g)
	add.Reason, add.Urgent = change.BreakGlass, true
	end := func(reason change.Reason) change.Change {
		c := of(removed(reason, "ACC-1", given, "00uada"), g)
		c.Policy = "give@0"
		return c
	}
	run(t, []story{
		{"it is given", func(o *plan.Observation) { o.Grants = []change.Grant{g} }, plan.Plan{Changes: []change.Change{add}}},
		{"it runs out", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants = []change.Grant{over(g)}
		}, plan.Plan{Changes: []change.Change{end(change.Expired)}, Counts: plan.Counts{Granted: 1}}},
		{"its review fails", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants = []change.Grant{lapsed(g)}
		}, plan.Plan{Changes: []change.Change{end(change.Unreviewed)}, Counts: plan.Counts{Granted: 1}}},
		{"it does not stand against a revocation", func(o *plan.Observation) {
			late := g
			late.Approved = now
			r := revoked(given, "00uada")
			r.Since = now.Add(-time.Hour)
			o.Grants, o.Revoked = []change.Grant{late}, []plan.Revocation{r}
		}, plan.Plan{Ended: []plan.GrantEnd{{Grant: g.ID, Reason: change.Revocation, Ticket: "REV-1"}}}},
	})
}

func TestAnUndoIsAddedAndRemovedUnderTheChangeThatItTakesBack(t *testing.T) {
	g := because(change.Undo, grant("1", given, "00uada"))
	g.Restores = "CHG-1"
	add := added(g)
	add.Reason, add.Undoes = change.Undo, "CHG-1"
	remove := change.Change{Kind: change.RemoveMember, Reason: change.Undo, User: "00uada", Group: given, Policy: "give@1", Undoes: "CHG-2"}
	run(t, []story{
		{"a removal", func(o *plan.Observation) { o.Grants = []change.Grant{g} }, plan.Plan{Changes: []change.Change{add}}},
		{"an addition", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Revoked = []plan.Revocation{{User: "00uada", Group: given, Reason: change.Undo, Policy: "give@1", Undoes: "CHG-2"}}
		}, plan.Plan{Changes: []change.Change{remove}, Counts: plan.Counts{Drift: 1}}},
	})
	if (plan.Plan{Changes: []change.Change{add}}).Hash() == (plan.Plan{Changes: []change.Change{func() change.Change {
		c := add
		c.Undoes = "CHG-3"
		return c
	}()}}).Hash() {
		t.Error("the undo of another change has the same hash")
	}
}

func TestWhatIsUrgentIsClearedFirstAndApart(t *testing.T) {
	o := empty()
	in(&o, given, "00uada", "00uben", "00ucat")
	in(&o, enforced, "00uada")
	urgent, also := revoked(given, "00uada"), revoked(given, "00uada")
	urgent.Ticket, urgent.Urgent = "REV-2", true
	o.Revoked = []plan.Revocation{also, urgent, revoked(given, "00uben")}
	o.Baseline[access.Membership{Group: given, User: "00ucat"}] = true
	o.Grants = []change.Grant{because(change.BreakGlass, grant("1", given, "00udan")), grant("2", enforced, "00uben")}
	p := plan.Build(o)
	var got []string
	for _, part := range p.Parts() {
		line := ""
		for _, c := range part.Changes {
			line += string(c.Kind) + " " + string(c.Reason) + " " + string(c.User) + " " + string(c.Ticket) + "; "
		}
		got = append(got, line)
	}
	want := []string{
		"remove-member revocation 00uada REV-2; ", "add-member break-glass 00udan ACC-1; ", "add-member approved-ticket 00uben ACC-2; ",
		"remove-member revocation 00uben REV-1; ", "remove-member drift 00uada ; ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p.Changes[0].Ticket != "REV-2" || !p.Changes[0].Urgent || p.Changes[1].Reason != change.BreakGlass {
		t.Errorf("the urgent is not first: %+v", p.Changes)
	}
}

func TestWhatSomebodyApprovedAfterARevocationStands(t *testing.T) {
	r := revoked(given, "00uada")
	r.Since = now.Add(-time.Hour)
	late, early := grant("1", given, "00uada"), grant("2", given, "00uada")
	late.Approved, early.Approved = now, now.Add(-2*time.Hour)
	run(t, []story{
		{"a later approval", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants, o.Revoked = []change.Grant{late}, []plan.Revocation{r}
		}, plan.Plan{Satisfied: []change.GrantID{late.ID}, Counts: plan.Counts{Granted: 1}}},
		{"not an earlier one", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants, o.Revoked = []change.Grant{early}, []plan.Revocation{r}
		}, plan.Plan{Changes: []change.Change{of(removed(change.Revocation, "REV-1", given, "00uada"), early)}, Counts: plan.Counts{Granted: 1}}},
		{"not for somebody who leaves", func(o *plan.Observation) {
			in(o, given, "00uada")
			l := leaver("00uada")
			l.SignedOut = true
			o.Grants, o.Leavers = []change.Grant{late}, []plan.Leaver{l}
		}, plan.Plan{Changes: []change.Change{of(removed(change.Offboarding, "OFF-1", given, "00uada"), late)}, Counts: plan.Counts{Granted: 1}}},
	})
}

func TestDecisionsAboutWholeUsersAreMadeOnce(t *testing.T) {
	act := func(kind change.Kind, user access.UserID) plan.Action {
		return plan.Action{Kind: kind, User: user, Reason: change.Containment, Ticket: "INC-1", Policy: "incident@1", Mode: catalog.Grant}
	}
	made := func(kind change.Kind, user access.UserID) change.Change {
		return change.Change{Kind: kind, Reason: change.Containment, User: user, Ticket: "INC-1", Policy: "incident@1"}
	}
	run(t, []story{
		{"done", func(o *plan.Observation) { o.Actions = []plan.Action{act(change.Suspend, "00uada")} }, plan.Plan{Changes: []change.Change{made(change.Suspend, "00uada")}}},
		{"proposed where it is only observed", func(o *plan.Observation) {
			a := act(change.ClearSessions, "00uada")
			a.Mode = catalog.Observe
			o.Actions = []plan.Action{a}
		}, plan.Plan{Proposed: []change.Change{made(change.ClearSessions, "00uada")}}},
		{"not twice", func(o *plan.Observation) {
			o.Actions = []plan.Action{act(change.Suspend, "00uada"), act(change.Suspend, "00uada")}
		}, plan.Plan{Changes: []change.Change{made(change.Suspend, "00uada")}}},
		{"not while something is under way", func(o *plan.Observation) {
			o.Actions, o.Pending = []plan.Action{act(change.Suspend, "00uada")}, []change.Change{{Kind: change.ClearSessions, User: "00uada"}}
		}, plan.Plan{}},
		{"not what is so already", func(o *plan.Observation) {
			status(o, "00uada", access.Suspended)
			status(o, "00uben", access.Deprovisioned)
			o.Actions = []plan.Action{act(change.Suspend, "00uada"), act(change.ClearSessions, "00uben")}
		}, plan.Plan{}},
		{"not what cannot be", func(o *plan.Observation) {
			status(o, "00uada", access.Staged)
			o.Protected = []access.UserID{"00uben"}
			o.Actions = []plan.Action{act(change.Suspend, "00uada"), act(change.Suspend, "00uben"), act(change.Suspend, "00unew")}
		}, plan.Plan{Skipped: []plan.Skipped{
			{Change: made(change.Suspend, "00uada"), Why: "Okta suspends only users that are active"},
			{Change: made(change.Suspend, "00uben"), Why: protected},
			{Change: made(change.Suspend, "00unew"), Why: "the user is not known in Okta"},
		}}},
	})
}

func TestWhatIsWithheldIsReportedWithTheReason(t *testing.T) {
	p, _ := busy()
	less := p.Withhold(change.Drift, "not now")
	kept := slices.DeleteFunc(slices.Clone(p.Changes), func(c change.Change) bool { return c.Reason == change.Drift })
	if diff := cmp.Diff(kept, less.Changes, cmpopts.EquateEmpty()); diff != "" || len(kept) == len(p.Changes) {
		t.Errorf("kept: %s", diff)
	}
	if n := len(less.Skipped) - len(p.Skipped); n != len(p.Changes)-len(kept) || less.Skipped[len(less.Skipped)-1].Why != "not now" {
		t.Errorf("%d skipped: %+v", n, less.Skipped)
	}
}

func TestThePlansOfSingleGroupsJoinToThePlanOfAll(t *testing.T) {
	o := empty()
	in(&o, given, "00uada")
	in(&o, enforced, "00uben")
	o.Grants = []change.Grant{over(grant("1", given, "00uada")), grant("2", enforced, "00uben")}
	var parts []plan.Plan
	for _, g := range o.Groups {
		part := o
		part.Groups, part.Grants = []plan.GroupState{g}, nil
		for _, x := range o.Grants {
			if x.Group == g.Group.ID {
				part.Grants = append(part.Grants, x)
			}
		}
		parts = append(parts, plan.Build(part))
	}
	if diff := cmp.Diff(plan.Build(o), plan.Join(parts...), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-whole +joined):\n%s", diff)
	}
}
