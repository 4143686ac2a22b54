package reconcile

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/birthright"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// profilesAtOnce bounds how many users are held against the birthrights in one pass: on the first day it is everybody.
const profilesAtOnce = 5000

// birthrightMark names the birthrights in force: who was held against them need not be again until something changes.
func (r *Reconciler) birthrightMark() string {
	if len(r.Policies.Birthrights) == 0 {
		return ""
	}
	var all []string
	for _, p := range r.Policies.Birthrights {
		all = append(all, p.ID, p.Digest)
	}
	return fingerprint(strings.Join(all, " "))
}

// loadProfiles holds everybody whose profile or status has changed against the birthrights: what they entitle to, and what
// they no longer do.
func (l *loader) loadProfiles(tx *store.Tx) error {
	if len(l.r.Policies.Birthrights) == 0 {
		return nil
	}
	limit := profilesAtOnce
	if !l.r.Write {
		limit = math.MaxInt32 // whoever asks wants to see everybody of whom something would follow
	}
	return tx.EachUnjudged(l.r.birthrightMark(), limit, func(u access.User) error {
		if _, doubted := l.r.doubted[u.ID]; doubted {
			return nil // next time
		}
		before := l.view.proposals()
		if err := l.profile(tx, u); err != nil {
			return err
		}
		if l.r.Write || l.view.proposals() == before {
			l.view.profiles = append(l.view.profiles, u.ID)
		}
		return nil
	})
}

// proposals counts what follows from profiles, and is on record only once it may be written.
func (v *view) proposals() int { return len(v.fresh) + len(v.followed) }

// profile holds one user against the birthrights. A birthright that ended on somebody's word stays ended while the profile
// stays as it is.
func (l *loader) profile(tx *store.Tx, u access.User) error {
	grants, err := tx.GrantsOf(u.ID)
	if err != nil {
		return err
	}
	known := make(map[change.GrantID]change.Grant)
	for _, g := range grants {
		if g.Reason != change.Birthright {
			continue
		}
		known[g.ID] = g
		policy, ok := l.birthrightOf(g)
		if next, changed := policy.Follow(g, u, l.now); ok && changed && g.Ended.IsZero() {
			l.view.followed = append(l.view.followed, next)
			if !next.Lapsed.IsZero() {
				l.view.lapsing = append(l.view.lapsing, u.ID)
			}
		}
	}
	for _, policy := range l.r.Policies.Birthrights {
		for _, g := range policy.Grants(u, l.now) {
			was, had := known[g.ID]
			if !had || !was.Ended.IsZero() && renewable(was, g, u) {
				l.view.fresh = append(l.view.fresh, g)
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

// follow puts the grants as what they rest on leaves them. Somebody who could not be read by ID keeps what they have.
func (l *loader) follow(grants []change.Grant) {
	for i := range grants {
		g := &grants[i]
		if at := slices.IndexFunc(l.view.followed, func(f change.Grant) bool { return f.ID == g.ID }); at >= 0 {
			*g = l.view.followed[at]
		}
		if _, doubted := l.r.doubted[g.User]; doubted && g.Reason == change.Birthright {
			g.Lapsed, g.Expires = time.Time{}, time.Time{} // in this pass only
		}
	}
}

// loadArriving finds who, of those whose birthright in the group is over, has not got yet what the new profile gives.
func (l *loader) loadArriving(tx *store.Tx, o *plan.Observation) error {
	o.Arriving = make(map[access.UserID]bool)
	for _, g := range o.Grants {
		if g.Reason != change.Birthright || g.Lapsed.IsZero() || g.Live(l.now) {
			continue
		}
		l.view.lapsing = append(l.view.lapsing, g.User)
		arriving, err := l.arriving(tx, g.User)
		if err != nil {
			return err
		}
		if arriving {
			o.Arriving[g.User] = true
		}
	}
	return nil
}

func (l *loader) arriving(tx *store.Tx, id access.UserID) (bool, error) {
	user, _, err := tx.User(id)
	if err != nil || user.Status == access.Suspended || user.Status == access.Deprovisioned || user.Status == "" {
		return false, err
	}
	grants, err := tx.GrantsOf(id)
	if err != nil {
		return false, err
	}
	for _, g := range slices.Concat(grants, l.view.fresh) {
		if g.User != id || g.Reason != change.Birthright || !g.Live(l.now) || !l.r.Policies.Catalog.Mode(g.Group).Writes() {
			continue
		}
		group, found, err := tx.Group(g.Group)
		if err != nil {
			return false, err
		}
		in, known, err := l.in(tx, g.Membership())
		if err != nil {
			return false, err
		}
		if found && group.Type == access.OktaGroup && !l.fed[g.Group] && known && !in {
			return true, nil
		}
	}
	return false, nil
}

// in reports whether the user is in the group as it was read, with what was read back since. known is false for a group that
// was not read, and while something about the membership is under way.
func (l *loader) in(tx *store.Tx, m access.Membership) (in, known bool, err error) {
	pending := slices.ContainsFunc(l.pending, func(c change.Change) bool { return c.Membership() == m })
	if !l.known(m.Group) || pending {
		return false, false, nil
	}
	if in, err = tx.IsMember(m); err != nil {
		return false, false, err
	}
	for _, c := range l.recent {
		if c.Membership() == m {
			in = c.Kind == change.AddMember
		}
	}
	return in, true, nil
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
func (r *Reconciler) confirmProfiles(ctx context.Context, v view) (corrected bool, err error) {
	users := slices.Sorted(slices.Values(v.lapsing))
	for _, id := range slices.Compact(users) {
		user, err := r.Directory.User(ctx, id)
		if err != nil && !local(err) {
			return false, fmt.Errorf("user %s: %w", id, err)
		}
		if err != nil {
			r.doubted[id], corrected = struct{}{}, true
			continue
		}
		var known access.User
		err = r.write(ctx, func(tx *store.Tx) error {
			var err error
			if known, _, err = tx.User(id); err != nil {
				return err
			}
			return tx.PutUsers([]access.User{user})
		})
		if err != nil {
			return false, err
		}
		corrected = corrected || known.Status != user.Status || !maps.Equal(known.Profile, user.Profile)
	}
	return corrected, nil
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
