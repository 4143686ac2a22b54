package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Collected is what a ledger tells of a period and of everything that was open in it.
type Collected struct {
	Facts []kpi.Fact // all of them: a promise may have begun long before
	// Grants are those that were approved in the period; Ended those that ended in it.
	Grants, Ended []change.Grant
	// Changes are the writes intended in the period, each as it stood at the last record about it.
	Changes []change.Change
	// Refusals counts the requests that were refused in the period.
	Refusals int
	// Raised are the findings of the period, and those that were open when it began and are not cleared by its end.
	Raised []finding.Finding
	// Holds are those that something happened to in the period, each as it stood last.
	Holds []hold.Hold
	// Adopted counts memberships that were accepted without a ticket in the period.
	Adopted int
	// Pages counts the pages that were sent in the period.
	Pages int
	// Decided are the memberships decided about in access reviews in the period.
	Decided []Decided
	// Told counts comments, transitions and attachments on tickets in the period; Opened the tickets that sopd opened.
	Told, Opened int
	// Began is the earliest time that a record or a fact tells of; zero for an empty ledger.
	Began time.Time
	// Records is the number of all records of the ledger, and InPeriod of those that claim a time in the period.
	Records, InPeriod int64
}

// Decided is a decision of an access review.
type Decided struct {
	review.Item
	Review string // ID of the review; empty when the ledger does not tell which one the ticket asked for
}

// Covers reports what keeps a report of the period from telling anything, as an error; nil when it can. A quiet period can be
// reported on: that nothing happened is what it tells.
//
// Errors: [access.ErrNotFound] for a period before the first record, or one that has not begun.
func (c Collected) Covers(p Period, now time.Time) error {
	switch {
	case !p.From.Before(now):
		return fmt.Errorf("the period %s has not begun: %w", p.Name, access.ErrNotFound)
	case c.Records == 0:
		return fmt.Errorf("the ledger is empty: %w", access.ErrNotFound)
	case !c.Began.Before(p.To):
		return fmt.Errorf("nothing is known of %s: what the ledger tells begins on %s: %w", p.Name, c.Began.UTC().Format(time.DateOnly), access.ErrNotFound)
	}
	return nil
}

// Walk calls fn for every record of a ledger, in order.
type Walk func(fn func(ledger.Record) error) error

// Collect reads a ledger once. What lies after the period counts only for what became of what began in it.
//
// Errors: what the walk returns; [access.ErrMalformed] with the number of a record whose body is not what its kind says.
func Collect(walk Walk, p Period) (Collected, error) {
	c := collector{period: p, changes: map[change.ID]int{}, holds: map[hold.ID]int{}, open: map[finding.Key]finding.Finding{}, asked: map[ticket.Key]string{}}
	if err := walk(c.record); err != nil {
		return Collected{}, err
	}
	for _, f := range c.open {
		c.out.Raised = append(c.out.Raised, f)
	}
	slices.SortFunc(c.out.Raised, func(a, b finding.Finding) int {
		return cmp.Or(a.Raised.Compare(b.Raised), cmp.Compare(a.Key, b.Key))
	})
	return c.out, nil
}

type collector struct {
	period  Period
	out     Collected
	changes map[change.ID]int // position in out.Changes
	holds   map[hold.ID]int
	open    map[finding.Key]finding.Finding
	asked   map[ticket.Key]string // the review that each ticket asks for
}

func (c *collector) began(t time.Time) {
	if c.out.Began.IsZero() || t.Before(c.out.Began) {
		c.out.Began = t
	}
}

func (c *collector) within(t time.Time) bool {
	return !t.Before(c.period.From) && t.Before(c.period.To)
}

func (c *collector) record(r ledger.Record) error {
	c.out.Records++
	c.began(r.At)
	in := c.within(r.At)
	if in {
		c.out.InPeriod++
	}
	var err error
	switch r.Kind {
	case ledger.FactRecorded, ledger.FactCorrected:
		err = c.fact(r)
	case ledger.GrantApproved, ledger.GrantEnded:
		err = c.grant(r, in)
	case ledger.ChangeIntended, ledger.ChangeApplied, ledger.ChangeUnconfirmed, ledger.ChangeConfirmed, ledger.ChangeRefused, ledger.ChangeWitnessed:
		err = c.change(r)
	case ledger.FindingRaised, ledger.FindingCleared:
		err = c.finding(r)
	case ledger.HoldMade, ledger.HoldApproved, ledger.HoldCancelled, ledger.HoldUsed:
		err = c.hold(r, in)
	case ledger.TicketOpened:
		err = c.opened(r, in)
	case ledger.ReviewDecided:
		err = c.decided(r, in)
	default:
		c.count(r, in)
	}
	if err != nil {
		return fmt.Errorf("record %d (%s): %w", r.Seq, r.Kind, err)
	}
	return nil
}

// count notes the records of which only the number is told.
func (c *collector) count(r ledger.Record, in bool) {
	if !in {
		return
	}
	switch r.Kind {
	case ledger.RequestRefused:
		c.out.Refusals++
	case ledger.BaselineAdopted:
		c.out.Adopted++
	case ledger.PageSent:
		c.out.Pages++
	case ledger.TicketTold:
		c.out.Told++
	default: // of the others nothing is told
	}
}

func (c *collector) fact(r ledger.Record) error {
	f, err := body[kpi.Fact](r)
	if err == nil {
		c.began(f.At)
		c.out.Facts = append(c.out.Facts, f)
	}
	return err
}

func (c *collector) grant(r ledger.Record, in bool) error {
	g, err := body[change.Grant](r)
	switch {
	case err != nil || !in:
	case r.Kind == ledger.GrantApproved:
		c.out.Grants = append(c.out.Grants, g)
	default:
		c.out.Ended = append(c.out.Ended, g)
	}
	return err
}

// change keeps the last word about every write that was intended in the period.
func (c *collector) change(r ledger.Record) error {
	ch, err := body[change.Change](r)
	if err != nil || !c.within(ch.Intended) {
		return err
	}
	at, known := c.changes[ch.ID]
	if !known {
		c.changes[ch.ID] = len(c.out.Changes)
		c.out.Changes = append(c.out.Changes, ch)
		return nil
	}
	c.out.Changes[at] = ch
	return nil
}

// finding keeps what was raised before the end of the period and not cleared before its beginning.
func (c *collector) finding(r ledger.Record) error {
	f, err := body[finding.Finding](r)
	if err != nil {
		return err
	}
	if r.Kind == ledger.FindingRaised {
		if f.Raised.Before(c.period.To) {
			c.open[f.Key] = f
		}
		return nil
	}
	raised, known := c.open[f.Key]
	switch {
	case !known || r.At.After(c.period.To):
	case r.At.Before(c.period.From):
		delete(c.open, f.Key)
	default:
		raised.Cleared = r.At
		c.open[f.Key] = raised
	}
	return nil
}

// opened counts a ticket that sopd opened, and notes the access review that it asks for.
func (c *collector) opened(r ledger.Record, in bool) error {
	if in {
		c.out.Opened++
	}
	if r.Body == nil {
		return nil
	}
	effect, err := body[struct {
		Key string `json:"key"`
	}](r)
	if id, asks := strings.CutPrefix(effect.Key, "review/"); asks {
		c.asked[r.Ticket] = id
	}
	return err
}

func (c *collector) decided(r ledger.Record, in bool) error {
	item, err := body[review.Item](r)
	if err == nil && in {
		c.out.Decided = append(c.out.Decided, Decided{Item: item, Review: c.asked[r.Ticket]})
	}
	return err
}

func (c *collector) hold(r ledger.Record, in bool) error {
	h, err := body[hold.Hold](r)
	if err != nil {
		return err
	}
	if at, known := c.holds[h.ID]; known {
		c.out.Holds[at] = h
		return nil
	}
	if in {
		c.holds[h.ID] = len(c.out.Holds)
		c.out.Holds = append(c.out.Holds, h)
	}
	return nil
}

func body[T any](r ledger.Record) (T, error) {
	var v T
	raw, ok := r.Body.(json.RawMessage)
	if !ok {
		return v, fmt.Errorf("has no body: %w", access.ErrMalformed)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("is not understood: %w", access.ErrMalformed)
	}
	return v, nil
}
