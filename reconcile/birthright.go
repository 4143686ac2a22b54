package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/birthright"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// loadBirthrights finds what profiles entitle to and is not given yet. A birthright that ended on somebody's word stays
// ended while the profile stays as it is.
func (l *loader) loadBirthrights(tx *store.Tx) error {
	for _, policy := range l.r.Policies.Birthrights {
		for _, u := range l.users {
			for _, g := range policy.Grants(u, l.now) {
				if _, known := l.stored[g.ID]; known {
					continue
				}
				was, known, err := tx.Grant(g.ID)
				if err != nil {
					return err
				}
				if !known || renewable(was, g, u) {
					l.entitled = append(l.entitled, g)
				}
			}
		}
	}
	return nil
}

// renewable reports whether a birthright that has ended may begin again: the profile was another one in between, or the
// user was, or nothing had been given.
func renewable(was, now change.Grant, u access.User) bool {
	switch was.EndReason {
	case change.Voided:
		return true
	case change.RoleChange:
		return was.EndTicket == "" || was.FieldsHash != now.FieldsHash
	case change.Offboarding, change.Deprovisioned:
		return u.StatusChanged.After(was.Ended)
	default:
		return was.FieldsHash != now.FieldsHash
	}
}

// follow lets every birthright follow its user's profile. Somebody who could not be read by ID keeps what they have.
func (l *loader) follow(v *view) {
	for i := range l.grants {
		g := &l.grants[i]
		if g.Reason != change.Birthright {
			continue
		}
		if _, doubted := l.r.doubted[g.User]; doubted {
			g.Lapsed, g.Expires = time.Time{}, time.Time{} // in this pass only
			continue
		}
		policy, ok := l.birthrightOf(*g)
		if !ok {
			continue
		}
		if next, changed := policy.Follow(*g, v.observation.Users[g.User], l.now); changed {
			*g = next
			v.followed = append(v.followed, next)
		}
	}
}

func (l *loader) birthrightOf(g change.Grant) (birthright.Policy, bool) {
	i := slices.IndexFunc(l.r.Policies.Birthrights, func(p birthright.Policy) bool {
		_, ok := p.RuleOf(g)
		return ok
	})
	if i < 0 {
		return birthright.Policy{}, false
	}
	return l.r.Policies.Birthrights[i], true
}

// confirmProfiles reads by ID every user whose changed profile something is to be taken for. It reports whether any of them
// is another than the mirror says: then the mirror is corrected and the plan has to be made again. Somebody who cannot be
// read is left alone in this pass.
func (r *Reconciler) confirmProfiles(ctx context.Context, v view, p plan.Plan) (corrected bool, err error) {
	for _, id := range lapsing(v, p) {
		user, err := r.Directory.User(ctx, id)
		if err != nil && !local(err) {
			return false, fmt.Errorf("user %s: %w", id, err)
		}
		if err != nil {
			r.doubted[id], corrected = struct{}{}, true
			continue
		}
		known := v.observation.Users[id]
		if known.Status == user.Status && maps.Equal(known.Profile, user.Profile) {
			continue
		}
		corrected = true
		if err := r.write(ctx, func(tx *store.Tx) error { return tx.PutUsers([]access.User{user}) }); err != nil {
			return false, err
		}
	}
	return corrected, nil
}

// lapsing returns the users on whose profile the plan or the end of a grant rests, sorted.
func lapsing(v view, p plan.Plan) []access.UserID {
	var users []access.UserID
	for _, g := range v.followed {
		if g.Reason == change.Birthright && !g.Lapsed.IsZero() {
			users = append(users, g.User)
		}
	}
	for _, c := range p.Changes {
		if c.Reason == change.RoleChange && c.Kind == change.RemoveMember && c.Ticket == "" {
			users = append(users, c.User)
		}
	}
	ends := make(map[change.GrantID]bool)
	for _, e := range p.Ended {
		ends[e.Grant] = e.Reason == change.RoleChange && e.Ticket == ""
	}
	for _, g := range v.observation.Grants {
		if ends[g.ID] {
			users = append(users, g.User)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// recordFollowed makes durable that what grants rest on is no more, or is again.
func recordFollowed(tx *store.Tx, v view) error {
	for _, g := range v.followed {
		if err := tx.PutGrant(g); err != nil {
			return err
		}
		if _, err := tx.Append(ledger.Entry{
			Kind: ledger.GrantLapsed, At: v.observation.Now, Ticket: g.Ticket, User: g.User, Group: g.Group, Body: g,
		}); err != nil {
			return err
		}
	}
	return nil
}
