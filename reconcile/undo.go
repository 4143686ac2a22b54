package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// undo is an approved hold that lets one change be taken back.
type undo struct {
	hold   hold.Hold
	change change.Change // what is to be done, without ID and state
}

// ErrNoUndo: a change cannot be taken back; the text around it says why and what to do.
var ErrNoUndo = errors.New("this change cannot be undone")

// PrepareUndo makes the plan that takes a change back: it restores what the change removed, or removes what it added. The
// plan waits as a hold for a second person; by is who asks. Asked again, it returns the hold that waits already.
//
// Errors: [ErrNoUndo] with the reason, [access.ErrNotFound]. Nothing is written then.
func PrepareUndo(tx *store.Tx, set *policies.Set, id change.ID, by string) (hold.Hold, error) {
	original, found, err := tx.Change(id)
	if err != nil {
		return hold.Hold{}, err
	}
	if !found {
		return hold.Hold{}, fmt.Errorf("change %s: %w", id, access.ErrNotFound)
	}
	if err := undoable(tx, set, original); err != nil {
		return hold.Hold{}, err
	}
	p := plan.Plan{Changes: []change.Change{inverse(original)}}
	text, err := json.Marshal(p.Changes)
	if err != nil {
		return hold.Hold{}, err
	}
	now := tx.Now()
	standing, err := tx.HoldsByPlan(p.Hash())
	if err != nil {
		return hold.Hold{}, err
	}
	for _, h := range standing {
		if h.Kind == hold.Undo && !h.State.Final() && now.Before(h.Expires) {
			return h, nil
		}
	}
	h := hold.Hold{
		ID: hold.NewID(now), Kind: hold.Undo, PlanHash: p.Hash(), Plan: text, State: hold.Open, Made: now, Expires: now.Add(holdTime),
		RequestedBy: by, Reasons: []string{"undo of " + string(id)},
	}
	if err := tx.PutHold(h); err != nil {
		return hold.Hold{}, err
	}
	_, err = tx.Append(ledger.Entry{Kind: ledger.HoldMade, At: now, Change: id, User: original.User, Group: original.Group, Body: h})
	return h, err
}

// inverse returns what takes the change back.
func inverse(c change.Change) change.Change {
	kind := change.AddMember
	if c.Kind == change.AddMember {
		kind = change.RemoveMember
	}
	return change.Change{Kind: kind, Reason: change.Undo, User: c.User, Group: c.Group, Policy: c.Policy, Undoes: c.ID}
}

func noUndo(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrNoUndo}, args...)...)
}

// undoable says why the change may not be taken back, nil when it may.
func undoable(tx *store.Tx, set *policies.Set, c change.Change) error {
	switch {
	case c.Kind != change.AddMember && c.Kind != change.RemoveMember:
		return noUndo("ended sessions do not come back, and an account is unsuspended in Okta by hand")
	case c.State != change.Confirmed:
		return noUndo("it is %s, not confirmed; there is nothing to take back yet", c.State)
	}
	checks := []func(*store.Tx, *policies.Set, change.Change) error{undoOurs, undoLast, undoEmergency, undoEvidence}
	for _, check := range checks {
		if err := check(tx, set, c); err != nil {
			return err
		}
	}
	return nil
}

// undoOurs refuses groups and users that are not sopd's to change.
func undoOurs(tx *store.Tx, set *policies.Set, c change.Change) error {
	managed, ours := set.Catalog.Group(c.Group)
	group, known, err := tx.Group(c.Group)
	if err != nil {
		return err
	}
	rules, err := tx.Rules()
	if err != nil {
		return err
	}
	fed := slices.ContainsFunc(rules, func(r access.Rule) bool { return r.Active && slices.Contains(r.Groups, c.Group) })
	switch {
	case !ours || !known:
		return noUndo("its group is not in the catalog any more, or does not exist")
	case managed.Protected:
		return noUndo("its group is protected by policy")
	case group.Type != access.OktaGroup || fed:
		return noUndo("its group is foreign: a rule, an application or Okta decides who is in it")
	case !set.Catalog.Mode(c.Group).Writes():
		return noUndo("its system is only observed; somebody has to do it by hand")
	case slices.Contains(set.Guards.ProtectedUsers, c.User):
		return noUndo("its user is protected by policy")
	}
	return nil
}

// undoLast refuses a change that is not the last word on its membership.
func undoLast(tx *store.Tx, _ *policies.Set, c change.Change) error {
	members, _, known, err := tx.Members(c.Group)
	if err != nil {
		return err
	}
	_, in := slices.BinarySearch(members, c.User)
	switch {
	case !known:
		return noUndo("who is in its group is not known")
	case in == (c.Kind == change.RemoveMember):
		return noUndo("what it did does not stand any more")
	}
	all, err := tx.ChangesByUser(c.User)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Group == c.Group && other.ID != c.ID && other.State != change.Refused && other.Intended.After(c.Intended) {
			return noUndo("%s came after it; undo that one", other.ID)
		}
	}
	return nil
}

// undoEmergency refuses to restore emergency access: its end holds whatever happens.
func undoEmergency(tx *store.Tx, _ *policies.Set, c change.Change) error {
	g, found, err := tx.Grant(c.Grant)
	if err == nil && found && g.Reason == change.BreakGlass && c.Kind == change.RemoveMember {
		return noUndo("it ended emergency access; ask for the access, or raise a new emergency")
	}
	return err
}

// undoEvidence refuses to restore what evidence still speaks against.
func undoEvidence(tx *store.Tx, set *policies.Set, c change.Change) error {
	if c.Kind == change.AddMember {
		return nil
	}
	user, known, err := tx.User(c.User)
	switch {
	case err != nil:
		return err
	case !known || user.Status == access.Deprovisioned || user.Transitioning == access.Deprovisioned:
		return noUndo("the user is a leaver: deactivated in Okta, or not known there")
	case user.Status != access.Active:
		return noUndo("the user is not active in Okta (%s)", user.Status)
	}
	all, err := tx.ChangesByUser(c.User)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Reason != change.Offboarding && other.ID != c.ID || other.Ticket == "" || other.Reason == change.Expired {
			continue
		}
		if err := undoTicket(tx, set, other); err != nil {
			return err
		}
	}
	return nil
}

// undoTicket refuses while the ticket that demanded the removal stands: approved, or closed after it was carried out.
func undoTicket(tx *store.Tx, set *policies.Set, c change.Change) error {
	t, _, found, err := tx.Ticket(c.Ticket)
	if err != nil {
		return err
	}
	sop, ours := set.SOP(t)
	if !found || !ours || sop.Kind == policies.KindAccessProvisioning || sop.BreakGlass != nil {
		return nil
	}
	if t.Status == sop.Tickets.Close || slices.Contains(sop.Tickets.Fulfil, t.Status) {
		return noUndo("the %s of %s stands (%s); withdraw that ticket, or have the access approved on a new one", c.Reason, c.Ticket, t.Status)
	}
	return nil
}

// loadUndos finds the undos that a second person has approved and that nothing speaks against now.
func (l *loader) loadUndos(tx *store.Tx) error {
	approved, err := tx.Holds(hold.Approved)
	if err != nil {
		return err
	}
	for _, h := range approved {
		u, ok := undoOf(h)
		if !ok || !l.now.Before(h.Expires) {
			continue
		}
		original, found, err := tx.Change(u.change.Undoes)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		err = undoable(tx, l.r.Policies, original)
		switch {
		case errors.Is(err, ErrNoUndo):
			l.refusedUndos = append(l.refusedUndos, u)
		case err != nil:
			return err
		default:
			l.undone(u)
		}
	}
	return nil
}

// undoOf reads the change that the hold lets through. ok is false for a hold of another kind, and for one whose plan is not
// the one that its hash names.
func undoOf(h hold.Hold) (u undo, ok bool) {
	var changes []change.Change
	if h.Kind != hold.Undo || json.Unmarshal(h.Plan, &changes) != nil || len(changes) != 1 {
		return undo{}, false
	}
	if (plan.Plan{Changes: changes}).Hash() != h.PlanHash {
		return undo{}, false
	}
	return undo{hold: h, change: changes[0]}, true
}

// undone turns an approved undo into what the plan rests on: a grant for a time, or the evidence for a removal.
func (l *loader) undone(u undo) {
	v := &l.view
	if u.change.Kind == change.AddMember {
		v.fresh, v.used = append(v.fresh, u.grant(l.r.Policies)), append(v.used, u)
		return
	}
	v.observation.Revoked = append(v.observation.Revoked, plan.Revocation{
		User: u.change.User, Group: u.change.Group, Reason: change.Undo, Since: u.hold.Approved, Policy: u.change.Policy,
		Undoes: u.change.Undoes,
	})
}

// grant is what an undone removal entitles to: the access as it was, on the word of whoever approved the hold, for a time in
// which a ticket has to be found for it.
func (u undo) grant(set *policies.Set) change.Grant {
	group, _ := set.Catalog.Group(u.change.Group)
	return change.Grant{
		ID: change.GrantID("undo/" + string(u.hold.ID)), User: u.change.User, Group: u.change.Group, System: group.System,
		Policy: u.change.Policy, Reason: change.Undo, Restores: u.change.Undoes, Requested: u.hold.Made, Approved: u.hold.Approved,
		Approvals: []change.Proof{{
			Role: "second-person", Approval: ticket.ApprovalID(u.hold.ID), At: u.hold.Approved, Eligible: "approved the hold",
		}},
		Expires: u.hold.Approved.Add(set.Undo),
	}
}

// useUndo notes that the hold has done what it was for: it lets nothing through again.
func useUndo(tx *store.Tx, u undo, at time.Time) error {
	h := u.hold
	h.State, h.Used = hold.Used, at
	if err := tx.PutHold(h); err != nil {
		return err
	}
	_, err := tx.Append(ledger.Entry{
		Kind: ledger.HoldUsed, At: at, Change: u.change.Undoes, User: u.change.User, Group: u.change.Group, Body: h,
	})
	return err
}

// undos notes the use of every undo whose removal has been read back. Until then it is the evidence for the removal.
func (c *conclusion) undos(tx *store.Tx) error {
	for _, u := range c.loader.refusedUndos {
		if u.change.Kind != change.RemoveMember {
			continue
		}
		all, err := tx.ChangesByUser(u.change.User)
		if err != nil {
			return err
		}
		done := slices.ContainsFunc(all, func(ch change.Change) bool { return ch.Undoes == u.change.Undoes && ch.State == change.Confirmed })
		if !done || !c.view.observation.Now.Before(u.hold.Expires) {
			continue
		}
		if err := useUndo(tx, u, c.view.observation.Now); err != nil {
			return err
		}
	}
	return nil
}
