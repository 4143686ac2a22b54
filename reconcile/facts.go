package reconcile

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// The facts that the access procedures record, as the clocks of policies name them. The subject of a request is its
// ticket; that of a leaver is the offboarding ticket, or the user whom Okta shows as deactivated.
const (
	FactRequested   = "request.requested"   // a ticket that asks for access was raised
	FactApproved    = "request.approved"    // the last required approval was completed
	FactProvisioned = "request.provisioned" // the last membership was read back
	FactValidated   = "request.validated"   // the requester said that it works
	FactLeft        = "leaver.left"         // a leaver's access should have ended
	FactRemoved     = "leaver.removed"      // the last removal was read back

	FactRevocationRequested = "revocation.requested" // a ticket that takes access away was raised
	FactRevocationRemoved   = "revocation.removed"   // its last removal was read back
	// FactRated begins the names of the facts that tell how satisfied a customer was; the number of 1 to 5 follows.
	FactRated = "ticket.rated."

	FactGranted  = "break-glass.granted"  // emergency access was read back
	FactReviewed = "break-glass.reviewed" // somebody found it justified
)

// observed is one fact to be recorded.
type observed struct {
	subject  string
	name     string
	at       time.Time
	severity string
	change   change.ID
	ticket   ticket.Key
}

// putFact records a fact once, with its ledger entry.
func putFact(tx *store.Tx, o observed, now time.Time) error {
	return putFactAs(tx, o.subject+"/"+o.name, o, now)
}

// putFactAs records a fact of the ID, which may happen to the subject more than once.
func putFactAs(tx *store.Tx, id string, o observed, now time.Time) error {
	f := kpi.Fact{
		ID: id, Subject: o.subject, Name: o.name, At: o.at.UTC(), Recorded: now, Source: "pass",
		Severity: o.severity, Change: string(o.change),
	}
	fresh, err := tx.PutFacts([]kpi.Fact{f})
	if err != nil || len(fresh) == 0 {
		return err
	}
	_, err = tx.Append(ledger.Entry{Kind: ledger.FactRecorded, At: now, Change: o.change, Ticket: o.ticket, Body: f})
	return err
}

// requested records the beginning of a request's clocks as soon as the ticket says what it wants, and its approval.
func (c *conclusion) requested(tx *store.Tx, j judged) error {
	base := observed{subject: string(j.ticket.Key), severity: severity(j), ticket: j.ticket.Key}
	asked := base
	asked.name, asked.at = FactRequested, j.ticket.Created
	if err := putFact(tx, asked, c.view.observation.Now); err != nil || !j.proven() {
		return err
	}
	approved := base
	approved.name, approved.at = FactApproved, j.verdict.Approved
	return putFact(tx, approved, c.view.observation.Now)
}

// fulfilled records that the access of a request is there: when its last change was read back, or when it was approved if
// nothing had to change.
func (c *conclusion) fulfilled(tx *store.Tx, j judged, changes []change.Change) error {
	at, id := last(changes, j.verdict.Approved)
	return putFact(tx, observed{
		subject: string(j.ticket.Key), name: FactProvisioned, at: at, severity: severity(j), change: id, ticket: j.ticket.Key,
	}, c.view.observation.Now)
}

// validated records when the ticket came into the status in which its requester has validated it.
func (c *conclusion) validated(tx *store.Tx, j judged) error {
	at := j.ticket.Updated
	for _, e := range j.ticket.History {
		if strings.EqualFold(e.Field, "status") && slices.Contains(j.sop.Tickets.Validated, e.ToText) {
			at = e.At
		}
	}
	return putFact(tx, observed{
		subject: string(j.ticket.Key), name: FactValidated, at: at, severity: severity(j), ticket: j.ticket.Key,
	}, c.view.observation.Now)
}

// rated records how satisfied the customer of a ticket was. Whoever says it twice is counted by the last word in each period.
func rated(tx *store.Tx, t ticket.Ticket, now time.Time) error {
	if t.Rating == 0 {
		return nil
	}
	at := t.Rated
	if at.IsZero() {
		at = t.Updated
	}
	known, err := tx.Facts(string(t.Key))
	if err != nil {
		return err
	}
	o := observed{subject: string(t.Key), ticket: t.Key, name: FactRated + strconv.Itoa(t.Rating), at: at}
	for _, f := range known {
		if f.Name == o.name && (t.Rated.IsZero() || f.At.Equal(at)) {
			return nil // a ticket that changes otherwise is not rated again
		}
	}
	return putFactAs(tx, o.subject+"/"+o.name+"/"+at.UTC().Format(time.RFC3339), o, now)
}

// gone records that a leaver's access, or what a revocation names, has ended.
func (c *conclusion) gone(tx *store.Tx, j judged, changes []change.Change) error {
	at, id := last(changes, j.effective())
	removed := observed{subject: string(j.ticket.Key), ticket: j.ticket.Key, name: FactRemoved, at: at, change: id}
	if j.sop.Kind == policies.KindRevocation {
		removed.name, removed.severity = FactRevocationRemoved, revocationSeverity(j)
	}
	return putFact(tx, removed, c.view.observation.Now)
}

// revoking records the beginning of a revocation's clock, as soon as the ticket says what it is about.
func (c *conclusion) revoking(tx *store.Tx, j judged) error {
	return putFact(tx, observed{
		subject: string(j.ticket.Key), ticket: j.ticket.Key, name: FactRevocationRequested, at: j.ticket.Created, severity: revocationSeverity(j),
	}, c.view.observation.Now)
}

// Urgent is the severity of revocations that their tickets mark so; the others have the risk of their system.
const Urgent = "urgent"

func revocationSeverity(j judged) string {
	if j.sop.Urgent.Marks(j.ticket) {
		return Urgent
	}
	return severity(j)
}

// departures records the clocks of everybody who leaves: from an offboarding ticket when it takes effect, and from Okta's
// own deactivation until nothing is left that sopd manages.
func (c *conclusion) departures(tx *store.Tx) error {
	now := c.view.observation.Now
	var begun []departure
	for _, l := range c.view.observation.Leavers {
		subject := leaverSubject(l)
		if l.Reason == change.Deprovisioned && !c.manageable(l.User) {
			continue
		}
		since := l.Since
		if since.IsZero() { // Okta does not say; the first sight stays
			since = now
		}
		if last := c.lastDay(l.Ticket); !last.IsZero() {
			since = last
		}
		begun = append(begun, departure{subject, l.User, l.Ticket})
		if err := putFact(tx, observed{
			subject: subject, name: FactLeft, at: since, ticket: l.Ticket,
		}, now); err != nil {
			return err
		}
	}
	if err := c.deactivated(tx); err != nil {
		return err
	}
	return c.returns(tx, begun)
}

// lastDay returns when the ticket says that its leaver leaves, zero when it does not. The promise runs from there, also when
// the ticket was raised or approved too late to keep it.
func (c *conclusion) lastDay(key ticket.Key) time.Time {
	for _, j := range c.view.cases {
		if key != "" && j.ticket.Key == key {
			return j.verdict.Request.Effective
		}
	}
	return time.Time{}
}

func leaverSubject(l plan.Leaver) string {
	if l.Ticket != "" {
		return string(l.Ticket)
	}
	return string(l.User) + "@" + l.Since.UTC().Format(time.RFC3339)
}

// manageable reports whether anything is planned or under way for the user: without that there is nothing to clock.
func (c *conclusion) manageable(id access.UserID) bool { return c.open[id] > 0 }

// deactivated stops the clocks of users whom Okta deactivated and for whom nothing is left to remove, on whoever's word it
// was removed.
func (c *conclusion) deactivated(tx *store.Tx) error {
	recent, err := tx.ChangesSince(c.view.observation.Now.Add(-witnessWindow))
	if err != nil {
		return err
	}
	byUser := make(map[access.UserID][]change.Change)
	for _, ch := range recent {
		if ch.Kind == change.RemoveMember && ch.State == change.Confirmed {
			byUser[ch.User] = append(byUser[ch.User], ch)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byUser)) {
		user, _, err := tx.User(id)
		if err != nil {
			return err
		}
		if c.open[id] > 0 || user.Status != access.Deprovisioned {
			continue
		}
		if err := c.departed(tx, user, byUser[id]); err != nil {
			return err
		}
	}
	return nil
}

// departed stops the clock of one deactivated user, with the removals since. Removals on other evidence stop a clock that
// runs, and start none.
func (c *conclusion) departed(tx *store.Tx, user access.User, changes []change.Change) error {
	left := user.StatusChanged
	changes = slices.DeleteFunc(changes, func(ch change.Change) bool { return ch.Intended.Before(left.Add(-clockSkew)) })
	subject := leaverSubject(plan.Leaver{User: user.ID, Since: left})
	facts, err := tx.Facts(subject)
	if err != nil {
		return err
	}
	started := slices.ContainsFunc(facts, func(f kpi.Fact) bool { return f.Name == FactLeft })
	own := slices.ContainsFunc(changes, func(ch change.Change) bool { return ch.Reason == change.Deprovisioned })
	if len(changes) == 0 || !started && !own {
		return nil
	}
	if left.IsZero() { // Okta does not say since when
		left = changes[0].Intended
	}
	at, last := last(changes, left)
	for _, o := range []observed{
		{subject: subject, name: FactLeft, at: left},
		{subject: subject, name: FactRemoved, at: at, change: last},
	} {
		if err := putFact(tx, o, c.view.observation.Now); err != nil {
			return err
		}
	}
	return nil
}

// last returns when the last of the changes was settled, and its ID; with no change the fallback.
func last(changes []change.Change, fallback time.Time) (at time.Time, id change.ID) {
	at = fallback
	for _, ch := range changes {
		if ch.Settled.After(at) || id == "" {
			at, id = ch.Settled, ch.ID
		}
	}
	return at, id
}

// severity of a request is the highest risk among the systems that it asks for.
func severity(j judged) string {
	rank := map[catalog.Risk]int{catalog.Low: 1, catalog.Medium: 2, catalog.High: 3}
	var highest catalog.Risk
	for _, w := range j.verdict.Request.Wanted {
		if rank[w.System.Risk] > rank[highest] {
			highest = w.System.Risk
		}
	}
	return string(highest)
}
