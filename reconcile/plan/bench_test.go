package plan_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// large is an organisation of 5,000 groups with 200 members each, of 50,000 people. One membership in a hundred has to
// change: half of those are to be added, half have expired or are drift.
func large(adopted bool) plan.Observation {
	const groups, size, people = 5000, 200, 50000
	o := plan.Observation{
		Now: now, Users: make(map[access.UserID]access.User, people), Baseline: map[access.Membership]bool{},
		Catalog:  catalog.Catalog{Systems: []catalog.System{{ID: "all", Name: "All", Mode: catalog.Enforce}}},
		Policies: plan.Policies{Provisioning: "access-provisioning@1.0.0", Deprovisioning: "de-provisioning@1.0.0", LeaverMode: catalog.Enforce},
	}
	ids := make([]access.UserID, people)
	for i := range ids {
		ids[i] = access.UserID(fmt.Sprintf("00u%017d", i))
		o.Users[ids[i]] = access.User{ID: ids[i], Status: access.Active}
	}
	for g := range groups {
		id := access.GroupID(fmt.Sprintf("00g%017d", g))
		o.Catalog.Groups = append(o.Catalog.Groups, catalog.Group{ID: id, System: "all"})
		state := plan.GroupState{Group: access.Group{ID: id, Type: access.OktaGroup}}
		first := (g * 97) % (people - size - 1)
		for i := range size {
			state.Members = append(state.Members, ids[first+i])
			m := access.Membership{Group: id, User: ids[first+i]}
			switch {
			case i == 0 && adopted: // drift
			case adopted:
				o.Baseline[m] = true
			case i == 0:
				o.Grants = append(o.Grants, grantOf(0, m, now.Add(-time.Hour)))
			default:
				o.Grants = append(o.Grants, grantOf(0, m, time.Time{}))
			}
		}
		missing := access.Membership{Group: id, User: ids[first+size]}
		o.Grants = append(o.Grants, grantOf(0, missing, time.Time{}))
		o.Groups = append(o.Groups, state)
	}
	// Tickets come in an order that has nothing to do with groups and people; the store gives grants by ID.
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(o.Grants), func(i, j int) { o.Grants[i], o.Grants[j] = o.Grants[j], o.Grants[i] })
	for i, g := range o.Grants {
		o.Grants[i] = grantOf(i, g.Membership(), g.Expires)
	}
	return o
}

func grantOf(n int, m access.Membership, expires time.Time) change.Grant {
	id := fmt.Sprintf("%d", 1000000+n)
	return change.Grant{
		ID: change.NewGrantID(ticket.ID(id), m), Ticket: ticket.Key("ACC-" + id), User: m.User, Group: m.Group,
		System: "all", Role: "member", Policy: "access-provisioning@1.0.0", Expires: expires,
	}
}

// BenchmarkBuildOfAMillionMemberships is meant to stay under a second and 200 MB above the data.
func BenchmarkBuildOfAMillionMemberships(b *testing.B) {
	for name, adopted := range map[string]bool{"granted": false, "adopted": true} {
		b.Run(name, func(b *testing.B) {
			o := large(adopted)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var p plan.Plan
			for b.Loop() {
				p = plan.Build(o)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if len(p.Changes) != 10000 {
				b.Fatalf("%d changes", len(p.Changes))
			}
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/1e6, "allocated-MB/op")
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/1e6, "kept-MB")
			runtime.KeepAlive(o)
			runtime.KeepAlive(p)
		})
	}
}

func BenchmarkHashOfTenThousandChanges(b *testing.B) {
	p := plan.Build(large(true))
	for b.Loop() {
		p.Hash()
	}
}
