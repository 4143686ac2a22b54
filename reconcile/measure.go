package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

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

// measure returns what the guards measure the plan against, as it stands now. A removal that is not settled may have
// happened, so its member no longer counts.
func (r *Reconciler) measure(ctx context.Context, p plan.Plan, unread map[access.GroupID]error) (guard.State, error) {
	var l *loader
	var state guard.State
	var touched map[access.GroupID][]access.UserID
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		l = &loader{r: r, now: r.Now(), unread: unread}
		err := errors.Join(l.loadRules(tx), l.loadChanges(tx))
		if err != nil {
			return err
		}
		state = guard.State{Catalog: r.Policies.Catalog, RemovedLastHour: int(l.removed)}
		if state.Sizes, err = l.sizes(tx); err != nil {
			return err
		}
		if state.Lately, err = lately(tx, l.now); err != nil {
			return err
		}
		touched, err = l.touched(tx, p)
		return err
	})
	if err != nil {
		return guard.State{}, fmt.Errorf("measuring for the guards: %w", err)
	}
	for _, c := range l.pending {
		if c.Kind == change.RemoveMember && state.Sizes[c.Group] > 0 {
			state.Sizes[c.Group]--
		}
	}
	state.Admins, err = r.administrators(ctx, touched)
	return state, err
}

// lately counts what sopd did in each group before.
func lately(tx *store.Tx, now time.Time) (map[access.GroupID]guard.Lately, error) {
	all := make(map[access.GroupID]guard.Lately)
	month, err := tx.MovesSince(now.Add(-guard.Month))
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
	day, err := tx.MovesSince(now.Add(-guard.Day))
	for _, m := range day {
		if m.Kind == change.RemoveMember && !guard.Approved(m.Reason) {
			was := all[m.Group]
			was.Unapproved += m.N
			all[m.Group] = was
		}
	}
	return all, err
}

// touched returns the active members of the groups that the plan takes somebody from, by a removal or by a suspension.
func (l *loader) touched(tx *store.Tx, p plan.Plan) (map[access.GroupID][]access.UserID, error) {
	groups := make(map[access.GroupID][]access.UserID)
	for _, c := range p.Changes {
		switch c.Kind {
		case change.RemoveMember:
			groups[c.Group] = nil
		case change.Suspend, change.Deactivate:
			of, err := tx.MembershipsOf(c.User)
			if err != nil {
				return nil, err
			}
			for _, m := range of {
				if _, ours := l.r.Policies.Catalog.Group(m.Group); ours {
					groups[m.Group] = nil
				}
			}
		default: // takes nobody's access
		}
	}
	for id := range groups {
		members, _, _, err := tx.Members(id)
		if err != nil {
			return nil, err
		}
		for _, user := range members {
			u, _, err := tx.User(user)
			if err != nil {
				return nil, err
			}
			if u.Status == access.Active {
				groups[id] = append(groups[id], user)
			}
		}
	}
	return groups, nil
}

// administrators returns those of the groups that administer Okta.
func (r *Reconciler) administrators(ctx context.Context, touched map[access.GroupID][]access.UserID) (map[access.GroupID][]access.UserID, error) {
	admins := make(map[access.GroupID][]access.UserID)
	for _, id := range slices.Sorted(maps.Keys(touched)) {
		administers, err := r.administers(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("administrator roles of group %s: %w", id, err)
		}
		if administers {
			admins[id] = touched[id]
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
