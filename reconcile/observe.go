package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// The cursors of the polls.
const (
	cursorUsers   = "okta.users"
	cursorGroups  = "okta.groups"
	cursorLog     = "okta.log"
	cursorTickets = "jira.tickets"
)

// Polls lists the cursors of the polls, for metrics.
func Polls() []string { return []string{cursorUsers, cursorGroups, cursorLog, cursorTickets} }

// Overlaps: how far a poll looks back before the one before it. The vendors' lists lag behind their writes.
//
// Source: Okta's filters are eventually consistent, usually within a second (okta-developer-docs); Jira's index lags by
// seconds to minutes (developer.atlassian.com, search and reconcile).
const (
	oktaOverlap = 2 * time.Minute
	jiraOverlap = 5 * time.Minute
	// firstTickets is how far the first poll of tickets looks back; open tickets older than that are touched when
	// somebody next works on them.
	firstTickets = 400 * 24 * time.Hour
	// firstLog is how far the first round of the System Log looks back; Okta keeps 90 days.
	firstLog = 7 * 24 * time.Hour
	// logKept is how far back the System Log can be read at all, a day less than Okta keeps it. logOverlap is how far a
	// reading without its cursor goes back before the last one: events arrive late.
	logKept    = 89 * 24 * time.Hour
	logOverlap = time.Hour
	// logPages bounds one round of the System Log; what is left is read in the next pass.
	logPages = 50
)

// observe brings the store's mirror up to date. Groups that could not be read are returned with the cause: they are
// planned for in no way. Any other failure ends the pass.
func (r *Reconciler) observe(ctx context.Context) (map[access.GroupID]error, error) {
	r.Watch(Notice{Reading: "users"})
	if err := r.write(ctx, func(tx *store.Tx) error { return tx.IndexUsers(r.Policies.People.Attribute) }); err != nil {
		return nil, fmt.Errorf("index of users: %w", err)
	}
	if err := r.observeUsers(ctx); err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	unread, err := r.observeGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("groups: %w", err)
	}
	steps := []struct {
		what    string
		observe func(context.Context) error
	}{
		{"system log", r.observeLog}, {"tickets that could not be read", r.observeBad}, {"tickets", r.observeTickets}, {"webhooks", r.observeHints},
		{"tickets that were not read for long", r.observeOld},
		{"approvals", r.observeApprovals},
	}
	for _, step := range steps {
		r.Watch(Notice{Reading: step.what})
		if err := step.observe(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return unread, nil
}

// fromTheFuture is how far ahead of the clock a time that was stored may lie. One beyond was stored while the clock was wrong:
// what happened since the clock was set back would not be seen.
const fromTheFuture = time.Minute

// since reads a poll's cursor, which is a time. The zero time says that there was no poll yet, or none that can be gone on
// from.
func (r *Reconciler) since(ctx context.Context, name string) (time.Time, error) {
	var since time.Time
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		_, at, _, err := tx.Cursor(name)
		since = at
		if at.After(r.Now().Add(fromTheFuture)) {
			since = time.Time{}
		}
		return err
	})
	return since, err
}

func mark(tx *store.Tx, name string, t time.Time) error {
	return tx.SetCursor(name, "", t)
}

func (r *Reconciler) observeUsers(ctx context.Context) error {
	started := r.Now()
	since, err := r.since(ctx, cursorUsers)
	if err != nil {
		return err
	}
	var users []access.User
	if since.IsZero() {
		users, err = r.Directory.AllUsers(ctx)
	} else {
		users, err = r.Directory.UsersChanged(ctx, since.Add(-oktaOverlap))
	}
	if err != nil {
		return err
	}
	for some := range slices.Chunk(users, usersAtOnce) {
		if err := r.write(ctx, func(tx *store.Tx) error { return tx.PutUsers(some) }); err != nil {
			return err
		}
	}
	return r.write(ctx, func(tx *store.Tx) error { return mark(tx, cursorUsers, started) })
}

// usersAtOnce is how many users are stored in one transaction: while it lasts, nothing else can be written, the leases
// neither.
const usersAtOnce = 2000

// observeGroups reads the rules, and the members of every managed or eligible group that changed. A group that cannot be
// read is forgotten: nothing is planned on what it used to be, and every pass reads it again until it can.
func (r *Reconciler) observeGroups(ctx context.Context) (map[access.GroupID]error, error) {
	started := r.Now()
	since, err := r.since(ctx, cursorGroups)
	if err != nil {
		return nil, err
	}
	rules, err := r.Directory.Rules(ctx)
	if err != nil {
		return nil, err
	}
	listed, err := r.listed(ctx, since)
	if err != nil {
		return nil, err
	}
	stale, err := r.stale(ctx, listed)
	if err != nil {
		return nil, err
	}
	unread := make(map[access.GroupID]error)
	err = r.eachGroup(ctx, r.toRead(stale, listed), func(i int, reading groupReading) error {
		r.Watch(Notice{Reading: "groups", Done: i, Total: len(stale)})
		if err := r.storeGroup(ctx, reading); err != nil {
			if !local(err) {
				return fmt.Errorf("group %s: %w", reading.id, err)
			}
			unread[reading.id] = err
		}
		delete(r.suspects, reading.id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unread, r.write(ctx, func(tx *store.Tx) error {
		for id := range unread {
			if err := forgetMembers(tx, id, started); err != nil {
				return err
			}
		}
		if err := tx.PutRules(rules); err != nil {
			return err
		}
		return mark(tx, cursorGroups, started)
	})
}

// local reports whether an error is about the one object that was read, so that the others may go on.
func local(err error) bool {
	return errors.Is(err, access.ErrNotFound) || errors.Is(err, access.ErrIncomplete) || errors.Is(err, access.ErrMalformed) ||
		errors.Is(err, access.ErrDenied) || errors.Is(err, access.ErrInvalid)
}

// oldestRead is how old a group's members may be. The list of changed groups names no group that was deleted, and one
// lost line of it must not hide a change for ever.
const oldestRead = 24 * time.Hour

// listedFrom is how many groups it takes for one list of all of them to cost less than a reading of each.
const listedFrom = 20

// listed returns the groups that changed since then, as the vendor's list shows them; on the first pass of a large
// organisation, all of them. That a group is missing says nothing.
func (r *Reconciler) listed(ctx context.Context, since time.Time) (map[access.GroupID]access.Group, error) {
	switch {
	case !since.IsZero():
		since = since.Add(-oktaOverlap)
	case len(r.relevantGroups()) < listedFrom:
		return nil, nil
	default:
		since = time.Unix(0, 0)
	}
	changed, err := r.Directory.GroupsChanged(ctx, since)
	if err != nil {
		return nil, err
	}
	listed := make(map[access.GroupID]access.Group, len(changed))
	for _, g := range changed {
		listed[g.ID] = g
	}
	return listed, nil
}

// stale returns the managed and eligible groups that have to be read again, sorted.
func (r *Reconciler) stale(ctx context.Context, listed map[access.GroupID]access.Group) ([]access.GroupID, error) {
	var reads map[access.GroupID]time.Time
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		reads, err = tx.GroupReads()
		return err
	})
	if err != nil {
		return nil, err
	}
	var stale []access.GroupID
	for _, id := range r.relevantGroups() {
		readAt, known := reads[id]
		_, suspect := r.suspects[id]
		_, changed := listed[id]
		early := readAt.After(r.Now().Add(fromTheFuture))
		if !known || suspect || changed || early || r.Now().Sub(readAt) >= oldestRead {
			stale = append(stale, id)
		}
	}
	return stale, nil
}

func (r *Reconciler) relevantGroups() []access.GroupID {
	groups := r.Policies.Eligible()
	for _, g := range r.Policies.Catalog.Groups {
		groups = append(groups, g.ID)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// storeGroup stores a group and its members as they were read.
//
// Errors: also why the group could not be read; [access.ErrIncomplete] when it cannot be as empty as it looks.
func (r *Reconciler) storeGroup(ctx context.Context, reading groupReading) error {
	if reading.err != nil {
		return reading.err
	}
	ids := make([]access.UserID, len(reading.members))
	for i, m := range reading.members {
		ids[i] = m.ID
	}
	if len(ids) == 0 {
		if err := r.believeEmpty(ctx, reading.id); err != nil {
			return err
		}
	}
	return r.write(ctx, func(tx *store.Tx) error {
		if err := tx.PutUsers(reading.members); err != nil {
			return err
		}
		if err := tx.PutGroup(reading.group); err != nil {
			return err
		}
		return tx.PutMembers(reading.id, ids, reading.readAt)
	})
}

// observeLog reads the System Log from its cursor to the first empty page. The cursor is stored with the page that it
// follows, so a crash reads a page again rather than losing one; events are told apart by their uuid.
func (r *Reconciler) observeLog(ctx context.Context) error {
	var cursor access.Cursor
	since := r.Now().Add(-max(firstLog, r.Policies.Backfill()))
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var at time.Time
		var err error
		if cursor, at, _, err = tx.Cursor(cursorLog); cursor != "" {
			since = at.Add(-logOverlap)
		}
		return err
	})
	if err != nil {
		return err
	}
	if kept := r.Now().Add(-logKept); since.Before(kept) {
		since = kept
	}
	for range logPages {
		events, next, err := r.Directory.Events(ctx, cursor, since)
		if errors.Is(err, access.ErrInvalid) && cursor != "" {
			r.Logger.WarnContext(ctx, "the System Log's cursor is lost; reading again from before it was last moved")
			events, next, err = r.Directory.Events(ctx, "", since)
		}
		if err != nil {
			return err
		}
		r.forgetOriginals(events)
		if err := r.write(ctx, func(tx *store.Tx) error {
			if _, err := tx.PutEvents(events); err != nil {
				return err
			}
			if err := forgetDeleted(tx, events, r.Now()); err != nil {
				return err
			}
			return tx.SetCursor(cursorLog, next, r.Now())
		}); err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		cursor = next
	}
	return nil
}

// forgetOriginals drops what Okta sent of the events that no decision can rest on: sign-ins, and members of groups that no
// policy names. A log holds a hundred of them for each of the others.
func (r *Reconciler) forgetOriginals(events []access.Event) {
	relevant := r.relevantGroups()
	for i, e := range events {
		switch {
		case e.Type == eventDeactivated, e.Type == eventSuspended, e.Type == eventSessionsCleared:
		case slices.ContainsFunc(e.Groups, func(id access.GroupID) bool { _, ours := slices.BinarySearch(relevant, id); return ours }):
		default:
			events[i].Original = nil
		}
	}
}

func (r *Reconciler) observeTickets(ctx context.Context) error {
	started := r.Now()
	since, err := r.since(ctx, cursorTickets)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = started.Add(-firstTickets)
	}
	found, err := r.Tickets.Changed(ctx, r.Policies.Projects(), since.Add(-jiraOverlap))
	if err != nil {
		return err
	}
	for _, t := range found.Tickets {
		if err := r.putTicket(ctx, t, started); err != nil {
			return err
		}
	}
	return r.write(ctx, func(tx *store.Tx) error {
		for key, cause := range found.Bad {
			if err := tx.PutBadTicket(key, phrase(cause), started); err != nil {
				return err
			}
		}
		return mark(tx, cursorTickets, started)
	})
}

// putTicket stores a ticket with its approvals. One whose approvals cannot be read is set aside with what was known of them.
// Those of an access ticket that is done stay as they were last read: they are the evidence for what was done on it.
func (r *Reconciler) putTicket(ctx context.Context, t ticket.Ticket, readAt time.Time) error {
	sop, ours := r.Policies.SOP(t)
	if (!ours || t.Done || sop.Kind == policies.KindIncidentResponse) && !r.Policies.Approved(t, readAt) {
		return r.write(ctx, func(tx *store.Tx) error {
			if err := r.movedAway(tx, t, readAt); err != nil {
				return err
			}
			if ours {
				if err := rated(tx, t, readAt); err != nil {
					return err
				}
			}
			t.Original, t.OriginalHistory = nil, nil // nothing will rest on it that does not rest on an earlier reading
			return tx.PutTicket(t, readAt)
		})
	}
	approvals, unreadable := r.Tickets.Approvals(ctx, t.Key)
	if unreadable != nil && !r.isolated(unreadable) {
		return fmt.Errorf("approvals of %s: %w", t.Key, unreadable)
	}
	if errors.Is(unreadable, access.ErrNotFound) && t.RequestType == "" && len(sop.Rules.Transitions) > 0 {
		unreadable = nil // no request of a service desk, so there are none; the policy knows of it
	}
	return r.write(ctx, func(tx *store.Tx) error {
		if err := rated(tx, t, readAt); err != nil {
			return err
		}
		if err := tx.PutTicket(t, readAt); err != nil {
			return err
		}
		if unreadable != nil {
			return tx.PutBadTicket(t.Key, "approvals: "+phrase(unreadable), readAt)
		}
		return tx.PutApprovals(t.Key, approvals, readAt)
	})
}

// movedAway says on a ticket that was ours and open that it is not any more: nobody would give or take anything on it, and
// nobody would know why.
func (r *Reconciler) movedAway(tx *store.Tx, t ticket.Ticket, at time.Time) error {
	was, found, err := tx.TicketByID(t.ID)
	if err != nil || !found || t.Done || was.Done || was.Key == t.Key {
		return err
	}
	if _, ours := r.Policies.SOP(was); !ours {
		return nil
	}
	if _, ours := r.Policies.SOP(t); ours {
		return nil
	}
	return r.say(tx, t.Key, remark{purpose: "moved/" + string(was.Key), text: movedText(was.Key), at: at})
}
