package plan_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

func TestWhatExpiredIsTakenAwayWhenNothingElseSpeaksForIt(t *testing.T) {
	ada := over(grant("1", given, "00uada"))
	ended := []plan.GrantEnd{{Grant: ada.ID, Reason: change.Expired}}
	run(t, []story{
		{"the only grant", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants = []change.Grant{ada}
		}, plan.Plan{Changes: []change.Change{of(removed(change.Expired, "ACC-1", given, "00uada"), ada)}, Counts: plan.Counts{Granted: 1}}},
		{"at the very instant", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants = []change.Grant{until(ada, now)}
		}, plan.Plan{Changes: []change.Change{of(removed(change.Expired, "ACC-1", given, "00uada"), ada)}, Counts: plan.Counts{Granted: 1}}},
		{"another grant lives", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants = []change.Grant{ada, until(grant("2", given, "00uada"), now.Add(1))}
		}, plan.Plan{
			Ended: ended, Satisfied: []change.GrantID{until(grant("2", given, "00uada"), now.Add(1)).ID}, Counts: plan.Counts{Granted: 1},
		}},
		{"it was adopted", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants = []change.Grant{ada}
			o.Baseline[access.Membership{Group: given, User: "00uada"}] = true
		}, plan.Plan{Ended: ended, Counts: plan.Counts{Baseline: 1}}},
		{"nobody is in the group", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
		}, plan.Plan{Ended: ended}},
		{"of two, under the one that ran out last", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants = []change.Grant{over(grant("1", given, "00uada")), until(grant("2", given, "00uada"), now.Add(-2*time.Hour))}
		}, plan.Plan{Changes: []change.Change{of(removed(change.Expired, "ACC-1", given, "00uada"), ada)}, Counts: plan.Counts{Granted: 1}}},
		{"in a system that is only observed it is proposed", func(o *plan.Observation) {
			in(o, watched, "00uada")
			o.Grants = []change.Grant{over(grant("1", watched, "00uada"))}
		}, plan.Plan{
			Proposed: []change.Change{of(removed(change.Expired, "ACC-1", watched, "00uada"), grant("1", watched, "00uada"))}, Counts: plan.Counts{Granted: 1},
		}},
		{"of a protected user", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants, o.Protected = []change.Grant{ada}, []access.UserID{"00uada"}
		}, plan.Plan{
			Skipped: []plan.Skipped{{Change: of(removed(change.Expired, "ACC-1", given, "00uada"), ada), Why: protected}}, Counts: plan.Counts{Granted: 1},
		}},
		{"a grant that a person ended", func(o *plan.Observation) {
			in(o, given, "00uada")
			g := grant("1", given, "00uada")
			g.Ended = now.Add(-time.Hour)
			o.Grants = []change.Grant{g}
		}, plan.Plan{Changes: []change.Change{of(removed(change.Expired, "ACC-1", given, "00uada"), ada)}, Counts: plan.Counts{Granted: 1}}},
	})
}

func proposing(p plan.Plan, c change.Change) plan.Plan {
	p.Proposed = append(p.Proposed, c)
	return p
}

func TestALeaverLosesEverythingThatIsManaged(t *testing.T) {
	live, old := grant("1", given, "00uada"), over(grant("2", enforced, "00uada"))
	all := func(o *plan.Observation) {
		for _, id := range []access.GroupID{watched, given, enforced, guarded} {
			in(o, id, "00uada", "00uben")
		}
		for _, id := range []access.GroupID{watched, given, enforced, guarded} {
			o.Baseline[access.Membership{Group: id, User: "00uben"}] = true
		}
		o.Baseline[access.Membership{Group: watched, User: "00uada"}] = true
		o.Grants = []change.Grant{live, old, grant("3", enforced, "00uada")}
	}
	taken := func(reason change.Reason, p plan.Plan) plan.Plan {
		key := leaver("").Ticket
		if reason == change.Deprovisioned {
			key = ""
		}
		p.Changes = append([]change.Change{
			of(removed(reason, key, given, "00uada"), live), of(removed(reason, key, enforced, "00uada"), grant("3", enforced, "00uada")),
		}, p.Changes...)
		p.Proposed = append(p.Proposed, removed(reason, key, watched, "00uada"), removed(reason, key, guarded, "00uada"))
		p.Counts = plan.Counts{Granted: 2, Baseline: 5, Drift: 1}
		return p
	}
	run(t, []story{
		{"by ticket, with the sessions", func(o *plan.Observation) {
			all(o)
			o.Leavers = []plan.Leaver{leaver("00uada")}
		}, taken(change.Offboarding, plan.Plan{Changes: []change.Change{about(change.ClearSessions, "OFF-1", "00uada")}})},
		{"the sessions once", func(o *plan.Observation) {
			all(o)
			l := leaver("00uada")
			l.SignedOut = true
			o.Leavers = []plan.Leaver{l}
		}, taken(change.Offboarding, plan.Plan{})},
		{"suspended first where policy says so", func(o *plan.Observation) {
			all(o)
			o.Leavers, o.Policies.SuspendLeavers = []plan.Leaver{leaver("00uada")}, true
		}, taken(change.Offboarding, plan.Plan{Changes: []change.Change{
			about(change.Suspend, "OFF-1", "00uada"), about(change.ClearSessions, "OFF-1", "00uada"),
		}})},
		{"who is suspended is not suspended again", func(o *plan.Observation) {
			all(o)
			o.Leavers, o.Policies.SuspendLeavers = []plan.Leaver{leaver("00uada")}, true
			status(o, "00uada", access.Suspended)
		}, taken(change.Offboarding, plan.Plan{Changes: []change.Change{about(change.ClearSessions, "OFF-1", "00uada")}})},
		{"deactivated in Okta: there are no sessions left", func(o *plan.Observation) {
			all(o)
			o.Policies.SuspendLeavers = true
			o.Leavers = []plan.Leaver{{User: "00uada", Reason: change.Deprovisioned, Since: now}}
			status(o, "00uada", access.Deprovisioned)
		}, taken(change.Deprovisioned, plan.Plan{})},
		{"by ticket and deactivated: the ticket is told", func(o *plan.Observation) {
			all(o)
			o.Leavers = []plan.Leaver{{User: "00uada", Reason: change.Deprovisioned, Since: now.Add(-9 * time.Hour)}, leaver("00uada")}
			status(o, "00uada", access.Deprovisioned)
		}, taken(change.Offboarding, plan.Plan{})},
		{"where leavers are only watched, their sessions are proposed", func(o *plan.Observation) {
			all(o)
			o.Leavers, o.Policies.LeaverMode = []plan.Leaver{leaver("00uada")}, catalog.Observe
		}, proposing(taken(change.Offboarding, plan.Plan{}), about(change.ClearSessions, "OFF-1", "00uada"))},
		{"a suspension under way comes first", func(o *plan.Observation) {
			all(o)
			o.Leavers, o.Policies.SuspendLeavers = []plan.Leaver{leaver("00uada")}, true
			o.Pending = []change.Change{{Kind: change.Suspend, User: "00uada"}}
		}, taken(change.Offboarding, plan.Plan{})},
	})
}

func TestWhoIsInNoGroupLosesWhatTheyAreEntitledTo(t *testing.T) {
	live, old := grant("1", given, "00uada"), over(grant("2", given, "00uada"))
	ended := func(reason change.Reason, p plan.Plan) plan.Plan {
		e := plan.GrantEnd{Grant: live.ID, Reason: reason, Ticket: "OFF-1"}
		if reason == change.Revocation {
			e.Ticket = "REV-1"
		}
		p.Ended = []plan.GrantEnd{e, {Grant: old.ID, Reason: change.Expired}}
		return p
	}
	run(t, []story{
		{"a leaver", func(o *plan.Observation) {
			o.Grants, o.Leavers = []change.Grant{live, old}, []plan.Leaver{leaver("00uada")}
		}, ended(change.Offboarding, plan.Plan{Changes: []change.Change{about(change.ClearSessions, "OFF-1", "00uada")}})},
		{"a revocation", func(o *plan.Observation) {
			o.Grants, o.Revoked = []change.Grant{live, old}, []plan.Revocation{revoked(given, "00uada")}
		}, ended(change.Revocation, plan.Plan{})},
		{"a revocation of another group", func(o *plan.Observation) {
			o.Grants, o.Revoked = []change.Grant{live}, []plan.Revocation{revoked(enforced, "00uada"), revoked(given, "00uben")}
		}, plan.Plan{Changes: []change.Change{added(live)}}},
	})
}

func TestALeaverWhomNobodyMayTouchIsReported(t *testing.T) {
	ada := grant("1", given, "00uada")
	run(t, []story{
		{"protected", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Grants, o.Leavers, o.Protected = []change.Grant{ada}, []plan.Leaver{leaver("00uada")}, []access.UserID{"00uada"}
			o.Policies.SuspendLeavers = true
		}, plan.Plan{
			Skipped: []plan.Skipped{
				{Change: of(removed(change.Offboarding, "OFF-1", given, "00uada"), ada), Why: protected},
				{Change: about(change.Suspend, "OFF-1", "00uada"), Why: protected},
				{Change: about(change.ClearSessions, "OFF-1", "00uada"), Why: protected},
			},
			Counts: plan.Counts{Granted: 1},
		}},
		{"unknown in Okta", func(o *plan.Observation) {
			o.Leavers, o.Policies.SuspendLeavers = []plan.Leaver{leaver("00ugone")}, true
		}, plan.Plan{Skipped: []plan.Skipped{
			{Change: about(change.ClearSessions, "OFF-1", "00ugone"), Why: "the user is not known in Okta"},
		}}},
	})
}

func TestARevocationTakesOneMembership(t *testing.T) {
	ada := grant("1", given, "00uada")
	run(t, []story{
		{"of a live grant", func(o *plan.Observation) {
			in(o, given, "00uada")
			in(o, enforced, "00uada")
			o.Grants, o.Revoked = []change.Grant{ada, grant("2", enforced, "00uada")}, []plan.Revocation{revoked(given, "00uada")}
		}, plan.Plan{
			Changes:   []change.Change{of(removed(change.Revocation, "REV-1", given, "00uada"), ada)},
			Satisfied: []change.GrantID{grant("2", enforced, "00uada").ID}, Counts: plan.Counts{Granted: 2},
		}},
		{"of what was adopted", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Baseline[access.Membership{Group: given, User: "00uada"}] = true
			o.Revoked = []plan.Revocation{revoked(given, "00uada")}
		}, plan.Plan{Changes: []change.Change{removed(change.Revocation, "REV-1", given, "00uada")}, Counts: plan.Counts{Baseline: 1}}},
		{"of what nobody knows, where drift stays", func(o *plan.Observation) {
			in(o, given, "00uada")
			o.Revoked = []plan.Revocation{revoked(given, "00uada")}
		}, plan.Plan{Changes: []change.Change{removed(change.Revocation, "REV-1", given, "00uada")}, Counts: plan.Counts{Drift: 1}}},
		{"of two tickets, under the first", func(o *plan.Observation) {
			in(o, given, "00uada")
			second := revoked(given, "00uada")
			second.Ticket, second.Reason = "REV-2", change.Review
			o.Revoked = []plan.Revocation{second, revoked(given, "00uada")}
		}, plan.Plan{Changes: []change.Change{removed(change.Revocation, "REV-1", given, "00uada")}, Counts: plan.Counts{Drift: 1}}},
		{"a leaver's ticket goes before a revocation", func(o *plan.Observation) {
			in(o, given, "00uada")
			l := leaver("00uada")
			l.SignedOut = true
			o.Leavers, o.Revoked = []plan.Leaver{l}, []plan.Revocation{revoked(given, "00uada")}
		}, plan.Plan{Changes: []change.Change{removed(change.Offboarding, "OFF-1", given, "00uada")}, Counts: plan.Counts{Drift: 1}}},
	})
}

// A member without a ticket is always pointed out and taken out only where policy enforces.
func TestDriftIsRemovedOnlyWhereItIsEnforced(t *testing.T) {
	drift := func(id access.GroupID) []access.Membership { return []access.Membership{{Group: id, User: "00uada"}} }
	for id, removes := range map[access.GroupID]bool{watched: false, given: false, enforced: true, guarded: false, foreign: false} {
		o := empty()
		in(&o, id, "00uada")
		want := plan.Plan{Drift: drift(id), Counts: plan.Counts{Drift: 1}}
		if removes {
			want.Changes = []change.Change{removed(change.Drift, "", id, "00uada")}
		}
		expect(t, o, want)
	}
	run(t, []story{
		{"what was adopted is no drift", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Baseline[access.Membership{Group: enforced, User: "00uada"}] = true
		}, plan.Plan{Counts: plan.Counts{Baseline: 1}}},
		{"a protected user stays", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			o.Protected = []access.UserID{"00uada"}
		}, plan.Plan{
			Drift: drift(enforced), Counts: plan.Counts{Drift: 1},
			Skipped: []plan.Skipped{{Change: removed(change.Drift, "", enforced, "00uada"), Why: protected}},
		}},
		{"a grant of another group does not help", func(o *plan.Observation) {
			in(o, enforced, "00uada")
			in(o, given, "00uada")
			o.Grants = []change.Grant{grant("1", given, "00uada")}
		}, plan.Plan{
			Changes: []change.Change{removed(change.Drift, "", enforced, "00uada")},
			Drift:   drift(enforced), Satisfied: []change.GrantID{grant("1", given, "00uada").ID}, Counts: plan.Counts{Granted: 1, Drift: 1},
		}},
	})
}

func TestAccessIsGivenBeforeItIsTaken(t *testing.T) {
	o := empty()
	in(&o, given, "00uada", "00uben")
	o.Grants = []change.Grant{over(grant("1", given, "00uben")), grant("2", enforced, "00ucat"), grant("3", given, "00udan")}
	o.Leavers, o.Policies.SuspendLeavers = []plan.Leaver{leaver("00uada")}, true
	expect(t, o, plan.Plan{
		Changes: []change.Change{
			added(grant("3", given, "00udan")), added(grant("2", enforced, "00ucat")),
			removed(change.Offboarding, "OFF-1", given, "00uada"),
			of(removed(change.Expired, "ACC-1", given, "00uben"), grant("1", given, "00uben")),
			about(change.Suspend, "OFF-1", "00uada"), about(change.ClearSessions, "OFF-1", "00uada"),
		},
		Counts: plan.Counts{Granted: 1, Drift: 1},
	})
}
