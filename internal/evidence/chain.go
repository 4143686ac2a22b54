// Package evidence tells, from the ledger and the mirror, the whole story of a change, a ticket or a user.
package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Chain is the story of one subject: who asked, who consented and why that counted, what was written, what Okta showed.
type Chain struct {
	Subject  string            `json:"subject"` // what was asked about
	Tickets  []Request         `json:"tickets,omitempty"`
	Grants   []change.Grant    `json:"grants,omitempty"`
	Changes  []change.Change   `json:"changes,omitempty"`
	Groups   map[string]string `json:"groups,omitempty"` // names by group ID
	Findings []finding.Finding `json:"findings,omitempty"`
	Facts    []kpi.Fact        `json:"facts,omitempty"`
	Records  []Line            `json:"records"`
}

// Request is a ticket with its approvals as they were last read.
type Request struct {
	Key       ticket.Key        `json:"key"`
	Summary   string            `json:"summary"` // the ticket's title
	Status    string            `json:"status"`  // as it was last read
	Reporter  ticket.AccountID  `json:"reporter"`
	Created   time.Time         `json:"created"`
	Approvals []ticket.Approval `json:"approvals,omitempty"`
}

// Line is one ledger record of the story.
type Line struct {
	Seq    int64           `json:"seq"`  // position in the ledger
	Hash   string          `json:"hash"` // leaf hash, base64
	At     time.Time       `json:"at"`
	Kind   ledger.Kind     `json:"kind"`
	Change change.ID       `json:"change,omitempty"`
	Ticket ticket.Key      `json:"ticket,omitempty"`
	User   access.UserID   `json:"user,omitempty"`
	Group  access.GroupID  `json:"group,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"` // what the record holds, canonical JSON
}

// Of returns the chain of what the text names: a change ID, a ticket key or a user ID.
//
// Errors: [access.ErrInvalid] when it is none of these, [access.ErrNotFound] when nothing is known of it.
func Of(tx *store.Tx, text string) (Chain, error) {
	if id, err := change.ParseID(text); err == nil {
		return OfChange(tx, id)
	}
	if key, err := ticket.ParseKey(text); err == nil {
		return OfTicket(tx, key)
	}
	if id, err := access.ParseUserID(text); err == nil {
		return OfUser(tx, id)
	}
	return Chain{}, fmt.Errorf("%q is neither a change ID (CHG-…), nor a ticket key (ACC-17), nor an Okta user ID: %w", text, access.ErrInvalid)
}

// OfChange returns the chain of one change: its ticket, its grant, and every record about it.
//
// Errors: [access.ErrNotFound].
func OfChange(tx *store.Tx, id change.ID) (Chain, error) {
	c, found, err := tx.Change(id)
	if err != nil {
		return Chain{}, err
	}
	if !found {
		return Chain{}, fmt.Errorf("change %s: %w", id, access.ErrNotFound)
	}
	b := builder{tx: tx, chain: Chain{Subject: string(id), Changes: []change.Change{c}}}
	b.records(tx.RecordsByChange(id))
	if c.Grant != "" {
		b.grant(c.Grant)
	}
	if c.Ticket != "" {
		b.ticket(c.Ticket)
		b.recordsOfKinds(c.Ticket, ledger.GrantApproved, ledger.GrantEnded, ledger.RequestRefused, ledger.TicketTold, ledger.FactRecorded)
		b.decisions(c)
		b.originals(c)
	}
	return b.finish()
}

// OfTicket returns the chain of everything done on a ticket's authority.
//
// Errors: [access.ErrNotFound].
func OfTicket(tx *store.Tx, key ticket.Key) (Chain, error) {
	b := builder{tx: tx, chain: Chain{Subject: string(key)}}
	b.ticket(key)
	b.records(tx.RecordsByTicket(key))
	b.changes(tx.ChangesByTicket(key))
	b.grants(tx.GrantsByTicket(key))
	return b.finish()
}

// OfUser returns the chain of everything done to a user's access.
//
// Errors: [access.ErrNotFound].
func OfUser(tx *store.Tx, id access.UserID) (Chain, error) {
	b := builder{tx: tx, chain: Chain{Subject: string(id)}}
	_, known, err := tx.User(id)
	if err != nil {
		return Chain{}, err
	}
	b.known = known
	b.records(tx.RecordsByUser(id))
	b.changes(tx.ChangesByUser(id))
	b.grants(tx.GrantsOf(id))
	for _, g := range b.chain.Grants {
		b.ticket(g.Ticket)
	}
	b.chain.Findings, err = tx.FindingsAbout(id)
	b.fail(err)
	return b.finish()
}

// builder collects a chain; the first error stays.
type builder struct {
	tx    *store.Tx
	chain Chain
	known bool
	err   error
}

func (b *builder) fail(err error) { b.err = errors.Join(b.err, err) }

func (b *builder) ticket(key ticket.Key) {
	if slices.ContainsFunc(b.chain.Tickets, func(r Request) bool { return r.Key == key }) {
		return
	}
	t, approvals, found, err := b.tx.Ticket(key)
	b.fail(err)
	if !found {
		return
	}
	b.chain.Tickets = append(b.chain.Tickets, Request{
		Key: key, Summary: t.Summary, Status: t.Status, Reporter: t.Reporter.Account, Created: t.Created, Approvals: approvals,
	})
	facts, err := b.tx.Facts(string(key))
	b.fail(err)
	b.chain.Facts = append(b.chain.Facts, facts...)
}

func (b *builder) grant(id change.GrantID) {
	g, found, err := b.tx.Grant(id)
	b.fail(err)
	if found {
		b.chain.Grants = append(b.chain.Grants, g)
		b.ticket(g.Ticket)
	}
}

func (b *builder) grants(all []change.Grant, err error) {
	b.fail(err)
	b.chain.Grants = append(b.chain.Grants, all...)
}

func (b *builder) changes(all []change.Change, err error) {
	b.fail(err)
	b.chain.Changes = append(b.chain.Changes, all...)
}

// decisions adds what an access review decided about the membership of the change.
func (b *builder) decisions(c change.Change) {
	all, err := b.tx.RecordsByTicket(c.Ticket)
	b.records(slices.DeleteFunc(all, func(r ledger.Record) bool {
		return r.Kind != ledger.ReviewDecided || r.User != c.User || r.Group != c.Group
	}), err)
}

// originals adds what the decisions on the change's ticket rested on, and leaves out the events of other changes.
func (b *builder) originals(c change.Change) {
	all, err := b.tx.RecordsByTicket(c.Ticket)
	b.records(slices.DeleteFunc(all, func(r ledger.Record) bool {
		return r.Kind != ledger.OriginalKept || r.Change != "" && r.Change != c.ID
	}), err)
}

func (b *builder) recordsOfKinds(key ticket.Key, kinds ...ledger.Kind) {
	all, err := b.tx.RecordsByTicket(key)
	b.records(slices.DeleteFunc(all, func(r ledger.Record) bool { return !slices.Contains(kinds, r.Kind) }), err)
}

func (b *builder) records(all []ledger.Record, err error) {
	b.fail(err)
	for _, r := range all {
		line := Line{
			Seq: r.Seq, Hash: r.Hash.String(), At: r.At, Kind: r.Kind, Change: r.Change, Ticket: r.Ticket, User: r.User, Group: r.Group,
		}
		if body, ok := r.Body.(json.RawMessage); ok {
			line.Body = body
		}
		b.chain.Records = append(b.chain.Records, line)
	}
}

func (b *builder) finish() (Chain, error) {
	if b.err != nil {
		return Chain{}, b.err
	}
	c := b.chain
	if !b.known && len(c.Records)+len(c.Tickets)+len(c.Changes) == 0 {
		return Chain{}, fmt.Errorf("%s: %w", c.Subject, access.ErrNotFound)
	}
	slices.SortFunc(c.Records, func(x, y Line) int { return int(x.Seq - y.Seq) })
	c.Records = slices.CompactFunc(c.Records, func(x, y Line) bool { return x.Seq == y.Seq })
	c.Groups = make(map[string]string)
	for _, ch := range c.Changes {
		if ch.Group == "" {
			continue
		}
		group, found, err := b.tx.Group(ch.Group)
		if err != nil {
			return Chain{}, err
		}
		if found {
			c.Groups[string(ch.Group)] = group.Name
		}
	}
	return c, nil
}

const stampLayout = "2006-01-02 15:04:05 UTC"

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(stampLayout)
}

// Text returns the chain for a person to read, in the order in which it happened.
func (c Chain) Text() string {
	var w strings.Builder
	fmt.Fprintf(&w, "Evidence for %s\n", c.Subject)
	c.requests(&w)
	c.grantLines(&w)
	c.changeLines(&w)
	c.rest(&w)
	return w.String()
}

func (c Chain) requests(w *strings.Builder) {
	for _, t := range c.Tickets {
		fmt.Fprintf(w, "\nTicket %s: %s\n  raised %s by account %s, status %q\n", t.Key, t.Summary, stamp(t.Created), t.Reporter, t.Status)
		for _, a := range t.Approvals {
			fmt.Fprintf(w, "  approval object %s %q: %s, completed %s\n", a.ID, a.Name, a.Decision, stamp(a.Completed))
			for _, p := range a.Approvers {
				fmt.Fprintf(w, "    account %s: %s\n", p.Person.Account, p.Decision)
			}
		}
	}
}

func (c Chain) grantLines(w *strings.Builder) {
	for _, g := range c.Grants {
		fmt.Fprintf(w, "\nGrant %s\n  %s/%s by %s under %s, fields %.12s\n", g.ID, g.System, g.Role, g.Ticket, g.Policy, g.FieldsHash)
		for _, p := range g.Approvals {
			fmt.Fprintf(w, "  approved as %s by user %s at %s (%s)%s\n", p.Role, p.User, stamp(p.At), p.Eligible, manner(p))
		}
		if !g.Expires.IsZero() {
			fmt.Fprintf(w, "  expires %s\n", stamp(g.Expires))
		}
		if !g.Ended.IsZero() {
			fmt.Fprintf(w, "  ended %s: %s %s\n", stamp(g.Ended), g.EndReason, g.EndTicket)
		}
	}
}

// manner says in whose place the approval was given, how where it was not by an approval object, and what it lifted.
func manner(p change.Proof) string {
	text := ""
	for _, id := range p.Behalf {
		text += fmt.Sprintf(", in the place of user %s", id)
	}
	if p.Transition != "" {
		text += fmt.Sprintf(", by the transition %q", p.Transition)
	}
	if p.Exception != "" {
		text += ", as an exception to the rule " + p.Exception
	}
	return text
}

func (c Chain) changeLines(w *strings.Builder) {
	for _, ch := range c.Changes {
		fmt.Fprintf(w, "\nChange %s: %s\n  user %s", ch.ID, ch.Kind, ch.User)
		if ch.Group != "" {
			fmt.Fprintf(w, ", group %s %s", ch.Group, c.Groups[string(ch.Group)])
		}
		fmt.Fprintf(w, "\n  because of %s %s, under %s\n  plan %.12s\n", ch.Reason, ch.Ticket, ch.Policy, ch.Plan)
		fmt.Fprintf(w, "  intended %s, %s %s\n", stamp(ch.Intended), ch.State, stamp(ch.Settled))
		if ch.Event != "" {
			fmt.Fprintf(w, "  System Log event %s\n", ch.Event)
		}
		if ch.Error != "" {
			fmt.Fprintf(w, "  cause: %s\n", ch.Error)
		}
	}
}

func (c Chain) rest(w *strings.Builder) {
	if len(c.Findings) > 0 {
		fmt.Fprintln(w, "\nFindings")
		for _, f := range c.Findings {
			fmt.Fprintf(w, "  %s %s: %s (cleared %s)\n", stamp(f.Raised), f.Kind, f.Title, stamp(f.Cleared))
		}
	}
	if len(c.Facts) > 0 {
		fmt.Fprintln(w, "\nClocks")
		for _, f := range c.Facts {
			fmt.Fprintf(w, "  %s %s %s\n", stamp(f.At), f.Name, f.Change)
		}
	}
	c.originalLines(w)
	fmt.Fprintln(w, "\nLedger")
	for _, l := range c.Records {
		fmt.Fprintf(w, "  #%d %s %-18s %s %s\n", l.Seq, stamp(l.At), l.Kind, l.Change, l.Hash)
	}
}

// originalLines tells what the decisions rested on, as the vendors sent it.
func (c Chain) originalLines(w *strings.Builder) {
	headed := false
	for _, l := range c.Records {
		var body original.Body
		if l.Kind != ledger.OriginalKept || json.Unmarshal(l.Body, &body) != nil {
			continue
		}
		if !headed {
			fmt.Fprintln(w, "\nRested on, as the vendors sent it (sopd evidence export --originals)")
			headed = true
		}
		for _, ref := range body.Originals {
			fmt.Fprintf(w, "  %-14s %s, read %s, SHA-256 %s\n", ref.Kind, ref.ID, stamp(ref.ReadAt), ref.SHA256)
		}
	}
}
