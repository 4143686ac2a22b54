package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// Admins reads who administers Okta.
type Admins interface {
	// GroupRoles lists the types of the administrator roles that the group gives, such as SUPER_ADMIN.
	GroupRoles(ctx context.Context, group access.GroupID) ([]string, error)
}

// measure returns what the guards measure the plan against, as it stands now, and everybody who is known. A removal that is
// not settled may have happened, so its member no longer counts.
func (r *Reconciler) measure(ctx context.Context, p plan.Plan, unread map[access.GroupID]error) (guard.State, []access.User, error) {
	l := loader{r: r, now: r.Now(), unread: unread}
	state := guard.State{Catalog: r.Policies.Catalog, Sizes: make(map[access.GroupID]int)}
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		if err := l.load(tx); err != nil {
			return err
		}
		var err error
		state.Lately, err = lately(tx, l)
		return err
	})
	if err != nil {
		return guard.State{}, nil, fmt.Errorf("measuring for the guards: %w", err)
	}
	state.RemovedLastHour = int(l.removed)
	for _, g := range l.groups {
		state.Sizes[g.Group.ID] = len(g.Members)
	}
	for _, c := range l.pending {
		if c.Kind == change.RemoveMember && state.Sizes[c.Group] > 0 {
			state.Sizes[c.Group]--
		}
	}
	state.Admins, err = r.administrators(ctx, p, l)
	return state, l.users, err
}

// lately counts what sopd did in each group before.
func lately(tx *store.Tx, l loader) (map[access.GroupID]guard.Lately, error) {
	all := make(map[access.GroupID]guard.Lately)
	month, err := tx.MovesSince(l.now.Add(-guard.Month))
	if err != nil {
		return nil, err
	}
	for _, m := range month {
		was := all[m.Group]
		if m.Kind == change.RemoveMember {
			was.Shrunk += m.N
		} else {
			was.Shrunk -= m.N
		}
		all[m.Group] = was
	}
	day, err := tx.MovesSince(l.now.Add(-guard.Day))
	for _, m := range day {
		if m.Kind == change.RemoveMember && !guard.Approved(m.Reason) {
			was := all[m.Group]
			was.Unapproved += m.N
			all[m.Group] = was
		}
	}
	return all, err
}

// administrators returns the active members of those groups that administer Okta and that the plan takes somebody from, by
// a removal or by a suspension.
func (r *Reconciler) administrators(ctx context.Context, p plan.Plan, l loader) (map[access.GroupID][]access.UserID, error) {
	active := make(map[access.UserID]bool, len(l.users))
	for _, u := range l.users {
		active[u.ID] = u.Status == access.Active
	}
	admins := make(map[access.GroupID][]access.UserID)
	for _, g := range l.groups {
		touched := slices.ContainsFunc(p.Changes, func(c change.Change) bool {
			if c.Kind == change.Suspend {
				_, in := slices.BinarySearch(g.Members, c.User)
				return in
			}
			return c.Kind == change.RemoveMember && c.Group == g.Group.ID
		})
		if !touched {
			continue
		}
		administers, err := r.administers(ctx, g.Group.ID)
		if err != nil {
			return nil, fmt.Errorf("administrator roles of group %s: %w", g.Group.ID, err)
		}
		if administers {
			admins[g.Group.ID] = slices.DeleteFunc(slices.Clone(g.Members), func(id access.UserID) bool { return !active[id] })
		}
	}
	return admins, nil
}

// administers reports whether the group decides about Okta itself. Where sopd may not read the roles, or there are none to
// read, the policy's word is all there is; an answer that cannot be understood counts as yes.
func (r *Reconciler) administers(ctx context.Context, id access.GroupID) (bool, error) {
	if known, _ := r.Policies.Catalog.Group(id); known.Administrative || r.Admins == nil {
		return known.Administrative, nil
	}
	roles, err := r.Admins.GroupRoles(ctx, id)
	switch {
	case err == nil:
		return len(roles) > 0, nil
	case errors.Is(err, access.ErrDenied), errors.Is(err, access.ErrNotFound):
		return false, nil
	case local(err):
		return true, nil
	default:
		return false, err
	}
}
