package evidence

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Comparison is the outcome of holding System Log, tickets and ledger against each other. Events and changes are those of
// the period; memberships, grants and tickets are as they were last read before the export was made.
type Comparison struct {
	Events      int64            `json:"events"`      // System Log events on members of managed groups
	Ours        int64            `json:"ours"`        // of these, the ones that the ledger has a change for
	Changes     int64            `json:"changes"`     // confirmed additions and removals in the ledger
	Shown       int64            `json:"shown"`       // of these, the ones that the System Log shows
	Memberships int64            `json:"memberships"` // in managed groups
	Granted     int64            `json:"granted"`     // of these, the ones with a live grant
	Accepted    int64            `json:"accepted"`    // of these, the ones accepted without a ticket
	Grants      int64            `json:"grants"`      // live ones on managed groups
	Tickets     int64            `json:"tickets"`     // approved requests for access that were updated in the period
	Orphans     map[Orphan]int64 `json:"orphans"`     // what one source shows and another does not, by kind
}

// Orphan is what one source shows and another does not.
type Orphan string

// The kinds of orphan.
const (
	ChangedByOthers  Orphan = "changed by others"                     // an event without a change of ours
	NotInSystemLog   Orphan = "change not in the System Log"          // a confirmed change without an event
	AccessNoTicket   Orphan = "access without a ticket"               // a member whom no ticket ever entitled
	AccessForeign    Orphan = "access by a group rule or application" // a member of a group that others fill too
	AccessEnded      Orphan = "access of a closed ticket"             // a member whose grant has ended
	AccessExpired    Orphan = "access of an expired ticket"           // a member whose grant ran out
	AccessOfLeaver   Orphan = "access of a deactivated user"          // a member whom Okta shows as deactivated
	AcceptedTooLong  Orphan = "accepted access past its review"       // an exception that should have been reviewed
	TicketNoAccess   Orphan = "ticket without access"                 // a live grant whose user is no member
	TicketNoDecision Orphan = "approved ticket without a grant"       // neither granted nor refused
	TicketGone       Orphan = "access of a ticket that is gone"       // a live grant whose ticket Jira does not have
	TicketUnreadable Orphan = "ticket that could not be read"         // in no comparison
	GroupUnmanaged   Orphan = "grant on a group not managed now"      // cannot be compared
	EventUnmatchable Orphan = "event on a managed group, no user"     // cannot be compared
)

// Orphans returns the kinds in the order of the report.
func Orphans() []Orphan {
	return []Orphan{
		AccessNoTicket, AccessForeign, AccessEnded, AccessExpired, AccessOfLeaver, AcceptedTooLong, TicketGone, TicketNoAccess, TicketNoDecision,
		ChangedByOthers, NotInSystemLog, TicketUnreadable, GroupUnmanaged, EventUnmatchable,
	}
}

// orphan is a row of the comparison.
type orphan struct {
	kind   Orphan
	member access.Membership
	ticket ticket.Key
	change change.ID
	event  access.EventID
	at     time.Time
	detail string
}

// comparer makes the comparison.
type comparer struct {
	*exporter
	result  *Comparison
	table   *table
	others  *table // changes by others, with who made them
	managed map[access.GroupID]bool
	foreign map[access.GroupID]bool              // managed groups that a rule or an application fills too
	live    map[access.Membership][]change.Grant // live grants on managed groups
	shown   []orphan                             // the first ones, for the index
}

// maxShown is how many orphans the index lists; comparison.csv has all.
const maxShown = 1000

// newComparer begins the comparison.
func (e *exporter) newComparer() (*comparer, error) {
	t, err := e.folder.table(FileComparison, []string{
		"orphan", "user", "login", "group", "group_name", "ticket", "change", "system_log_event", "at", "detail",
	})
	if err != nil {
		return nil, err
	}
	others, err := e.folder.table(FileOthers, []string{"system_log_event", "at", "type", "actor_type", "actor", "user", "login", "group", "group_name"})
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	c := &comparer{exporter: e, table: t, others: others, result: &Comparison{Orphans: make(map[Orphan]int64)}, managed: make(map[access.GroupID]bool)}
	for _, g := range e.options.Groups {
		c.managed[g.ID] = true
	}
	e.manifest.Comparison = c.result
	return c, nil
}

// finish writes the System Log events of the period, and every orphan that the records did not show.
func (c *comparer) finish() error {
	for _, step := range []func() error{c.writeEvents, c.events, c.grants, c.members, c.tickets, c.unreadable} {
		if err := step(); err != nil {
			return err
		}
	}
	c.orphans = c.shown
	return nil
}

func (c *comparer) orphan(o orphan) error {
	c.result.Orphans[o.kind]++
	if len(c.shown) < maxShown {
		c.shown = append(c.shown, o)
	}
	login, err := c.login(o.member.User)
	if err != nil {
		return err
	}
	group, _, err := c.tx.Group(o.member.Group)
	if err != nil {
		return err
	}
	return c.table.row(string(o.kind), string(o.member.User), login, string(o.member.Group), group.Name, string(o.ticket),
		string(o.change), string(o.event), iso(o.at), o.detail)
}

// The System Log's names of what happens to members.
//
// Source: Okta event type catalogue 2026.08.1.
const (
	memberAdded   = "group.user_membership.add"
	memberRemoved = "group.user_membership.remove"
	// What a departure may rest on.
	userDeactivated = "user.lifecycle.deactivate"
	userSuspended   = "user.lifecycle.suspend"
)

// writeEvents writes the events of the period on managed groups, and those that departures rest on. They are read from that file again: while the store tells
// one, it cannot be asked for anything else.
func (c *comparer) writeEvents() error {
	out, err := c.folder.jsonLines(FileEvents)
	if err != nil {
		return err
	}
	put := func(event access.Event) error {
		line, err := c.eventLine(event)
		if err != nil {
			return err
		}
		return out.put(line)
	}
	err = c.tx.EachSentEventSince(c.manifest.From, func(event access.Event) error {
		switch {
		case !event.Published.Before(c.manifest.To):
			return errStop
		case event.Type == userDeactivated || event.Type == userSuspended:
			return put(event) // what departures rest on
		case event.Type != memberAdded && event.Type != memberRemoved:
			return nil
		case !slices.ContainsFunc(event.Groups, func(id access.GroupID) bool { return c.managed[id] }):
			return nil
		}
		return put(event)
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return errors.Join(err, out.file.close())
}

// maxLine bounds a line of a file: a record holds a plan at most.
const maxLine = 64 << 20

func (c *comparer) events() error {
	file, err := os.Open(filepath.Join(c.folder.path, FileEvents))
	if err != nil {
		return unwritable(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var event access.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return fmt.Errorf("own file of events: %w", access.ErrMalformed)
		}
		if err := c.event(event); err != nil {
			return err
		}
	}
	if lines.Err() != nil {
		return unwritable(lines.Err())
	}
	return nil
}

// event looks for a change of ours behind an event.
func (c *comparer) event(event access.Event) error {
	if !event.Succeeded || event.Type != memberAdded && event.Type != memberRemoved {
		return nil
	}
	c.result.Events++
	if len(event.Users) == 0 {
		return c.orphan(orphan{kind: EventUnmatchable, event: event.ID, at: event.Published, member: access.Membership{Group: event.Groups[0]}})
	}
	ours := true
	for _, user := range event.Users {
		changes, err := c.tx.ChangesByUser(user)
		if err != nil {
			return err
		}
		for _, group := range event.Groups {
			m := access.Membership{Group: group, User: user}
			if !c.managed[group] || slices.ContainsFunc(changes, func(ch change.Change) bool { return explains(ch, m, event) }) {
				continue
			}
			ours = false
			if err := c.other(event, m); err != nil {
				return err
			}
			err := c.orphan(orphan{kind: ChangedByOthers, member: m, event: event.ID, at: event.Published,
				detail: fmt.Sprintf("%s by %s %s", event.Type, event.Actor.Type, event.Actor.ID)})
			if err != nil {
				return err
			}
		}
	}
	if ours {
		c.result.Ours++
	}
	return nil
}

// other writes a row about a change that somebody else made.
func (c *comparer) other(event access.Event, m access.Membership) error {
	login, err := c.login(m.User)
	if err != nil {
		return err
	}
	group, _, err := c.tx.Group(m.Group)
	if err != nil {
		return err
	}
	return c.others.row(string(event.ID), iso(event.Published), event.Type, event.Actor.Type, event.Actor.ID, string(m.User), login, string(m.Group), group.Name)
}

// A change explains an event that names it, or that lies within this time around the call.
const (
	eventBefore = 5 * time.Second // Okta's clock may be behind ours
	eventAfter  = 15 * time.Minute
)

func explains(c change.Change, m access.Membership, event access.Event) bool {
	kind := change.AddMember
	if event.Type == memberRemoved {
		kind = change.RemoveMember
	}
	if c.Kind != kind || c.Membership() != m {
		return false
	}
	return c.Event == event.ID || c.Event == "" && c.State != change.Refused &&
		!event.Published.Before(c.Intended.Add(-eventBefore)) && event.Published.Before(c.Intended.Add(eventAfter))
}

// record looks for the event behind a confirmed change that was intended in the period. It is told every record of the
// period while the ledger is written.
func (c *comparer) record(r ledger.Record) error {
	if r.Kind != ledger.ChangeIntended {
		return nil
	}
	return c.change(r.Change)
}

func (c *comparer) change(id change.ID) error {
	ch, found, err := c.tx.Change(id)
	if err != nil || !found || ch.State != change.Confirmed || ch.Group == "" {
		return err
	}
	c.result.Changes++
	if ch.Event != "" {
		c.result.Shown++
		return nil
	}
	return c.orphan(orphan{kind: NotInSystemLog, member: ch.Membership(), ticket: ch.Ticket, change: ch.ID, at: ch.Settled,
		detail: "read back from Okta; its log may show a change up to an hour later"})
}

// grants looks for the membership behind each live grant.
func (c *comparer) grants() error {
	all, err := c.tx.Grants()
	if err != nil {
		return err
	}
	c.live = make(map[access.Membership][]change.Grant)
	for _, g := range all {
		if !c.managed[g.Group] {
			if err := c.orphan(orphan{kind: GroupUnmanaged, member: g.Membership(), ticket: g.Ticket, at: g.Approved}); err != nil {
				return err
			}
			continue
		}
		if !g.Live(c.manifest.Made) {
			continue
		}
		c.result.Grants++
		c.live[g.Membership()] = append(c.live[g.Membership()], g)
		if err := c.grant(g); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparer) grant(g change.Grant) error {
	groups, err := c.tx.MembershipsOf(g.User)
	if err != nil {
		return err
	}
	if !slices.Contains(groups, g.Membership()) {
		err := c.orphan(orphan{kind: TicketNoAccess, member: g.Membership(), ticket: g.Ticket, at: g.Approved, detail: "entitled by " + g.Policy})
		if err != nil {
			return err
		}
	}
	if g.Ticket == "" {
		return nil // a rule of a policy entitles, without a ticket
	}
	_, _, found, err := c.tx.Ticket(g.Ticket)
	if err != nil || found {
		return err
	}
	return c.orphan(orphan{kind: TicketGone, member: g.Membership(), ticket: g.Ticket, at: g.Approved})
}

// members looks for what entitles each member of the managed groups.
func (c *comparer) members() error {
	if err := c.findForeign(); err != nil {
		return err
	}
	for _, group := range c.options.Groups {
		members, _, _, err := c.tx.Members(group.ID)
		if err != nil {
			return err
		}
		accepted, err := c.tx.Baseline(group.ID)
		if err != nil {
			return err
		}
		for _, user := range members {
			if err := c.member(access.Membership{Group: group.ID, User: user}, accepted); err != nil {
				return err
			}
		}
	}
	return nil
}

// findForeign finds the groups in which a membership may come from elsewhere, so that sopd leaves them alone.
func (c *comparer) findForeign() error {
	c.foreign = make(map[access.GroupID]bool)
	rules, err := c.tx.Rules()
	if err != nil {
		return err
	}
	for _, rule := range rules {
		for _, id := range rule.Groups {
			c.foreign[id] = c.foreign[id] || rule.Active
		}
	}
	for _, g := range c.options.Groups {
		group, found, err := c.tx.Group(g.ID)
		if err != nil {
			return err
		}
		c.foreign[g.ID] = c.foreign[g.ID] || found && group.Type != access.OktaGroup
	}
	return nil
}

func (c *comparer) member(m access.Membership, accepted []store.Baseline) error {
	c.result.Memberships++
	user, _, err := c.tx.User(m.User)
	if err != nil {
		return err
	}
	if user.Status == access.Deprovisioned {
		return c.orphan(orphan{kind: AccessOfLeaver, member: m, at: user.StatusChanged})
	}
	if len(c.live[m]) > 0 {
		c.result.Granted++
		return nil
	}
	at, found := slices.BinarySearchFunc(accepted, m, func(b store.Baseline, m access.Membership) int { return b.Compare(m) })
	if found {
		c.result.Accepted++
		b := accepted[at]
		if b.ReviewBy.IsZero() || c.manifest.Made.Before(b.ReviewBy) {
			return nil
		}
		return c.orphan(orphan{kind: AcceptedTooLong, member: m, at: b.ReviewBy})
	}
	return c.unentitled(m)
}

// unentitled tells a member whom nothing entitles now: by the newest grant that once did.
func (c *comparer) unentitled(m access.Membership) error {
	grants, err := c.tx.GrantsOf(m.User)
	if err != nil {
		return err
	}
	o := orphan{kind: AccessNoTicket, member: m}
	if c.foreign[m.Group] {
		o.kind = AccessForeign
	}
	for _, g := range grants {
		if g.Membership() != m {
			continue
		}
		o = orphan{kind: AccessEnded, member: m, ticket: g.Ticket, at: g.Ended, detail: string(g.EndReason)}
		if g.Ended.IsZero() || g.EndReason == change.Expired {
			o.kind, o.at = AccessExpired, g.Expires
		}
	}
	return c.orphan(o)
}

// tickets looks for the grant or the refusal behind each approved request.
func (c *comparer) tickets() error {
	if c.options.Asks == nil {
		return nil
	}
	var keys []ticket.Key
	err := c.tx.EachTicket(store.TicketFilter{UpdatedSince: c.manifest.From}, func(t ticket.Ticket) error {
		if t.Updated.Before(c.manifest.To) && c.options.Asks(t) {
			keys = append(keys, t.Key)
		}
		return nil
	})
	for _, key := range keys {
		if err = errors.Join(err, c.ticket(key)); err != nil {
			return err
		}
	}
	return err
}

func (c *comparer) ticket(key ticket.Key) error {
	_, approvals, _, err := c.tx.Ticket(key)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(approvals, func(a ticket.Approval) bool { return a.Decision == ticket.Approved }) ||
		slices.ContainsFunc(approvals, func(a ticket.Approval) bool { return a.Decision != ticket.Approved }) {
		return nil // nobody consented, or somebody did not
	}
	c.result.Tickets++
	grants, err := c.tx.GrantsByTicket(key)
	if err != nil || len(grants) > 0 {
		return err
	}
	records, err := c.tx.RecordsByTicket(key)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(records, func(r ledger.Record) bool { return r.Kind == ledger.RequestRefused }) {
		return nil
	}
	return c.orphan(orphan{kind: TicketNoDecision, ticket: key, detail: "every approval of it was given; the ledger knows neither grant nor refusal"})
}

func (c *comparer) unreadable() error {
	for _, key := range c.manifest.Sources.Unreadable {
		if err := c.orphan(orphan{kind: TicketUnreadable, ticket: ticket.Key(key)}); err != nil {
			return err
		}
	}
	return nil
}
