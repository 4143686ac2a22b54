package incidents

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// The keys of the effects that open tickets.
func ticketEffect(id incident.ID) string { return "incident/" + string(id) + "/ticket" }
func reviewEffect(id incident.ID) string { return "incident/" + string(id) + "/review" }

// speaker queues what is to be said and opened for one incident.
type speaker struct {
	tx     *store.Tx
	record incident.Record
	alerts []incident.Alert
	now    time.Time
}

func (p speaker) put(e change.Effect) error {
	e.Key, e.Created = "incident/"+string(p.record.ID)+"/"+e.Key, p.now
	if e.Marker == "" && (e.Kind == change.Comment || e.Kind == change.AlertNote) {
		e.Marker = "Reference: " + reconcile.Fingerprint(e.Key)
		e.Body += "\n\n" + e.Marker
	}
	_, err := p.tx.PutEffect(e)
	return err
}

// comment says something on the ticket, if there is one. It is not shown in the portal.
func (p speaker) comment(purpose, text string) error {
	if p.record.Ticket == "" || p.record.TicketGone {
		return nil
	}
	return p.put(change.Effect{Key: purpose, Kind: change.Comment, Ticket: p.record.Ticket, Body: text})
}

// note says something on every alert of the incident that is still known.
func (p speaker) note(purpose, text string) error {
	for _, a := range p.alerts {
		if a.Gone {
			continue
		}
		e := change.Effect{Key: purpose + "/" + string(a.ID), Kind: change.AlertNote, Alert: a.ID, Ticket: p.record.Ticket, Body: text}
		if err := p.put(e); err != nil {
			return err
		}
	}
	return nil
}

func (p speaker) both(purpose, text string) error {
	if err := p.comment(purpose, text); err != nil {
		return err
	}
	return p.note(purpose, text)
}

// tell queues what has to be opened, linked, closed and said for an incident as it stands now.
func (s *Stage) tell(tx *store.Tx, w reconcile.Round, out *incident.Outcome, sight incident.Sight) error {
	p := speaker{tx: tx, record: out.Record, alerts: sight.Alerts, now: w.Now}
	steps := []func(speaker, incident.Sight) error{s.openTicket, s.engage, s.link, s.remind, s.closeAlerts, s.review, s.missing}
	if out.Record.Backfilled {
		steps = nil
	}
	for _, step := range steps {
		if err := step(p, sight); err != nil {
			return err
		}
	}
	for _, reply := range out.Replies {
		if err := p.reply(reply); err != nil {
			return err
		}
	}
	for _, run := range out.Record.Runs {
		if err := p.both("run/"+reconcile.Fingerprint(run.Ref), s.confirmedText(out.Record, run)); err != nil {
			return err
		}
	}
	return nil
}

func (p speaker) reply(r incident.Reply) error {
	key := "reply/" + reconcile.Fingerprint(r.Order.Ref)
	if r.Order.OnTicket() {
		return p.comment(key, r.Text)
	}
	return p.note(key, r.Text)
}

// openTicket opens the ticket of a major incident that began with an alert.
func (s *Stage) openTicket(p speaker, sight incident.Sight) error {
	r := p.record
	if !r.Severity.Major() || r.Ticket != "" || r.TicketGone || len(sight.Alerts) == 0 || !r.Live() {
		return nil
	}
	return p.put(change.Effect{Key: "ticket", Kind: change.Open, New: &ticket.New{
		Project: s.policy.Project, Type: s.policy.Type, Marker: r.ID.Marker(),
		Summary: oneLine(fmt.Sprintf("Sev %d: %s", r.Severity.Level(), sight.Alerts[0].Message)), Description: s.ticketText(r, sight),
	}})
}

// oneLine makes a summary that Jira takes.
func oneLine(text string) string {
	const most = 200
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// engage pages the teams of the policy for a major incident that nobody has taken: at once when no alert of it pages by
// itself, else after the time that the policy gives those who were paged.
func (s *Stage) engage(p speaker, sight incident.Sight) error {
	r := p.record
	taken := r.Reached(incident.Acknowledged) || r.Reached(incident.Resolved) || !r.Live()
	if s.Alerts == nil || !r.Severity.Major() || taken || r.Reached(incident.Closed) {
		return nil
	}
	pages := slices.ContainsFunc(sight.Alerts, func(a incident.Alert) bool { return a.Open && !a.Gone && a.Priority != 0 && a.Priority <= 2 })
	if pages && p.now.Sub(r.Milestones[incident.Detected].At) < s.policy.After {
		return nil
	}
	title := incident.See(sight.Alerts, sight.Ticket).Title
	return p.put(change.Effect{Key: "page", Kind: change.AlertOpen, Ticket: r.Ticket, Page: &paging.NewAlert{
		Alias: paging.Alias(r.ID.Marker()), Message: fmt.Sprintf("Sev %d: %s", r.Severity.Level(), title), Priority: paging.Priority(r.Severity.Level()),
		Description: s.pageText(r), Tags: []string{"sopd", "incident"}, Teams: s.policy.Teams, Schedules: s.policy.Schedules,
		Details: map[string]string{"incident": string(r.ID), "ticket": string(r.Ticket), "severity": string(r.Severity)},
	}})
}

// link ties alerts and ticket together, each way, and says on either what the incident is.
func (s *Stage) link(p speaker, sight incident.Sight) error {
	r := p.record
	if r.Ticket == "" || r.TicketGone {
		return nil
	}
	if err := p.comment("kept", s.keptText(r)); err != nil {
		return err
	}
	if err := p.note("linked", fmt.Sprintf("Incident %s, Sev %d (%s). Its ticket in Jira is %s.", r.ID, r.Severity.Level(), r.Reason, r.Ticket)); err != nil {
		return err
	}
	for _, a := range sight.Alerts {
		if a.Gone || s.policy.AlertLink == "" {
			continue
		}
		err := p.put(change.Effect{
			Key: "link/" + string(a.ID), Kind: change.Link, Ticket: r.Ticket, Marker: "sopd-alert-" + string(a.ID),
			Body: strings.ReplaceAll(s.policy.AlertLink, "{id}", string(a.ID)), Name: oneLine("Alert " + a.TinyID + " " + a.Message),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// remind reminds of the next update before it is due.
func (s *Stage) remind(p speaker, _ incident.Sight) error {
	r := p.record
	clock, has := s.Policies.Cadence()
	target, promised := clock.Targets[string(r.Severity)]
	if !has || !promised || s.policy.Remind == 0 || r.Reached(incident.Resolved) || r.Reached(incident.Closed) || !r.Live() {
		return nil
	}
	last := r.Milestones[incident.Detected].At
	for _, u := range r.Updates {
		if u.At.After(last) {
			last = u.At
		}
	}
	due := target.Due(calendarOf(clock), last)
	if p.now.Before(due.Add(-s.policy.Remind)) {
		return nil
	}
	return p.both("remind/"+due.UTC().Format(time.RFC3339), remindText(r, due))
}

// closeAlerts closes the alerts of an incident that was closed in Jira, or of which nothing is left but the page for it.
func (s *Stage) closeAlerts(p speaker, sight incident.Sight) error {
	closed, ended := p.record.Milestones[incident.Closed]
	if p.record.Withdrawn.IsZero() && (!ended || closed.Source == "alert") {
		return nil
	}
	for _, a := range sight.Alerts {
		if !a.Open || a.Gone {
			continue
		}
		e := change.Effect{Key: fmt.Sprintf("close/%s/%d", a.ID, p.record.Round), Kind: change.AlertClose, Alert: a.ID, Ticket: p.record.Ticket}
		if err := p.put(e); err != nil {
			return err
		}
	}
	return nil
}

// review opens the ticket of a post-incident review that is called for.
func (s *Stage) review(p speaker, _ incident.Sight) error {
	r := p.record
	if r.Review.Opened.IsZero() || r.Review.Ticket != "" {
		return nil
	}
	n := ticket.New{
		Project: s.policy.Project, Type: s.policy.ReviewType, Marker: r.ID.ReviewMarker(), Description: s.reviewText(r),
		Summary: oneLine(fmt.Sprintf("Post-incident review of %s, due %s", named(r), r.Review.Due.Format(time.DateOnly))),
	}
	if s.policy.DueField != "" {
		n.Fields = map[string]ticket.Value{s.policy.DueField: {Time: r.Review.Due, DateOnly: true}}
	}
	return p.put(change.Effect{Key: "review", Kind: change.Open, New: &n})
}

// missing says on a review that was closed what it lacks, once for each set, or that it is complete.
func (s *Stage) missing(p speaker, sight incident.Sight) error {
	r := p.record
	if !r.Review.Completed.IsZero() && r.Review.Ticket != "" {
		return p.put(change.Effect{Key: "complete", Kind: change.Comment, Ticket: r.Review.Ticket, Body: completeText(r)})
	}
	if sight.Review == nil || !sight.Review.Done || len(r.Review.Missing) == 0 {
		return nil
	}
	return p.put(change.Effect{
		Key: "missing/" + reconcile.Fingerprint(strings.Join(r.Review.Missing, "|")), Kind: change.Comment, Ticket: r.Review.Ticket, Body: missingText(r.Review.Missing),
	})
}

// tellRun tells each step that is done on alerts and ticket, and the end of the run.
func (s *Stage) tellRun(tx *store.Tx, w reconcile.Round, r incident.Record, run incident.Run) error {
	if !w.Write {
		return nil
	}
	p := speaker{tx: tx, record: r, now: w.Now}
	for _, id := range r.Alerts {
		a, found, err := tx.Alert(id)
		if err != nil {
			return err
		}
		if found {
			p.alerts = append(p.alerts, a)
		}
	}
	for _, step := range run.Steps {
		if step.Change == "" {
			continue
		}
		text := fmt.Sprintf("Incident %s, playbook %s: %s (%s), read back from Okta.", r.ID, run.Playbook, s.sentence(step), step.Change)
		if err := p.both("step/"+string(step.Change), text); err != nil {
			return err
		}
	}
	if run.Finished.IsZero() {
		return nil
	}
	return p.both("finished/"+reconcile.Fingerprint(run.Ref), s.finishedText(r, run))
}

func (s *Stage) sentence(step incident.Step) string {
	switch step.Kind {
	case change.RemoveMember:
		return "removed from " + s.groupName(step.Group)
	case change.ClearSessions:
		return "ended all Okta sessions"
	case change.Suspend:
		return "suspended the Okta account"
	default:
		return string(step.Kind)
	}
}

func (s *Stage) groupName(id access.GroupID) string {
	if known, ok := s.Policies.Catalog.Group(id); ok {
		return known.Name
	}
	return string(id)
}
