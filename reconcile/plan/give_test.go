package plan_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

func TestALiveGrantPutsItsUserIntoTheGroup(t *testing.T) {
	ada := grant("1", given, "00uada")
	run(t, []story{
		{"nobody is entitled to anything", func(*plan.Observation) {}, plan.Plan{}},
		{"the user is not in the group", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
		}, plan.Plan{Changes: []change.Change{added(ada)}}},
		{"the user is in the group", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
			in(o, given, "00uada")
		}, plan.Plan{Satisfied: []change.GrantID{ada.ID}, Counts: plan.Counts{Granted: 1}}},
		{"the grant has not expired yet", func(o *plan.Observation) {
			o.Grants = []change.Grant{until(ada, now.Add(1))}
		}, plan.Plan{Changes: []change.Change{added(ada)}}},
		{"two grants for one membership add it once", func(o *plan.Observation) {
			o.Grants = []change.Grant{grant("2", given, "00uada"), ada}
		}, plan.Plan{Changes: []change.Change{added(ada)}}},
		{"between others", func(o *plan.Observation) {
			o.Grants = []change.Grant{grant("1", given, "00uben"), grant("2", given, "00udan"), grant("3", given, "00uada"), grant("4", given, "00ucat")}
			in(o, given, "00uada", "00ucat")
		}, plan.Plan{
			Changes:   []change.Change{added(grant("1", given, "00uben")), added(grant("2", given, "00udan"))},
			Satisfied: []change.GrantID{grant("3", given, "00uada").ID, grant("4", given, "00ucat").ID}, Counts: plan.Counts{Granted: 2},
		}},
		{"in a system that is only observed it is proposed", func(o *plan.Observation) {
			o.Grants = []change.Grant{grant("1", watched, "00uada")}
		}, plan.Plan{Proposed: []change.Change{added(grant("1", watched, "00uada"))}}},
		{"in a protected group it is proposed", func(o *plan.Observation) {
			o.Grants = []change.Grant{grant("1", guarded, "00uada")}
		}, plan.Plan{Proposed: []change.Change{added(grant("1", guarded, "00uada"))}}},
		{"in a group outside the catalog it is proposed", func(o *plan.Observation) {
			o.Grants = []change.Grant{grant("1", foreign, "00uada")}
		}, plan.Plan{Proposed: []change.Change{added(grant("1", foreign, "00uada"))}}},
		{"a protected user may be given access", func(o *plan.Observation) {
			o.Grants, o.Protected = []change.Grant{ada}, []access.UserID{"00uada"}
		}, plan.Plan{Changes: []change.Change{added(ada)}}},
	})
}

func TestWhoCannotUseAccessIsNotGivenAny(t *testing.T) {
	ada := grant("1", given, "00uada")
	skipped := func(why string) plan.Plan {
		return plan.Plan{Skipped: []plan.Skipped{{Change: added(ada), Why: why}}}
	}
	run(t, []story{
		{"suspended", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
			status(o, "00uada", access.Suspended)
		}, skipped("the user is suspended in Okta")},
		{"deactivated", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
			status(o, "00uada", access.Deprovisioned)
		}, skipped("the user is deactivated in Okta")},
		{"being deactivated", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
			o.Users["00uada"] = access.User{ID: "00uada", Status: access.Active, Transitioning: access.Deprovisioned}
		}, skipped("the user is deactivated in Okta")},
		{"unknown", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
			delete(o.Users, "00uada")
		}, skipped("the user is not known in Okta")},
		{"suspended and in the group already", func(o *plan.Observation) {
			o.Grants = []change.Grant{ada}
			status(o, "00uada", access.Suspended)
			in(o, given, "00uada")
		}, plan.Plan{Satisfied: []change.GrantID{ada.ID}, Counts: plan.Counts{Granted: 1}}},
	})
	for _, s := range []access.UserStatus{access.Staged, access.Provisioned, access.Recovery, access.PasswordExpired, access.LockedOut} {
		o := empty()
		o.Grants = []change.Grant{ada}
		status(&o, "00uada", s)
		expect(t, o, plan.Plan{Changes: []change.Change{added(ada)}})
	}
}

func TestGroupsThatOthersFillAreLeftToThemAndReported(t *testing.T) {
	ada, ben := grant("1", given, "00uada"), grant("2", given, "00uben")
	fed := func(o *plan.Observation) { group(o, given).RuleFed = true }
	app := func(o *plan.Observation) { group(o, given).Group.Type = access.AppGroup }
	builtIn := func(o *plan.Observation) { group(o, given).Group.Type = access.BuiltIn }
	for _, kind := range []struct {
		name, why string
		set       func(*plan.Observation)
	}{
		{"rule", byRule, fed},
		{"application", byApp, app},
		{"Okta itself", "the group's members are owned by an application or by Okta (BUILT_IN)", builtIn},
	} {
		run(t, []story{
			{kind.name + ", somebody is entitled", func(o *plan.Observation) {
				kind.set(o)
				o.Grants = []change.Grant{ada}
			}, plan.Plan{Skipped: []plan.Skipped{{Change: added(ada), Why: kind.why}}}},
			{kind.name + ", somebody is in it without a ticket", func(o *plan.Observation) {
				kind.set(o)
				in(o, given, "00uada", "00uben")
			}, plan.Plan{Counts: plan.Counts{Foreign: 2}}},
			{kind.name + ", an entitled user is in it", func(o *plan.Observation) {
				kind.set(o)
				in(o, given, "00uada")
				o.Grants = []change.Grant{ada}
			}, plan.Plan{Satisfied: []change.GrantID{ada.ID}, Counts: plan.Counts{Foreign: 1}}},
			{kind.name + ", the access of a member expired", func(o *plan.Observation) {
				kind.set(o)
				in(o, given, "00uada")
				o.Grants = []change.Grant{over(ada)}
			}, plan.Plan{
				Skipped: []plan.Skipped{{Change: of(removed(change.Expired, "ACC-1", given, "00uada"), ada), Why: kind.why}},
				Counts:  plan.Counts{Foreign: 1},
			}},
			{kind.name + ", one grant of a member expired, another lives", func(o *plan.Observation) {
				kind.set(o)
				in(o, given, "00uada")
				o.Grants = []change.Grant{over(ada), grant("3", given, "00uada")}
			}, plan.Plan{
				Satisfied: []change.GrantID{grant("3", given, "00uada").ID}, Counts: plan.Counts{Foreign: 1},
				Ended: []plan.GrantEnd{{Grant: ada.ID, Reason: change.Expired}},
			}},
			{kind.name + ", a leaver is in it", func(o *plan.Observation) {
				kind.set(o)
				in(o, given, "00uada", "00uben")
				o.Leavers = []plan.Leaver{{User: "00uben", Reason: change.Deprovisioned}}
			}, plan.Plan{
				Skipped: []plan.Skipped{{Change: removed(change.Deprovisioned, "", given, "00uben"), Why: kind.why}},
				Counts:  plan.Counts{Foreign: 2},
			}},
			{kind.name + ", a member is revoked", func(o *plan.Observation) {
				kind.set(o)
				in(o, given, "00uben")
				o.Grants, o.Revoked = []change.Grant{ben}, []plan.Revocation{revoked(given, "00uben")}
			}, plan.Plan{
				Skipped: []plan.Skipped{{Change: of(removed(change.Revocation, "REV-1", given, "00uben"), ben), Why: kind.why}},
				Counts:  plan.Counts{Foreign: 1},
			}},
			{kind.name + ", grants end where nobody is in it", func(o *plan.Observation) {
				kind.set(o)
				o.Grants, o.Revoked = []change.Grant{over(ada), ben}, []plan.Revocation{revoked(given, "00uben")}
			}, plan.Plan{Ended: []plan.GrantEnd{
				{Grant: ada.ID, Reason: change.Expired}, {Grant: ben.ID, Reason: change.Revocation, Ticket: "REV-1"},
			}}},
		})
	}
}

// Nothing is planned in a group that could not be read, and what was due there is not forgotten.
func TestNothingIsPlannedForAGroupThatWasNotRead(t *testing.T) {
	ada := grant("1", enforced, "00uada")
	gone := func(o *plan.Observation) {
		o.Groups = o.Groups[:2]
		o.Grants = []change.Grant{ada, over(grant("2", enforced, "00uben"))}
	}
	run(t, []story{
		{"a live grant is reported, an expired one waits", gone, plan.Plan{
			Skipped: []plan.Skipped{{Change: added(ada), Why: unread}},
		}},
		{"of a leaver", func(o *plan.Observation) {
			gone(o)
			o.Leavers = []plan.Leaver{{User: "00uada", Reason: change.Offboarding, Ticket: "OFF-1", SignedOut: true}}
		}, plan.Plan{
			Skipped: []plan.Skipped{{Change: of(removed(change.Offboarding, "OFF-1", enforced, "00uada"), ada), Why: unread}},
		}},
		{"of a revocation", func(o *plan.Observation) {
			gone(o)
			o.Revoked = []plan.Revocation{revoked(enforced, "00uada")}
		}, plan.Plan{
			Skipped: []plan.Skipped{{Change: of(removed(change.Revocation, "REV-1", enforced, "00uada"), ada), Why: unread}},
		}},
		{"of a leaver, while another change is under way", func(o *plan.Observation) {
			gone(o)
			o.Leavers = []plan.Leaver{{User: "00uada", Reason: change.Offboarding, Ticket: "OFF-1", SignedOut: true}}
			o.Pending = []change.Change{{Kind: change.AddMember, Group: given, User: "00uada"}}
		}, plan.Plan{
			Skipped: []plan.Skipped{{Change: of(removed(change.Offboarding, "OFF-1", enforced, "00uada"), ada), Why: unread}},
		}},
	})
}

func TestAGroupThatWasReadTwiceIsPlannedOnce(t *testing.T) {
	o := empty()
	o.Grants = []change.Grant{grant("1", given, "00uada")}
	o.Groups = append(o.Groups, o.Groups[1])
	expect(t, o, plan.Plan{Changes: []change.Change{added(grant("1", given, "00uada"))}})
}

func TestAMemberWhoIsListedTwiceIsPlannedOnce(t *testing.T) {
	o := empty()
	in(&o, enforced, "00uada", "00uada", "00uben", "00uben")
	o.Grants = []change.Grant{grant("1", enforced, "00uada")}
	expect(t, o, plan.Plan{
		Changes:   []change.Change{removed(change.Drift, "", enforced, "00uben")},
		Satisfied: []change.GrantID{o.Grants[0].ID}, Drift: []access.Membership{{Group: enforced, User: "00uben"}}, Counts: plan.Counts{Granted: 1, Drift: 1},
	})
}

func TestPendingMembershipsAreLeftAlone(t *testing.T) {
	pending := func(kind change.Kind) func(*plan.Observation) {
		return func(o *plan.Observation) { o.Pending = []change.Change{{Kind: kind, Group: enforced, User: "00uada"}} }
	}
	ada := grant("1", enforced, "00uada")
	for name, set := range map[string]func(*plan.Observation){"add": pending(change.AddMember), "remove": pending(change.RemoveMember)} {
		run(t, []story{
			{name + ", entitled and absent", func(o *plan.Observation) {
				set(o)
				o.Grants = []change.Grant{ada}
			}, plan.Plan{}},
			{name + ", entitled and there: not satisfied before it is settled", func(o *plan.Observation) {
				set(o)
				in(o, enforced, "00uada")
				o.Grants = []change.Grant{ada}
			}, plan.Plan{Counts: plan.Counts{Granted: 1}}},
			{name + ", expired", func(o *plan.Observation) {
				set(o)
				in(o, enforced, "00uada")
				o.Grants = []change.Grant{over(ada)}
			}, plan.Plan{Counts: plan.Counts{Granted: 1}}},
			{name + ", expired and absent", func(o *plan.Observation) {
				set(o)
				o.Grants = []change.Grant{over(ada)}
			}, plan.Plan{}},
			{name + ", without a ticket", func(o *plan.Observation) {
				set(o)
				in(o, enforced, "00uada")
			}, plan.Plan{Counts: plan.Counts{Drift: 1}}},
			{name + ", adopted", func(o *plan.Observation) {
				set(o)
				in(o, enforced, "00uada")
				o.Baseline[access.Membership{Group: enforced, User: "00uada"}] = true
			}, plan.Plan{Counts: plan.Counts{Baseline: 1}}},
			{name + ", revoked", func(o *plan.Observation) {
				set(o)
				in(o, enforced, "00uada")
				o.Grants, o.Revoked = []change.Grant{ada}, []plan.Revocation{revoked(enforced, "00uada")}
			}, plan.Plan{Counts: plan.Counts{Granted: 1}}},
			{name + ", the user's other membership is not held up", func(o *plan.Observation) {
				set(o)
				o.Grants = []change.Grant{ada, grant("2", given, "00uada")}
			}, plan.Plan{Changes: []change.Change{added(grant("2", given, "00uada"))}}},
		})
	}
}

func TestADayLaterThePlanFollowsTheClock(t *testing.T) {
	o := empty()
	o.Grants = []change.Grant{until(grant("1", given, "00uada"), now.Add(time.Hour))}
	expect(t, o, plan.Plan{Changes: []change.Change{added(o.Grants[0])}})
	o.Now = now.Add(time.Hour)
	expect(t, o, plan.Plan{Ended: []plan.GrantEnd{{Grant: o.Grants[0].ID, Reason: change.Expired}}})
}
