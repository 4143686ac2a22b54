package reconcile

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// MembershipsOf says of every membership of the user, as it was last read, where it comes from. Sorted by group.
func MembershipsOf(tx *store.Tx, user access.UserID) ([]plan.Held, error) {
	o := provenance(tx)
	memberships, err := tx.MembershipsOf(user)
	if err != nil {
		return nil, err
	}
	fed, err := fedGroups(tx)
	if err != nil {
		return nil, err
	}
	for _, m := range memberships {
		group, _, err := tx.Group(m.Group)
		if err != nil {
			return nil, err
		}
		o.Groups = append(o.Groups, plan.GroupState{Group: group, Members: []access.UserID{user}, RuleFed: fed[m.Group]})
	}
	if o.Grants, err = tx.GrantsOf(user); err != nil {
		return nil, err
	}
	adopted, err := tx.BaselineOf(user)
	for _, b := range adopted {
		o.Baseline[b.Membership] = true
	}
	return plan.Provenance(o), err
}

// MembershipsIn says of every membership in the groups, as they were last read, where it comes from. Sorted by group and user.
// Groups that were not read are left out.
func MembershipsIn(tx *store.Tx, groups []access.GroupID) ([]plan.Held, error) {
	fed, err := fedGroups(tx)
	if err != nil {
		return nil, err
	}
	var all []plan.Held
	for _, id := range slices.Compact(slices.Sorted(slices.Values(groups))) {
		o, state := provenance(tx), plan.GroupState{RuleFed: fed[id]}
		known := false
		if state.Members, _, known, err = tx.Members(id); err != nil {
			return nil, err
		}
		if state.Group, _, err = tx.Group(id); err != nil {
			return nil, err
		}
		if !known {
			continue
		}
		o.Groups = []plan.GroupState{state}
		if o.Grants, err = tx.GrantsIn(id); err != nil {
			return nil, err
		}
		adopted, err := tx.Baseline(id)
		if err != nil {
			return nil, err
		}
		for _, b := range adopted {
			o.Baseline[b.Membership] = true
		}
		all = append(all, plan.Provenance(o)...)
	}
	return all, nil
}

// provenance begins an observation for the question where memberships come from.
func provenance(tx *store.Tx) plan.Observation {
	return plan.Observation{Now: tx.Now(), Baseline: make(map[access.Membership]bool)}
}

func fedGroups(tx *store.Tx) (map[access.GroupID]bool, error) {
	rules, err := tx.Rules()
	fed := make(map[access.GroupID]bool)
	for _, rule := range rules {
		for _, g := range rule.Groups {
			fed[g] = fed[g] || rule.Active
		}
	}
	return fed, err
}
