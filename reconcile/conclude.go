package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// The kinds of finding that a pass raises.
const (
	FindingDrift       finding.Kind = "drift"       // a member without a grant
	FindingUnreadable  finding.Kind = "unreadable"  // a group that could not be read
	FindingUnconfirmed finding.Kind = "unconfirmed" // a change that Okta does not show
	FindingHold        finding.Kind = "hold"        // a plan that waits for a person
	FindingSkipped     finding.Kind = "skipped"     // a change that is due and that sopd may not make
	FindingConflict    finding.Kind = "conflict"    // somebody has duties that a rule keeps apart
	FindingOrphaned    finding.Kind = "orphaned"    // access whose ticket is gone or has moved away
	FindingRefused     finding.Kind = "refused"     // a change that Okta keeps refusing
	FindingParked      finding.Kind = "parked"      // something that a ticket was to be told and that was given up
)

// FindingKinds lists the kinds, for metrics.
func FindingKinds() []finding.Kind {
	return []finding.Kind{
		FindingDrift, FindingUnreadable, FindingUnconfirmed, FindingHold, FindingSkipped, FindingRefused, FindingParked, FindingBlind,
		FindingBreakGlass, FindingUnreviewed, FindingConflict, FindingOrphaned, FindingOnCallGap, FindingBaselineDue,
		FindingSilent, FindingGuardOff,
	}
}

// unconfirmedAfter is when a change that Okta does not show becomes a finding. Okta shows its own writes within seconds.
const unconfirmedAfter = time.Minute

// conclude looks at where everything stands now that the plan was carried out: which tickets are fulfilled, which clocks
// stop, what has to be pointed out. It computes a second plan from the mirror; a membership counts as there only when that
// plan, which knows only what was read from Okta, finds it there.
//
// It returns the findings that no longer stand and whose alerts have to be closed before they are cleared.
func (r *Reconciler) conclude(ctx context.Context, unread map[access.GroupID]error, report *Report) ([]finding.Finding, error) {
	l, err := r.load(ctx, unread)
	if err != nil {
		return nil, err
	}
	c := conclusion{r: r, view: l.view, loader: l, plan: l.view.plan()}
	c.index()
	err = r.write(ctx, func(tx *store.Tx) error {
		steps := []func(*store.Tx) error{r.witness}
		if r.Write {
			steps = append(steps, c.tickets, c.expiries, c.departures, c.emergencies, c.warnings, c.undos, c.driftTickets)
		}
		steps = append(steps, c.findings, r.saveQuiet)
		for _, step := range steps {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		clear(r.quiet.unsaved)
	}
	report.Findings = len(c.raised)
	return c.over, err
}

// conclusion is the state of things at the end of a pass.
type conclusion struct {
	r      *Reconciler
	view   view
	loader *loader
	plan   plan.Plan

	satisfied map[change.GrantID]bool
	open      map[access.UserID]int    // changes planned or pending, by user
	raised    map[finding.Key]struct{} // findings that stand
	shared    map[paging.AlertID]int   // how many open findings an alert tells of
	over      []finding.Finding        // findings that do not stand any more and have an alert
}

func (c *conclusion) index() {
	c.satisfied = make(map[change.GrantID]bool)
	for _, id := range c.plan.Satisfied {
		c.satisfied[id] = true
	}
	c.open = make(map[access.UserID]int)
	for _, ch := range slices.Concat(c.plan.Changes, c.view.observation.Pending) {
		if ch.Kind != change.AddMember {
			c.open[ch.User]++
		}
	}
	for _, s := range c.view.standoffs {
		if s.Change.Kind != change.AddMember {
			c.open[s.Change.User]++ // it is still to be done
		}
	}
	c.raised = make(map[finding.Key]struct{})
}

// tickets moves every ticket on that is through.
func (c *conclusion) tickets(tx *store.Tx) error {
	for _, j := range c.view.cases {
		if err := c.ticket(tx, j); err != nil {
			return fmt.Errorf("ticket %s: %w", j.ticket.Key, err)
		}
	}
	return nil
}

func (c *conclusion) ticket(tx *store.Tx, j judged) error {
	if slices.Contains(j.sop.Tickets.Validated, j.ticket.Status) {
		return c.validatedTicket(tx, j)
	}
	if j.sop.Kind == policies.KindAccessProvisioning && j.verdict.Outcome != authority.Incomplete {
		if err := c.requested(tx, j); err != nil {
			return err
		}
	}
	if j.sop.Kind == policies.KindRevocation && j.verdict.Outcome != authority.Incomplete {
		if err := c.revoking(tx, j); err != nil {
			return err
		}
	}
	if !j.proven() {
		return nil
	}
	switch j.sop.Kind {
	case policies.KindAccessProvisioning:
		return c.provisioned(tx, j)
	case policies.KindRoleChange:
		return c.moved(tx, j)
	case policies.KindDeprovisioning, policies.KindRevocation:
		return c.removed(tx, j)
	default:
		return nil
	}
}

// provisioned tells a request that its access is there, when every grant of it is.
func (c *conclusion) provisioned(tx *store.Tx, j judged) error {
	grants := grantsFor(j)
	for _, g := range grants {
		if !c.satisfied[g.ID] {
			return c.ungivable(tx, j)
		}
	}
	changes := c.confirmed(j.ticket.Key, change.AddMember)
	done := remark{purpose: purposeProvisioned, text: c.r.provisionedText(j, changes), at: c.view.observation.Now}
	before, extends, err := c.extended(tx, j)
	if err != nil {
		return err
	}
	if extends && len(changes) == 0 {
		done.text += "\n\n" + extensionText(before, grants[0])
	}
	if len(changes) > 0 {
		done.marker = string(changes[0].ID)
	}
	if err := c.fulfilled(tx, j, changes); err != nil {
		return err
	}
	target := j.sop.Tickets.Validate
	if target == "" {
		target = j.sop.Tickets.Close
	}
	return c.r.sayAndMove(tx, j.ticket.Key, done, target)
}

// ungivable says on the ticket what was approved and cannot be given, once for each set of reasons.
func (c *conclusion) ungivable(tx *store.Tx, j judged) error {
	var why []string
	for _, s := range c.plan.Skipped {
		if s.Change.Ticket == j.ticket.Key && s.Change.Kind == change.AddMember {
			why = append(why, c.r.groupName(s.Change)+": "+s.Why)
		}
	}
	if len(why) == 0 {
		return nil
	}
	text := ungivableText(why)
	return c.r.say(tx, j.ticket.Key, remark{purpose: "ungivable/" + fingerprint(text), text: text, at: c.view.observation.Now})
}

// validatedTicket closes a ticket that its requester has validated. One that was moved there without anything having been
// given is told so, and stays open.
func (c *conclusion) validatedTicket(tx *store.Tx, j judged) error {
	_, told, err := tx.Effect(string(j.ticket.Key) + "/" + purposeProvisioned)
	if err != nil {
		return err
	}
	if told {
		return c.close(tx, j)
	}
	return c.r.say(tx, j.ticket.Key, remark{purpose: "validated-early", text: validatedEarlyText(), at: c.view.observation.Now})
}

// removed tells an offboarding or a revocation that the access is gone, when nothing is left to do for the user.
func (c *conclusion) removed(tx *store.Tx, j judged) error {
	if c.view.observation.Now.Before(j.effective()) {
		return nil
	}
	user := j.verdict.Request.Beneficiary.ID
	if c.open[user] > 0 || c.obscured(j) {
		return c.standstill(tx, j.ticket.Key)
	}
	if left := c.leftToPeople(j.ticket.Key); len(left) > 0 {
		text := byHandText(left)
		return c.r.say(tx, j.ticket.Key, remark{purpose: "by-hand/" + fingerprint(text), text: text, at: c.view.observation.Now})
	}
	changes := c.confirmed(j.ticket.Key, change.RemoveMember, change.ClearSessions, change.Suspend, change.Deactivate)
	done := remark{purpose: "removed", text: c.r.removedText(changes, c.skipped(j.ticket.Key)) + c.leavesBehind(j.ticket.Key), at: c.view.observation.Now}
	if len(changes) > 0 {
		done.marker = string(changes[0].ID)
	}
	if err := c.gone(tx, j, changes); err != nil {
		return err
	}
	return c.r.sayAndMove(tx, j.ticket.Key, done, j.sop.Tickets.Close)
}

// leftToPeople names the groups in systems that sopd only observes, in which somebody still is whom the ticket takes out. The
// ticket stays open until somebody has done it: a closed one would say that the access is gone.
func (c *conclusion) leftToPeople(key ticket.Key) []string {
	var left []string
	for _, ch := range c.plan.Proposed {
		if ch.Ticket == key && ch.Kind == change.RemoveMember {
			left = append(left, c.r.groupName(ch))
		}
	}
	return left
}

// obscured reports whether a group that the removal is about could not be read: whether the access is gone is not known
// then, and a ticket that is closed would not take it away later. A group that does not exist any more gives no access.
func (c *conclusion) obscured(j judged) bool {
	for id, cause := range c.loader.unread {
		if _, ours := c.r.Policies.Catalog.Group(id); !ours || errors.Is(cause, access.ErrNotFound) {
			continue
		}
		named := slices.ContainsFunc(revocations(j), func(r plan.Revocation) bool { return r.Group == id })
		if j.sop.Kind == policies.KindDeprovisioning || named {
			return true
		}
	}
	return false
}

func (c *conclusion) confirmed(key ticket.Key, kinds ...change.Kind) []change.Change {
	var all []change.Change
	for _, ch := range c.loader.changes[key] {
		if ch.State == change.Confirmed && slices.Contains(kinds, ch.Kind) {
			all = append(all, ch)
		}
	}
	return all
}

// close attaches the evidence to a validated ticket and closes it.
func (c *conclusion) close(tx *store.Tx, j judged) error {
	if err := c.validated(tx, j); err != nil {
		return err
	}
	return c.closeWithEvidence(tx, j)
}

// expiries tells the tickets whose access ran out, once it is gone.
func (c *conclusion) expiries(tx *store.Tx) error {
	ended, err := tx.GrantsEndedSince(c.view.observation.Now.Add(-witnessWindow))
	if err != nil {
		return err
	}
	for _, g := range ended {
		if g.EndReason != change.Expired || g.Ticket == "" {
			continue
		}
		changes, err := tx.ChangesByTicket(g.Ticket)
		if err != nil {
			return err
		}
		changes = slices.DeleteFunc(changes, func(ch change.Change) bool {
			return ch.Reason != change.Expired || ch.State != change.Confirmed || ch.Group != g.Group
		})
		if len(changes) == 0 {
			continue
		}
		last := changes[len(changes)-1]
		said := remark{
			purpose: "expired/" + string(last.ID), text: c.r.expiredText([]change.Change{last}), marker: string(last.ID), at: c.view.observation.Now,
		}
		if err := c.r.say(tx, g.Ticket, said); err != nil {
			return err
		}
	}
	return nil
}

// findings raises what has to be pointed out and clears what no longer stands.
func (c *conclusion) findings(tx *store.Tx) error {
	standing, err := c.standing(tx)
	if err != nil {
		return err
	}
	ofStages, err := c.stages(tx)
	if err != nil {
		return err
	}
	standing = append(standing, ofStages...)
	standing = append(standing, c.unguarded()...)
	if err := c.alerts(tx); err != nil {
		return err
	}
	for _, f := range standing {
		c.raised[f.Key] = struct{}{}
		before, _, err := tx.Finding(f.Key)
		if err != nil {
			return err
		}
		fresh, err := tx.PutFinding(f)
		if err != nil {
			return err
		}
		if !fresh {
			if err := c.dwell(tx, before, f); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.Append(ledger.Entry{
			Kind: ledger.FindingRaised, At: f.Raised, Change: f.Change, User: f.User, Group: f.Group, Body: f,
		}); err != nil {
			return err
		}
	}
	open, err := tx.OpenFindings()
	if err != nil {
		return err
	}
	for _, f := range open {
		if _, stands := c.raised[f.Key]; stands || !slices.Contains(c.r.Kinds(), f.Kind) {
			continue
		}
		if f.Alert != "" && c.r.Pager != nil && c.r.Write {
			c.over = append(c.over, f)
			continue
		}
		if err := clearFinding(tx, f, c.view.observation.Now); err != nil {
			return err
		}
	}
	return nil
}

// alerts counts how many findings each alert tells of.
func (c *conclusion) alerts(tx *store.Tx) error {
	open, err := tx.OpenFindings()
	c.shared = make(map[paging.AlertID]int)
	for _, f := range open {
		c.shared[f.Alert]++
	}
	return err
}

func clearFinding(tx *store.Tx, f finding.Finding, at time.Time) error {
	if _, _, err := tx.ClearFinding(f.Key, at); err != nil {
		return err
	}
	_, err := tx.Append(ledger.Entry{Kind: ledger.FindingCleared, At: at, Change: f.Change, User: f.User, Group: f.Group, Body: f})
	return err
}

func (c *conclusion) standing(tx *store.Tx) ([]finding.Finding, error) {
	now := c.view.observation.Now
	var all []finding.Finding
	for _, m := range c.plan.Drift {
		f := finding.Finding{
			Key: finding.Key("drift/" + string(m.Group) + "/" + string(m.User)), Kind: FindingDrift, User: m.User, Group: m.Group,
			Title: "somebody is in a managed group without a ticket", Raised: now,
		}
		event, found, err := lastEvent(tx, m, eventMemberAdded)
		if err != nil {
			return nil, err
		}
		if found {
			f.Event = event.ID
			f.Detail = map[string]string{"actor": event.Actor.ID, "at": event.Published.UTC().Format(time.RFC3339)}
		}
		all = append(all, f)
	}
	for id := range c.loader.unread {
		all = append(all, finding.Finding{
			Key: finding.Key("unreadable/" + string(id)), Kind: FindingUnreadable, Group: id,
			Title: "a managed group cannot be read; nothing is changed in it", Raised: now,
		})
	}
	for id := range c.r.doubted {
		all = append(all, finding.Finding{
			Key: finding.Key("unreadable/" + string(id)), Kind: FindingUnreadable, User: id,
			Title: "somebody shows as deactivated and cannot be read; nothing is taken from them", Raised: now,
		})
	}
	for key := range c.loader.bad {
		all = append(all, finding.Finding{
			Key: finding.Key("unreadable/" + string(key)), Kind: FindingUnreadable, Ticket: key,
			Title: "a ticket cannot be read; nothing is given or taken on it", Raised: now,
		})
	}
	unconfirmed, err := c.unconfirmed(tx)
	if err != nil {
		return nil, err
	}
	all = append(all, unconfirmed...)
	for _, s := range c.plan.Skipped {
		if standoff, rests := c.view.rests(s.Change); rests {
			all = append(all, standoff.finding(now))
			continue
		}
		all = append(all, finding.Finding{
			Key:  finding.Key("skipped/" + fingerprint(string(s.Change.Kind)+string(s.Change.Group)+string(s.Change.User)+string(s.Change.Ticket))),
			Kind: FindingSkipped, User: s.Change.User, Group: s.Change.Group, Ticket: s.Change.Ticket,
			Title: s.Why, Raised: now,
		})
	}
	all = append(all, c.emergencyFindings()...)
	parked, err := c.parked(tx)
	if err != nil {
		return nil, err
	}
	conflicts, err := c.conflicts(tx)
	if err != nil {
		return nil, err
	}
	orphaned, err := c.orphaned(tx)
	if err != nil {
		return nil, err
	}
	held, err := c.holds(tx)
	if err != nil {
		return nil, err
	}
	review, err := c.review(tx)
	return slices.Concat(all, parked, conflicts, orphaned, held, review), err
}

// parked points out what was to be said or done on a ticket and was given up.
func (c *conclusion) parked(tx *store.Tx) ([]finding.Finding, error) {
	effects, err := tx.EffectsParked()
	var all []finding.Finding
	for _, e := range effects {
		all = append(all, finding.Finding{
			Key: finding.Key("parked/" + e.Key), Kind: FindingParked, Ticket: e.Ticket,
			Title: "a ticket could not be told; sopd parked shows what", Raised: c.view.observation.Now,
			Detail: map[string]string{"cause": e.Error, "attempts": strconv.Itoa(e.Attempts)},
		})
	}
	return all, err
}

func (c *conclusion) holds(tx *store.Tx) ([]finding.Finding, error) {
	open, err := tx.Holds(hold.Open, hold.Approved)
	if err != nil {
		return nil, err
	}
	var all []finding.Finding
	for _, h := range open {
		if !c.view.observation.Now.Before(h.Expires) {
			continue
		}
		title := "a guard stopped a plan: " + h.Reasons[0]
		if h.Kind == hold.Undo {
			title = "a second person has to decide: " + h.Reasons[0]
		}
		all = append(all, finding.Finding{
			Key: finding.Key("hold/" + string(h.ID)), Kind: FindingHold,
			Title: title, Raised: h.Made, Detail: map[string]string{"hold": string(h.ID)},
		})
	}
	return all, nil
}
