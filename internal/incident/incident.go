// Package incident is the engine of incident response: what an incident is, how severe, which milestones it has reached and
// on whose word, and what its containment playbooks do.
//
// It is pure. Alerts, tickets and what people write for sopd go in with the time; a new record, facts for the clocks and
// sentences for people come out.
package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// ID identifies an incident: "INC-" and ten hexadecimal digits, made of the alert or ticket that it began with, so that
// reading that twice cannot make two.
type ID string

// NewID returns the ID of the incident that begins with the part.
func NewID(part string) ID {
	sum := sha256.Sum256([]byte(part))
	return ID("INC-" + hex.EncodeToString(sum[:5]))
}

// Marker returns the label of the incident's ticket, and the alias of the alert that sopd opens for it.
func (id ID) Marker() string { return "sopd-incident-" + string(id) }

// ReviewMarker returns the label of the ticket of the incident's review.
func (id ID) ReviewMarker() string { return "sopd-review-" + string(id) }

// AlertPart names an alert as a part of an incident.
func AlertPart(id paging.AlertID) string { return "alert/" + string(id) }

// TicketPart names a ticket as a part of an incident.
func TicketPart(id ticket.ID) string { return "ticket/" + string(id) }

// Severity is how bad an incident is.
type Severity string

// The severities, worst first: people call them Sev 1 to Sev 4.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Severities lists the severities, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

// Level returns 1 for the worst severity to 4; 5 for a word that is none.
func (s Severity) Level() int {
	if i := slices.Index(Severities(), s); i >= 0 {
		return i + 1
	}
	return len(Severities()) + 1
}

// Major reports whether the severity is one of the two for which somebody on call is engaged and a review is due.
func (s Severity) Major() bool { return s.Level() <= 2 }

// Milestone is a step on the way of an incident.
type Milestone string

// The milestones, in the order in which they are usually reached.
const (
	Detected     Milestone = "detected"
	Acknowledged Milestone = "acknowledged" // somebody has taken it on
	Escalated    Milestone = "escalated"    // to whoever leads the response
	Informed     Milestone = "informed"     // management was told
	Contained    Milestone = "contained"    // it does no further harm
	Resolved     Milestone = "resolved"     // its cause is gone
	Closed       Milestone = "closed"
)

// Milestones lists the milestones in their order.
func Milestones() []Milestone {
	return []Milestone{Detected, Acknowledged, Escalated, Informed, Contained, Resolved, Closed}
}

// Fact returns the name under which clocks know the milestone.
func (m Milestone) Fact() string { return "incident." + string(m) }

// The further facts of an incident.
const (
	FactUpdated         = "incident.updated"       // those with a stake were told how it stands
	FactAwaitsUpdate    = "incident.awaits-update" // from then on they wait for the next time
	FactReopened        = "incident.reopened"      // it was resolved or closed, and is not any more
	FactAssessed        = "incident.assessed"      // its severity became another
	FactWithdrawn       = "incident.withdrawn"     // nothing is left of it in the vendors, and it was not closed
	FactReviewOpened    = "pir.opened"
	FactReviewCompleted = "pir.completed"
)

// Facts lists every fact that an incident may have.
func Facts() []string {
	var all []string
	for _, m := range Milestones() {
		all = append(all, m.Fact())
	}
	return append(all, FactUpdated, FactAwaitsUpdate, FactReopened, FactAssessed, FactWithdrawn, FactReviewOpened, FactReviewCompleted)
}

// Alert is an alert as it was read.
type Alert struct {
	paging.Alert
	// Gone: the pager does not know it any more.
	Gone bool `json:"gone,omitempty"`
	// Times are when things were done to it, as its log tells.
	Times Times `json:"times,omitzero"`
}

// Moment is when a milestone was reached, and how that is known.
type Moment struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"` // "alert", "tag", "note", "status", "comment", "playbook"
	// Fact is the ID of the fact that says so: a correction replaces it.
	Fact string `json:"fact"`
}

// Record is an incident.
type Record struct {
	ID       ID        `json:"id"`
	Severity Severity  `json:"severity"`
	Reason   string    `json:"reason"` // why it is as severe as that, in the policy's words
	Recorded time.Time `json:"recorded"`
	// Ticket is the incident's ticket, empty while it has none.
	Ticket   ticket.Key `json:"ticket,omitempty"`
	TicketID ticket.ID  `json:"ticketID,omitempty"`
	// TicketGone: Jira does not know the ticket any more.
	TicketGone bool `json:"ticketGone,omitempty"`
	// Alerts are those of the incident, the first that was known first.
	Alerts []paging.AlertID `json:"alerts,omitempty"`
	// Milestones are those that were reached.
	Milestones map[Milestone]Moment `json:"milestones"`
	// Round counts from 1; each time the incident is opened again it is one more.
	Round    int       `json:"round"`
	Reopened time.Time `json:"reopened,omitzero"`
	// Withdrawn is when nothing was left of it in the vendors before it was closed; zero otherwise.
	Withdrawn time.Time `json:"withdrawn,omitzero"`
	// Backfilled: it was over before sopd looked after incidents. Nothing is opened, said or paged for it.
	Backfilled bool     `json:"backfilled,omitempty"`
	Updates    []Update `json:"updates,omitempty"` // by time
	// Handled are the orders that were dealt with, by [Order.Ref].
	Handled map[string]bool `json:"handled,omitempty"`
	Runs    []Run           `json:"runs,omitempty"`
	Review  Review          `json:"review,omitzero"`
	// Flags say what does not add up, each once.
	Flags []Flag `json:"flags,omitempty"`
}

// Update is one time when those with a stake were told how the incident stands.
type Update struct {
	Ref string    `json:"ref"` // the order that said so
	At  time.Time `json:"at"`  // when it was written
}

// Review is how far the post-incident review is.
type Review struct {
	Ticket    ticket.Key `json:"ticket,omitempty"` // empty until it is open
	Opened    time.Time  `json:"opened,omitzero"`  // when it was called for; zero: it is not
	Due       time.Time  `json:"due,omitzero"`     // the last day, as midnight UTC
	Completed time.Time  `json:"completed,omitzero"`
	Missing   []string   `json:"missing,omitempty"` // what the ticket lacks, by the names of the fields
}

// FlagKind is in what an incident does not add up.
type FlagKind string

// The kinds of flag.
const (
	NoPriority    FlagKind = "no-priority"    // an alert came without one
	TicketDeleted FlagKind = "ticket-deleted" // Jira does not know the incident's ticket any more
	AlertDeleted  FlagKind = "alert-deleted"  // the pager does not know the alert any more
	BeforeStart   FlagKind = "before-start"   // a milestone lies before the detection
	InFuture      FlagKind = "in-future"      // a milestone lies ahead
	EstimatedTime FlagKind = "estimated-time" // a milestone's time is that of the alert's last change: no record of its own is left
	UnknownAlert  FlagKind = "unknown-alert"  // the ticket names an alert that does not exist
	Refused       FlagKind = "refused"        // somebody asked for what they may not
	Altered       FlagKind = "altered"        // somebody changed what had been written for sopd
)

// Flag is something that does not add up. The incident is kept, and what the flag is about is not counted.
type Flag struct {
	Kind FlagKind  `json:"kind"`
	Ref  string    `json:"ref"`  // what it is about: an alert, a milestone, an order
	Text string    `json:"text"` // for people
	At   time.Time `json:"at"`   // when it was noticed
}

// Reached reports whether the milestone was reached.
func (r Record) Reached(m Milestone) bool { return !r.Milestones[m].At.IsZero() }

// Live reports whether something is still to happen: the incident is not closed, or its review is not complete.
func (r Record) Live() bool {
	if !r.Withdrawn.IsZero() {
		return false
	}
	return !r.Reached(Closed) || !r.Review.Opened.IsZero() && r.Review.Completed.IsZero()
}

// Parts returns the alerts and the ticket that belong to the incident, by their names as parts.
func (r Record) Parts() []string {
	var parts []string
	for _, id := range r.Alerts {
		parts = append(parts, AlertPart(id))
	}
	if r.TicketID != "" {
		parts = append(parts, TicketPart(r.TicketID))
	}
	return parts
}

// Has reports whether the alert belongs to the incident.
func (r Record) Has(id paging.AlertID) bool { return slices.Contains(r.Alerts, id) }

// Doubt adds a flag, once.
func (r *Record) Doubt(f Flag) {
	same := func(o Flag) bool { return o.Kind == f.Kind && o.Ref == f.Ref }
	if !slices.ContainsFunc(r.Flags, same) {
		r.Flags = append(r.Flags, f)
	}
}

// Step is one thing that a playbook run does to one account.
type Step struct {
	Kind  change.Kind    `json:"kind"`
	User  access.UserID  `json:"user"`
	Group access.GroupID `json:"group,omitempty"`
	// Change is the confirmed change that did it; empty until then, and for a step that needed none.
	Change change.ID `json:"change,omitempty"`
	// Left says why the step is not done by sopd, for people; empty otherwise.
	Left string `json:"left,omitempty"`
	// Done: it is so, by the change or already before.
	Done bool `json:"done,omitempty"`
}

// Run is a playbook that an authorised person has confirmed for one incident.
type Run struct {
	Ref      string         `json:"ref"`      // the order that confirmed it
	Playbook string         `json:"playbook"` // by name
	By       access.UserID  `json:"by"`       // who confirmed it
	At       time.Time      `json:"at"`       // when sopd took it on
	User     access.UserID  `json:"user,omitempty"`
	Group    access.GroupID `json:"group,omitempty"`
	Steps    []Step         `json:"steps"`             // all that it does
	Finished time.Time      `json:"finished,omitzero"` // when every step was done or left to people
}

// Whole reports whether every step is done or left to people.
func (r Run) Whole() bool {
	return !slices.ContainsFunc(r.Steps, func(s Step) bool { return !s.Done && s.Left == "" })
}
