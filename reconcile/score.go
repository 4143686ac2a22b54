package reconcile

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/score"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// cursorScore is since when what sopd would do is kept.
const cursorScore = "score.since"

// keepScore notes what sopd would have done and may not: in systems that are only observed, and everywhere while writing is
// off. What was done by the time it was seen is noted too, as done at once.
func (r *Reconciler) keepScore(ctx context.Context, v view, p plan.Plan) error {
	now := v.observation.Now
	standing := make(map[access.Membership]score.Proposal)
	for _, c := range r.withheld(p) {
		standing[c.Membership()] = score.Proposal{
			Kind: c.Kind, User: c.User, Group: c.Group, Reason: c.Reason, Ticket: c.Ticket, Since: now,
		}
	}
	for _, g := range v.fresh {
		if _, waits := standing[g.Membership()]; !waits && (!r.Write || !r.Policies.Catalog.Mode(g.Group).Writes()) {
			standing[g.Membership()] = score.Proposal{
				Kind: change.AddMember, User: g.User, Group: g.Group, Reason: change.ApprovedTicket, Ticket: g.Ticket, Since: g.Approved, Until: now,
			}
		}
	}
	var changed []score.Proposal
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		known, err := tx.StandingProposals()
		changed = compareProposals(known, standing, now)
		if err != nil {
			return err
		}
		_, _, begun, err := tx.Cursor(cursorScore)
		if !begun && err == nil {
			changed = append(changed, score.Proposal{})
		}
		return err
	})
	if err != nil || len(changed) == 0 {
		return err
	}
	return r.write(ctx, func(tx *store.Tx) error {
		if _, _, begun, err := tx.Cursor(cursorScore); err != nil || !begun {
			if err := tx.SetCursor(cursorScore, "", now); err != nil {
				return err
			}
		}
		for _, p := range changed {
			if p.Kind == "" {
				continue
			}
			if err := tx.PutProposal(p); err != nil {
				return err
			}
		}
		return nil
	})
}

// withheld returns the changes of memberships that the plan holds and that may not be made.
func (r *Reconciler) withheld(p plan.Plan) []change.Change {
	all := slices.Clone(p.Proposed)
	if !r.Write {
		all = append(all, p.Changes...)
	}
	return slices.DeleteFunc(all, func(c change.Change) bool { return c.Group == "" })
}

// compareProposals returns what has to be kept: what is new, and the end of what no longer stands.
func compareProposals(known []score.Proposal, standing map[access.Membership]score.Proposal, now time.Time) []score.Proposal {
	var changed []score.Proposal
	stands := make(map[access.Membership]bool)
	for _, was := range known {
		m := access.Membership{Group: was.Group, User: was.User}
		if is, ok := standing[m]; ok && is.Kind == was.Kind && is.Until.IsZero() {
			stands[m] = true
			continue
		}
		was.Until = now
		changed = append(changed, was)
		if is, ok := standing[m]; ok && is.Kind == was.Kind {
			stands[m] = true // done meanwhile, and known already
		}
	}
	for m, is := range standing {
		if !stands[m] {
			changed = append(changed, is)
		}
	}
	slices.SortFunc(changed, func(a, b score.Proposal) int {
		return strings.Compare(string(a.Group)+" "+string(a.User), string(b.Group)+" "+string(b.User))
	})
	return changed
}

// Score holds what sopd would have done since the time, and at most since it began to keep it, against what people did in the
// groups that it may not write.
func Score(tx *store.Tx, set *policies.Set, o Observer) ([]score.Line, error) {
	_, begun, kept, err := tx.Cursor(cursorScore)
	if err != nil || !kept {
		return nil, err
	}
	since := o.Since
	if since.Before(begun) {
		since = begun
	}
	proposals, err := tx.ProposalsSince(since)
	if err != nil {
		return nil, err
	}
	proposals = slices.DeleteFunc(proposals, func(p score.Proposal) bool { return !o.observes(set, p.Group) })
	var deeds []score.Deed
	err = tx.EachEventSince(since, func(e access.Event) error {
		deeds = append(deeds, o.deeds(set, e)...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return score.Compute(proposals, deeds, tx.Now()), nil
}

// Observer says what is looked at, and as whom.
type Observer struct {
	Since time.Time     // zero: from the beginning
	Write bool          // whether sopd may write at all; if not, every group is only observed
	Self  access.UserID // sopd's own account
}

func (o Observer) observes(set *policies.Set, id access.GroupID) bool {
	group, ours := set.Catalog.Group(id)
	return ours && !group.Protected && (!o.Write || set.Catalog.Mode(id) == catalog.Observe)
}

// deeds returns what somebody has changed by an event in groups that are only observed. What a rule, an application or sopd
// does is no person's deed.
func (o Observer) deeds(set *policies.Set, e access.Event) []score.Deed {
	kind := map[string]change.Kind{eventMemberAdded: change.AddMember, eventMemberRemoved: change.RemoveMember}[e.Type]
	if kind == "" || !e.Succeeded || e.Actor.Type != "User" || e.Actor.ID == string(o.Self) {
		return nil
	}
	var all []score.Deed
	for _, user := range e.Users {
		for _, group := range e.Groups {
			if o.observes(set, group) {
				all = append(all, score.Deed{Kind: kind, User: user, Group: group, At: e.Published, Event: e.ID, Actor: e.Actor.ID})
			}
		}
	}
	return all
}

// Tallies counts the lines by system; a system that is observed and of which nothing is known yet counts nothing.
func (o Observer) Tallies(set *policies.Set, lines []score.Line) map[string]score.Tally {
	all := score.Count(lines, func(id access.GroupID) string {
		group, _ := set.Catalog.Group(id)
		return group.System
	})
	tallies := make(map[string]score.Tally)
	for _, s := range set.Catalog.Systems {
		if !o.Write || s.Mode == catalog.Observe {
			tallies[s.ID] = make(score.Tally)
		}
	}
	maps.Copy(tallies, all)
	return tallies
}
