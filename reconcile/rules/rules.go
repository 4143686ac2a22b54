// Package rules re-derives, from what the vendors show now, the store and the ledger, whether the rules that must never
// break were kept.
//
// It shares no decision with the loop that it watches: it looks at what became true and asks what allowed it. Rules that
// leave no trace in any state are not checked here, and [Left] names them with the reason.
package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// Truth is what the vendors hold, read from them directly and not through sopd.
type Truth struct {
	// At is when the vendors were looked at, before the store is read; what sopd recorded afterwards is not held against
	// them. Zero: nothing happened in between.
	At time.Time
	// Actor is who sopd's writes show as in the System Log: a user ID, or the client ID of a service app.
	Actor string
	// Account is sopd's own account in Jira; empty: comments count whoever wrote them.
	Account ticket.AccountID
	Users   []access.User  // all of them, deactivated ones too
	Groups  []access.Group // at least those of the catalog
	// Fed holds the groups that an active rule feeds, and since when; the zero time: always.
	Fed map[access.GroupID]time.Time
	// Members holds who is in each group, in any order.
	Members map[access.GroupID][]access.UserID
	// Events is the System Log, in the order of arrival. Types that no rule asks for may be left out: the rules ask for
	// memberships, suspensions, deactivations and ends of sessions.
	Events []access.Event
	// Comments holds what stands on the tickets.
	Comments map[ticket.Key][]ticket.Comment
}

// Verdict says whether one rule was kept.
type Verdict struct {
	Rule int    `json:"rule"` // the number in docs/architecture.md, 1 to 13
	Name string `json:"name"` // short and stable, such as "positive-evidence"
	Kept bool   `json:"kept"` // nothing speaks against it
	// Why names up to five breaches, without personal data; empty when the rule was kept.
	Why string `json:"why,omitempty"`
}

// maxNamed bounds how many breaches of one rule a verdict names.
const maxNamed = 5

// skew is how far the vendors' clocks may be behind ours.
const skew = 5 * time.Second

// Check re-derives every rule, in the order of their numbers. The transaction should be a snapshot
// that was opened after the truth was read.
//
// Errors: when the store cannot be read.
func Check(tx *store.Tx, truth Truth, set *policies.Set) ([]Verdict, error) {
	c := &checker{truth: truth, set: set, breaches: make(map[int][]string)}
	if err := c.load(tx); err != nil {
		return nil, err
	}
	steps := []func() error{
		c.evidence, c.authority, c.guards, c.ours, c.intents, func() error { return c.comments(tx) }, c.readBack, c.suspended, c.oneWriter,
		c.private, func() error { return c.complete(tx) }, func() error { return c.hints(tx) }, func() error { return c.shown(tx) }, c.personal,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c.verdicts(), nil
}

// Broken returns what went wrong, empty when every rule was kept.
func Broken(verdicts []Verdict) string {
	var lines []string
	for _, v := range verdicts {
		if !v.Kept {
			lines = append(lines, fmt.Sprintf("rule %d %s: %s", v.Rule, v.Name, v.Why))
		}
	}
	return strings.Join(lines, "\n")
}

// checker holds what the rules look at, indexed.
type checker struct {
	truth Truth
	set   *policies.Set

	users     map[access.UserID]access.User
	people    *people.Directory
	groups    map[access.GroupID]access.Group
	members   map[access.Membership]bool
	changes   []change.Change // by ID, that is by age
	grants    map[change.GrantID]change.Grant
	tickets   map[ticket.Key]ticket.Ticket
	approvals map[ticket.Key][]ticket.Approval
	adopted   map[access.Membership]bool
	holds     map[hold.ID]hold.Hold
	records   []ledger.Record
	granted   map[change.GrantID][]time.Time // when the ledger took each grant in; again where it was voided and approved anew

	breaches map[int][]string
}

// broken notes a breach of a rule.
func (c *checker) broken(rule int, format string, args ...any) {
	c.breaches[rule] = append(c.breaches[rule], fmt.Sprintf(format, args...))
}

func (c *checker) verdicts() []Verdict {
	all := []Verdict{
		{Rule: 1, Name: "positive-evidence"}, {Rule: 2, Name: "whole-or-nothing"}, {Rule: 3, Name: "approval-not-status"},
		{Rule: 4, Name: "guards-first"}, {Rule: 5, Name: "only-ours"}, {Rule: 6, Name: "intent-before-act"}, {Rule: 7, Name: "read-back"},
		{Rule: 8, Name: "suspended-is-not-deactivated"}, {Rule: 9, Name: "one-writer"}, {Rule: 10, Name: "a-webhook-is-a-hint"},
		{Rule: 11, Name: "one-bad-object"}, {Rule: 12, Name: "no-personal-data"}, {Rule: 13, Name: "lateness-never-approves"},
	}
	for i := range all {
		found := c.breaches[all[i].Rule]
		all[i].Kept = len(found) == 0
		if more := len(found) - maxNamed; more > 0 {
			found = append(found[:maxNamed:maxNamed], fmt.Sprintf("and %d more", more))
		}
		all[i].Why = strings.Join(found, "; ")
	}
	return all
}

func (c *checker) load(tx *store.Tx) error {
	c.indexTruth()
	steps := []func(*store.Tx) error{c.loadRecords, c.loadChanges, c.loadTickets, c.loadBaseline, c.loadHolds, c.tree}
	for _, step := range steps {
		if err := step(tx); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) indexTruth() {
	c.users = make(map[access.UserID]access.User, len(c.truth.Users))
	for _, u := range c.truth.Users {
		c.users[u.ID] = u
	}
	c.groups = make(map[access.GroupID]access.Group, len(c.truth.Groups))
	for _, g := range c.truth.Groups {
		c.groups[g.ID] = g
	}
	c.members = make(map[access.Membership]bool)
	for group, ids := range c.truth.Members {
		for _, id := range ids {
			c.members[access.Membership{Group: group, User: id}] = true
		}
	}
	c.people = people.New(c.set.People, c.truth.Users, c.truth.Members)
}

// loadRecords reads the whole ledger. One that is damaged is a breach of rule 6, not an error.
func (c *checker) loadRecords(tx *store.Tx) error {
	c.granted = make(map[change.GrantID][]time.Time)
	err := tx.EachRecord(0, func(r ledger.Record) error {
		c.records = append(c.records, r)
		if r.Kind == ledger.GrantApproved {
			if g, ok := body[change.Grant](r); ok {
				c.granted[g.ID] = append(c.granted[g.ID], r.At)
			}
		}
		return nil
	})
	if errors.Is(err, access.ErrMalformed) {
		c.broken(6, "the ledger is damaged after record %d", len(c.records))
		return nil
	}
	return err
}

func (c *checker) loadChanges(tx *store.Tx) error {
	all, err := tx.ChangesSince(time.Time{})
	if err != nil {
		return err
	}
	c.changes = slices.DeleteFunc(all, func(ch change.Change) bool { return c.later(ch.Intended) })
	// IDs of one millisecond have no order among them.
	slices.SortStableFunc(c.changes, func(a, b change.Change) int {
		return cmp.Or(a.Intended.Compare(b.Intended), cmp.Compare(a.ID, b.ID))
	})
	c.grants = make(map[change.GrantID]change.Grant)
	seen := make(map[access.UserID]bool)
	for _, ch := range c.changes {
		if seen[ch.User] {
			continue
		}
		seen[ch.User] = true
		grants, err := tx.GrantsOf(ch.User)
		if err != nil {
			return err
		}
		for _, g := range grants {
			c.grants[g.ID] = g
		}
	}
	return nil
}

// later reports whether something happened after the vendors were looked at.
func (c *checker) later(at time.Time) bool { return !c.truth.At.IsZero() && at.After(c.truth.At) }

func (c *checker) loadTickets(tx *store.Tx) error {
	c.tickets = make(map[ticket.Key]ticket.Ticket)
	c.approvals = make(map[ticket.Key][]ticket.Approval)
	if err := tx.EachTicket(store.TicketFilter{Gone: true}, func(t ticket.Ticket) error {
		c.tickets[t.Key] = t
		return nil
	}); err != nil {
		return err
	}
	for key := range c.tickets {
		approvals, _, _, err := tx.Approvals(key)
		if err != nil {
			return err
		}
		c.approvals[key] = approvals
	}
	return nil
}

func (c *checker) loadBaseline(tx *store.Tx) error {
	all, err := tx.Baselines()
	c.adopted = make(map[access.Membership]bool, len(all))
	for _, b := range all {
		c.adopted[b.Membership] = true
	}
	return err
}

func (c *checker) loadHolds(tx *store.Tx) error {
	all, err := tx.Holds()
	c.holds = make(map[hold.ID]hold.Hold, len(all))
	for _, h := range all {
		c.holds[h.ID] = h
	}
	return err
}

// tree holds the records against the stored hashes.
func (c *checker) tree(tx *store.Tx) error {
	size, root, err := tx.TreeHash()
	if errors.Is(err, access.ErrMalformed) {
		c.broken(6, "the ledger's hashes are damaged")
		return nil
	}
	if err != nil {
		return err
	}
	var tree ledger.Tree
	for i, r := range c.records {
		if r.Seq != int64(i) {
			c.broken(6, "the ledger has record %d where %d should be", r.Seq, i)
		}
		tree.Append(r.Hash)
	}
	computed, err := tree.Root()
	if err != nil {
		return err
	}
	if size != tree.Size() || computed != root {
		c.broken(6, "the ledger's records do not hash to its root")
	}
	return nil
}

// private looks for the logins and e-mail addresses of the organisation in the ledger.
func (c *checker) private() error {
	personal := make(map[string]bool)
	for _, u := range c.truth.Users {
		for _, text := range []string{u.Login, u.Email} {
			if strings.Contains(text, "@") {
				personal[strings.ToLower(text)] = true
			}
		}
	}
	for _, r := range c.records {
		if !bytes.ContainsRune(r.Canonical, '@') {
			continue
		}
		for _, word := range strings.FieldsFunc(strings.ToLower(string(r.Canonical)), notInAddress) {
			if personal[strings.Trim(word, ".")] {
				c.broken(12, "ledger record %d (%s) holds an address", r.Seq, r.Kind)
				break
			}
		}
	}
	return nil
}

// notInAddress reports whether the character ends an e-mail address.
func notInAddress(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789@.!#$%&'*+-/=?^_`{|}~", r) || r == '{' || r == '}'
}
