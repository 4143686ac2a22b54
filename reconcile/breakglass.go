package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// Roster says who is on call.
type Roster interface {
	// OnCall returns who answers for the schedule now.
	OnCall(ctx context.Context, schedule paging.ScheduleID) (paging.OnCall, error)
}

// emergency is a ticket of a break-glass procedure. Its verdict is the review.
type emergency struct {
	judged
	grants []change.Grant // on record, ended ones included
	// who is the proof that the requester may break the glass, empty Role when they may not; unknown: it cannot be said now.
	who     change.Proof
	unknown bool
	// reviewed is when the access was found to be justified; zero before.
	reviewed time.Time
}

// begins reports whether the access is about to be granted.
func (e emergency) begins(stored map[change.GrantID]change.Grant) bool {
	return slices.ContainsFunc(e.grants, func(g change.Grant) bool {
		_, known := stored[g.ID]
		return !known && g.Ended.IsZero()
	})
}

// due returns when the access has to have been reviewed.
func (e emergency) due() time.Time { return e.ticket.Created.Add(e.sop.BreakGlass.Review) }

// unreviewed reports whether the review said no, or did not come in time.
func (e emergency) unreviewed(now time.Time) bool {
	return len(e.grants) > 0 && e.reviewed.IsZero() && (e.verdict.Outcome == authority.Declined || !now.Before(e.due()))
}

// live reports whether any of its access still stands.
func (e emergency) live() bool {
	return slices.ContainsFunc(e.grants, func(g change.Grant) bool { return g.Ended.IsZero() })
}

// until returns the end of the access: what was asked for, never later than the maximum.
func (e emergency) until() time.Time {
	end := e.ticket.Created.Add(e.sop.BreakGlass.Maximum)
	if asked := e.verdict.Request.Expires; !asked.IsZero() && asked.Before(end) {
		return asked
	}
	return end
}

// memory is how long an emergency that nobody has reviewed is still pointed out after its end.
const memory = 30 * 24 * time.Hour

// loadEmergencies takes the tickets of emergencies out of the others, and adds those that were closed without a review.
func (l *loader) loadEmergencies(tx *store.Tx) error {
	if !slices.ContainsFunc(l.r.Policies.SOPs, func(s policies.SOP) bool { return s.BreakGlass != nil }) {
		return nil
	}
	given, err := l.givenInEmergencies(tx)
	if err != nil {
		return err
	}
	var keys []ticket.Key
	for _, g := range given {
		if g.Reason == change.BreakGlass && !slices.Contains(keys, g.Ticket) {
			keys = append(keys, g.Ticket)
		}
	}
	l.open = slices.DeleteFunc(l.open, func(j judged) bool {
		if j.sop.BreakGlass == nil {
			return false
		}
		if !slices.Contains(keys, j.ticket.Key) {
			keys = append(keys, j.ticket.Key)
		}
		return true
	})
	slices.Sort(keys)
	for _, key := range keys {
		if err := l.loadEmergency(tx, key); err != nil {
			return err
		}
	}
	return nil
}

// givenInEmergencies returns the grants that still run out, and those that ended lately: a superset of the emergencies'.
func (l *loader) givenInEmergencies(tx *store.Tx) ([]change.Grant, error) {
	ended, err := tx.GrantsEndedSince(l.now.Add(-memory))
	if err != nil {
		return nil, err
	}
	var longest time.Duration
	for _, sop := range l.r.Policies.SOPs {
		if sop.BreakGlass != nil {
			longest = max(longest, sop.BreakGlass.Maximum)
		}
	}
	// An emergency that is over and could not be taken away yet ran out a while ago.
	running, err := tx.GrantsExpiring(l.now.Add(-memory), l.now.Add(longest))
	return append(ended, running...), err
}

// emergencyGrants returns the grants of emergencies that have not ended.
func (l *loader) emergencyGrants() []change.Grant {
	var all []change.Grant
	for _, e := range l.view.emergencies {
		for _, g := range e.grants {
			if g.Ended.IsZero() {
				all = append(all, g)
			}
		}
	}
	return all
}

func (l *loader) loadEmergency(tx *store.Tx, key ticket.Key) error {
	t, approvals, found, err := tx.Ticket(key)
	if err != nil || !found || l.bad[key] {
		return err
	}
	sop, ours := l.r.Policies.SOP(t)
	if !ours || sop.BreakGlass == nil {
		return nil
	}
	e := emergency{judged: judged{sop: sop, ticket: t, approvals: approvals}}
	if e.grants, err = tx.GrantsByTicket(key); err != nil {
		return err
	}
	if err := l.loadGrants(tx, key); err != nil {
		return err
	}
	facts, err := tx.Facts(string(key))
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(facts, func(f kpi.Fact) bool { return f.Name == FactReviewed }); i >= 0 {
		e.reviewed = facts[i].At
	}
	l.changes[key], err = tx.ChangesByTicket(key)
	l.raised = append(l.raised, e)
	return err
}

// emergency judges the ticket, as of when it was raised: what it asks for, who asks, and the review.
func (l *loader) emergency(v *view, e emergency, world authority.World) {
	world.Now = e.ticket.Created
	e.verdict = authority.Judge(e.ticket, e.approvals, e.sop.Rules, world)
	e.undecided = l.undecided(e.judged)
	if e.verdict.Outcome == authority.Proven && e.reviewed.IsZero() {
		e.reviewed = e.verdict.Approved
	}
	if len(e.grants) == 0 {
		l.breakGlass(v, &e, world.People)
	}
	if e.unreviewed(l.now) {
		l.lapseEmergency(v, e)
	}
	v.emergencies = append(v.emergencies, e)
}

// breakGlass grants what the ticket asks for, without any approval, to those who may ask.
func (l *loader) breakGlass(v *view, e *emergency, d *people.Directory) {
	if !e.fulfilling() || e.verdict.Outcome == authority.Incomplete {
		return
	}
	request := e.verdict.Request
	e.who, e.unknown = l.mayBreakGlass(e.judged, d)
	var problems []authority.Problem
	if e.who.Role == "" && !e.unknown {
		problems = append(problems, authority.Problem{Field: "Reporter", Text: "may not use emergency access; ask for the access in the ordinary way"})
	}
	for _, w := range request.Wanted {
		if !e.sop.BreakGlass.Allows(w.System.ID, w.Role.Name) {
			problems = append(problems, authority.Problem{
				Field: e.sop.Rules.Fields.System, Text: fmt.Sprintf("%s/%s is not given in emergencies", w.System.Name, w.Role.Name),
			})
		}
	}
	if !l.now.Before(e.until()) {
		problems = append(problems, authority.Problem{Field: "Created", Text: "the time of this emergency is over; raise a new ticket if there is another"})
	}
	if len(problems) > 0 {
		e.verdict = authority.Verdict{Outcome: authority.Unproven, Request: request, Problems: problems}
		return
	}
	if e.unknown {
		return
	}
	for _, w := range request.Wanted {
		for _, group := range w.Role.Groups {
			m := access.Membership{Group: group, User: request.Requester.ID}
			g := change.Grant{
				ID: change.NewGrantID(e.ticket.ID, m), Ticket: e.ticket.Key, User: m.User, Group: group, System: w.System.ID, Role: w.Role.Name,
				Policy: e.sop.ID(), Reason: change.BreakGlass, Requested: e.ticket.Created, Approved: e.ticket.Created,
				Approvals: []change.Proof{e.who}, FieldsHash: request.Hash, Expires: e.until(),
			}
			e.grants, v.fresh = append(e.grants, g), append(v.fresh, g)
		}
	}
}

// mayBreakGlass returns why the requester may have emergency access. unknown: they may be among those who are on call, or in
// a group, that cannot be read now.
func (l *loader) mayBreakGlass(j judged, d *people.Directory) (who change.Proof, unknown bool) {
	user, b := j.verdict.Request.Requester, j.sop.BreakGlass
	who = change.Proof{Account: j.ticket.Reporter.Account, User: user.ID, At: j.ticket.Created}
	if user.Status != access.Active || !j.ticket.Reporter.Active {
		return who, false
	}
	if who.Eligible = l.namedIn(b.People, user.ID, d); who.Eligible == "" {
		who.Eligible, unknown = l.onCall(b.Schedules, user.ID, d)
	}
	if who.Eligible != "" {
		who.Role, unknown = string(change.BreakGlass), false
	}
	return who, unknown || who.Eligible == "" && slices.ContainsFunc(b.People.Groups, func(id access.GroupID) bool { return !l.known(id) })
}

func (l *loader) namedIn(p catalog.People, id access.UserID, d *people.Directory) string {
	if slices.Contains(p.Users, id) {
		return "by name"
	}
	for _, group := range p.Groups {
		if d.Member(access.Membership{Group: group, User: id}) {
			return "as member of " + string(group)
		}
	}
	return ""
}

// onCall returns for which schedule the user is on call. unknown: a schedule could not be read.
func (l *loader) onCall(schedules []paging.ScheduleID, id access.UserID, d *people.Directory) (eligible string, unknown bool) {
	for _, schedule := range schedules {
		rota, known := l.r.rota[schedule]
		if !known {
			unknown = l.r.Roster != nil // without one nobody will ever know
			continue
		}
		for _, person := range rota {
			// Opsgenie names people by their e-mail address, JSM Operations by their Jira account.
			user, err := d.Match(ticket.Person{Account: ticket.AccountID(person), Email: person, Active: true})
			if err == nil && user.ID == id {
				return "on call for " + string(schedule), false
			}
		}
	}
	return "", unknown
}

// readRota reads who is on call, when a ticket of an emergency waits for it. A schedule that cannot be read has nobody on
// call: then only named people have emergency access.
func (r *Reconciler) readRota(ctx context.Context) error {
	r.rota = make(map[paging.ScheduleID][]string)
	waiting, err := r.waitingSchedules(ctx)
	if err != nil || r.Roster == nil {
		return err
	}
	for _, schedule := range waiting {
		on, err := r.Roster.OnCall(ctx, schedule)
		if errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			r.Logger.LogAttrs(ctx, slog.LevelWarn, "who is on call is not known", slog.String("schedule", string(schedule)), slog.String("error", phrase(err)))
			continue
		}
		r.rota[schedule] = on.People
	}
	return nil
}

// waitingSchedules returns the schedules of the procedures that have a ticket on which nothing was granted yet.
func (r *Reconciler) waitingSchedules(ctx context.Context) ([]paging.ScheduleID, error) {
	var waiting []paging.ScheduleID
	if !slices.ContainsFunc(r.Policies.SOPs, func(s policies.SOP) bool { return s.BreakGlass != nil && len(s.BreakGlass.Schedules) > 0 }) {
		return nil, nil
	}
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var found []judged
		err := tx.EachTicket(store.TicketFilter{Projects: r.Policies.Projects(), Open: true}, func(t ticket.Ticket) error {
			if sop, ours := r.Policies.SOP(t); ours && sop.BreakGlass != nil && slices.Contains(sop.Tickets.Fulfil, t.Status) {
				found = append(found, judged{sop: sop, ticket: t})
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, j := range found {
			grants, err := tx.GrantsByTicket(j.ticket.Key)
			if err != nil {
				return err
			}
			if len(grants) == 0 {
				waiting = append(waiting, j.sop.BreakGlass.Schedules...)
			}
		}
		return nil
	})
	slices.Sort(waiting)
	return slices.Compact(waiting), err
}

// lapseEmergency ends the access of an emergency that its review did not bear out.
func (l *loader) lapseEmergency(v *view, e emergency) {
	for _, g := range e.grants {
		if g.Live(l.now) && g.Lapsed.IsZero() {
			g.Lapsed, g.Expires = l.now, l.now
			v.followed = append(v.followed, g)
		}
	}
}

// objectToEmergency says on the ticket why nothing was given.
func (r *Reconciler) objectToEmergency(tx *store.Tx, e emergency, at time.Time) error {
	switch {
	case len(e.grants) > 0 || !e.fulfilling() || e.undecided:
		return nil
	case e.verdict.Outcome == authority.Incomplete:
		return r.object(tx, e.judged, incompleteText(e.judged), at)
	case e.unknown:
		return r.say(tx, e.ticket.Key, remark{purpose: "rota-unknown", text: rotaUnknownText(), at: at})
	default:
		return r.object(tx, e.judged, noEmergencyText(e.verdict.Problems), at)
	}
}

// skippedApprovers names the roles whose approval the access would have taken otherwise.
func skippedApprovers(set *policies.Set, e emergency) string {
	sop, ok := set.Kind(policies.KindAccessProvisioning)
	if !ok {
		return "none"
	}
	var roles []string
	request := e.verdict.Request
	for _, a := range sop.Rules.Approvals {
		asked := slices.ContainsFunc(request.Wanted, func(w authority.Wanted) bool {
			if a.When == nil {
				return true
			}
			applies, err := a.When(authority.Facts{
				System: w.System, Role: w.Role.Name, Beneficiary: request.Requester, Requester: request.Requester, Duration: e.until().Sub(e.ticket.Created),
			})
			return applies || err != nil
		})
		if asked {
			roles = append(roles, a.Role)
		}
	}
	return strings.Join(roles, ", ")
}

// reviewers names the roles that review the emergency.
func (e emergency) reviewers() string {
	var roles []string
	for _, a := range e.sop.Rules.Approvals {
		roles = append(roles, a.Role)
	}
	return strings.Join(roles, ", ")
}
