package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// because gives a grant another reason than an approved request.
func because(reason change.Reason, g change.Grant) change.Grant {
	g.Reason = reason
	if reason == change.Birthright || reason == change.Undo {
		g.Ticket = ""
	}
	return g
}

func TestEveryMembershipSaysWhereItComesFrom(t *testing.T) {
	m := access.Membership{Group: given, User: "00uada"}
	request, later := grant("1", given, "00uada"), until(grant("2", given, "00uada"), now.Add(time.Hour))
	birthright, emergency := because(change.Birthright, grant("3", given, "00uada")), because(change.BreakGlass, grant("4", given, "00uada"))
	undone, moved := because(change.Undo, grant("5", given, "00uada")), because(change.RoleChange, grant("6", given, "00uada"))
	source := func(o plan.Origin, g change.Grant) plan.Source {
		return plan.Source{Origin: o, Ticket: g.Ticket, Grant: g.ID, Until: g.Expires}
	}
	for _, c := range []struct {
		name string
		set  func(*plan.Observation)
		want []plan.Source
	}{
		{"by hand when nothing speaks for it", func(*plan.Observation) {}, []plan.Source{{Origin: plan.ByHand}}},
		{"by hand when the grant is over", func(o *plan.Observation) { o.Grants = []change.Grant{over(request)} }, []plan.Source{{Origin: plan.ByHand}}},
		{"by hand when the grant is for another", func(o *plan.Observation) { o.Grants = []change.Grant{grant("1", given, "00uben")} }, []plan.Source{{Origin: plan.ByHand}}},
		{"baseline", func(o *plan.Observation) { o.Baseline[m] = true }, []plan.Source{{Origin: plan.ByBaseline}}},
		{"rule", func(o *plan.Observation) { group(o, given).RuleFed = true }, []plan.Source{{Origin: plan.ByRule}}},
		{"app", func(o *plan.Observation) { group(o, given).Group.Type = access.AppGroup }, []plan.Source{{Origin: plan.ByApp}}},
		{"ticket", func(o *plan.Observation) { o.Grants = []change.Grant{request} }, []plan.Source{source(plan.ByTicket, request)}},
		{"role change is a ticket", func(o *plan.Observation) { o.Grants = []change.Grant{moved} }, []plan.Source{source(plan.ByTicket, moved)}},
		{"birthright", func(o *plan.Observation) { o.Grants = []change.Grant{birthright} }, []plan.Source{source(plan.ByBirthright, birthright)}},
		{"break-glass", func(o *plan.Observation) { o.Grants = []change.Grant{emergency} }, []plan.Source{source(plan.ByBreakGlass, emergency)}},
		{"undo", func(o *plan.Observation) { o.Grants = []change.Grant{undone} }, []plan.Source{source(plan.ByUndo, undone)}},
		{"all that speaks for it, in order", func(o *plan.Observation) {
			o.Grants, o.Baseline[m] = []change.Grant{undone, birthright, later, request, emergency}, true
			group(o, given).RuleFed = true
		}, []plan.Source{
			{Origin: plan.ByRule}, source(plan.ByTicket, request), source(plan.ByTicket, later), source(plan.ByBirthright, birthright),
			source(plan.ByBreakGlass, emergency), source(plan.ByUndo, undone), {Origin: plan.ByBaseline},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := empty()
			in(&o, given, "00uada")
			c.set(&o)
			want := []plan.Held{{Group: given, User: "00uada", Sources: c.want}}
			if diff := cmp.Diff(want, plan.Provenance(o)); diff != "" {
				t.Errorf("provenance (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembershipsAreListedByGroupAndUser(t *testing.T) {
	o := empty()
	in(&o, given, "00uada", "00uben")
	in(&o, watched, "00ucat")
	var got []string
	for _, h := range plan.Provenance(o) {
		got = append(got, string(h.Group)+" "+string(h.User))
	}
	if diff := cmp.Diff([]string{"00g1watched 00ucat", "00g2given 00uada", "00g2given 00uben"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
