// Package procedures runs the procedures that live in tickets: it records the facts that their histories give, says what is
// missing on them, and opens what has to be done again after a time.
package procedures

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/procedure"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

// FindingIncomplete says that a ticket stands where everything has to be there, and is not.
const FindingIncomplete finding.Kind = "incomplete"

// cursor holds how far the readings of tickets were looked at, and under which policies.
const cursor = "procedures"

// batch is how many tickets are looked at in one transaction.
const batch = 200

// Stage takes part in every pass.
type Stage struct{ Policies *policies.Set }

// Name tells it from the others.
func (*Stage) Name() string { return "procedures" }

// Kinds lists the findings that it raises.
func (*Stage) Kinds() []finding.Kind { return []finding.Kind{FindingIncomplete} }

// Demand returns nothing: a procedure in tickets decides about no access.
func (*Stage) Demand(*store.Tx, time.Time) (reconcile.Demand, error) { return reconcile.Demand{}, nil }

// Observe looks at every ticket that was read since it last looked, and at all of them when a policy has changed.
func (s *Stage) Observe(ctx context.Context, w reconcile.Round) error {
	if len(s.Policies.Procedures) == 0 {
		return nil
	}
	for more := true; more; {
		err := w.Store(ctx, func(tx *store.Tx) error {
			var err error
			more, err = s.look(tx, w.Now)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// version tells the policies apart that a reading rests on.
func (s *Stage) version() string {
	var ids []string
	for _, p := range s.Policies.Procedures {
		ids = append(ids, p.Policy)
	}
	return reconcile.Fingerprint(strings.Join(ids, " "))
}

// look looks at one batch of tickets.
func (s *Stage) look(tx *store.Tx, now time.Time) (more bool, err error) {
	value, at, _, err := tx.Cursor(cursor)
	if err != nil {
		return false, err
	}
	version, id, _ := strings.Cut(string(value), "/")
	place := store.Place{At: at, ID: ticket.ID(id)}
	if version != s.version() {
		place = store.Place{}
	}
	tickets, last, err := tx.TicketsRead(place, batch)
	if err != nil || len(tickets) == 0 {
		return false, err
	}
	began, err := reconcile.Began(tx, now)
	if err != nil {
		return false, err
	}
	r := reader{stage: s, tx: tx, now: now, began: began}
	for _, t := range tickets {
		i := slices.IndexFunc(s.Policies.Procedures, func(p procedure.Procedure) bool { return p.Match.Ticket(t) })
		if i < 0 {
			continue
		}
		if err := r.read(s.Policies.Procedures[i], t); err != nil {
			return false, fmt.Errorf("ticket %s: %w", t.Key, err)
		}
	}
	return len(tickets) == batch, tx.SetCursor(cursor, access.Cursor(s.version()+"/"+string(last.ID)), last.At)
}

// reader reads tickets in one transaction.
type reader struct {
	stage  *Stage
	tx     *store.Tx
	now    time.Time
	began  time.Time
	people *people.Directory // nil until a ticket needs it
}

// read records what one ticket says.
func (r *reader) read(p procedure.Procedure, t ticket.Ticket) error {
	document, _ := r.stage.Policies.Document(p.Name)
	past := t.Done && t.Updated.Before(r.began)
	if past && t.Updated.Before(r.began.Add(-document.Backfill)) {
		return nil
	}
	approvals, _, _, err := r.tx.Approvals(t.Key)
	if err != nil {
		return err
	}
	if r.people == nil && len(p.Approvals) > 0 {
		if r.people, err = reconcile.People(r.tx, r.stage.Policies); err != nil {
			return err
		}
	}
	reading := p.Read(t, approvals, procedure.World{People: r.people, Now: r.now})
	if err := r.facts(p, t, reading.Facts); err != nil {
		return err
	}
	return r.proceed(p, t, reading, past)
}

func (r *reader) facts(p procedure.Procedure, t ticket.Ticket, wanted []kpi.Fact) error {
	known, err := r.tx.Facts(string(t.Key))
	if err != nil {
		return err
	}
	names := p.Names()
	for i := range wanted {
		wanted[i].Backfilled = wanted[i].At.Before(r.began)
	}
	fresh := procedure.Reconcile(known, wanted, r.now, func(name string) bool { return name == "severity" || slices.Contains(names, name) })
	_, err = r.tx.RecordFacts(t.Key, fresh...)
	return err
}

// proceed keeps where the ticket stands, and when it is to be looked at again.
func (r *reader) proceed(p procedure.Procedure, t ticket.Ticket, reading procedure.Reading, past bool) error {
	before, _, err := r.tx.Proceeding(p.Name, t.Key)
	if err != nil {
		return err
	}
	now := store.Proceeding{
		SOP: p.Name, Ticket: t.Key, Standing: store.Early, Severity: reading.Severity, Missing: reading.Missing, Broken: reading.Broken, Turn: before.Turn,
	}
	switch {
	case !reading.Gated:
	case reading.Complete():
		now.Standing = store.Complete
	case past:
		now.Standing = store.Past
	default:
		now.Standing = store.Lacking
	}
	if p.Reassess != nil {
		now.Next = nextTurn(*p.Reassess, reading.Facts, before.Turn)
	}
	return r.tx.PutProceeding(now)
}

// nextTurn returns when the subject is to be assessed again, zero when it has not come that far.
func nextTurn(r procedure.Reassess, facts []kpi.Fact, turns int) time.Time {
	var since time.Time
	for _, f := range facts {
		if f.Name == r.After && f.At.After(since) {
			since = f.At
		}
	}
	if since.IsZero() {
		return since
	}
	return since.AddDate(0, r.Months*(turns+1), 0)
}

// Conclude says on each ticket what it lacks, and opens what is to be done again.
func (s *Stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	lacking, err := tx.ProceedingsLacking()
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	for _, p := range lacking {
		x, known := s.Policies.Procedure(p.SOP)
		if !known {
			continue // its policy was taken away
		}
		found = append(found, incomplete(x, p, w.Now))
		if !w.Write {
			continue
		}
		text := lackingText(p)
		if _, err := tx.PutEffect(reconcile.Comment(p.Ticket, "lacking/"+reconcile.Fingerprint(text), text, w.Now)); err != nil {
			return nil, err
		}
	}
	return found, s.reassess(tx, w)
}

func incomplete(x procedure.Procedure, p store.Proceeding, now time.Time) finding.Finding {
	f := finding.Finding{
		Key: finding.Key(string(FindingIncomplete) + "/" + string(p.Ticket)), Kind: FindingIncomplete, Ticket: p.Ticket, Owner: x.Owner, Raised: now,
		Title: fmt.Sprintf("a ticket of %s lacks what the procedure asks for", p.SOP), Detail: map[string]string{"sop": p.SOP},
	}
	if len(p.Missing) > 0 {
		f.Detail["missing"] = strings.Join(p.Missing, "; ")
	}
	if len(p.Broken) > 0 {
		f.Detail["broken"] = strings.Join(p.Broken, "; ")
	}
	return f
}

func lackingText(p store.Proceeding) string {
	var b strings.Builder
	if len(p.Missing) > 0 {
		fmt.Fprintf(&b, "The procedure %s asks for this, and it is not on the ticket:%s", p.SOP, reconcile.Bullets(p.Missing))
	}
	if len(p.Broken) > 0 {
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, "The result does not keep what %s promises:%s", p.SOP, reconcile.Bullets(p.Broken))
	}
	return b.String()
}

// reassess opens the tickets that are due. Of several turns that a long absence left behind the newest is opened.
func (s *Stage) reassess(tx *store.Tx, w reconcile.Round) error {
	if !w.Write {
		return nil
	}
	due, err := tx.ProceedingsDue(w.Now)
	if err != nil {
		return err
	}
	for _, p := range due {
		x, known := s.Policies.Procedure(p.SOP)
		if !known || x.Reassess == nil {
			continue
		}
		for !p.Next.After(w.Now) {
			p.Turn++
			p.Next = p.Next.AddDate(0, x.Reassess.Months, 0)
		}
		if _, err := tx.PutEffect(reassessment(*x.Reassess, x.Policy, p, w.Now)); err != nil {
			return err
		}
		if err := tx.PutProceeding(p); err != nil {
			return err
		}
	}
	return nil
}

func reassessment(r procedure.Reassess, policy string, p store.Proceeding, now time.Time) change.Effect {
	name := fmt.Sprintf("%s/reassess/%d", p.Ticket, p.Turn)
	return change.Effect{Key: name, Kind: change.Open, Created: now, New: &ticket.New{
		Project: r.Project, Type: r.Type, Summary: fmt.Sprintf("%s (%s)", r.Summary, p.Ticket), Labels: []string{"sopd-reassessment"},
		Description: fmt.Sprintf("%s asks for this every %d months after %s. It is turn %d for %s.", policy, r.Months, r.After, p.Turn, p.Ticket),
		Marker:      "sopd-reassess-" + strings.ToLower(string(p.Ticket)) + "-" + fmt.Sprint(p.Turn),
	}}
}
