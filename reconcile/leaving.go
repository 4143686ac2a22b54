package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// A leaver holds more than groups: administrator roles, API tokens, turns on call, approvals that others wait for. sopd takes
// none of that away, and says all of it on the ticket. For a turn that nobody else would take it pages, before the last day
// if the ticket is approved before.

// Traces reads what a user holds in Okta besides groups.
type Traces interface {
	// UserRoles lists the types of the user's administrator roles.
	UserRoles(ctx context.Context, user access.UserID) ([]string, error)
	// APITokens lists the names of the API tokens that the user has made.
	APITokens(ctx context.Context, user access.UserID) ([]string, error)
}

// Duties reads who is woken.
type Duties interface {
	// Duties lists where people are named to be woken, all of it or an error.
	Duties(ctx context.Context, now time.Time) ([]paging.Duty, error)
}

// FindingOnCallGap says that somebody who leaves is the only one to be woken.
const FindingOnCallGap finding.Kind = "on-call-gap"

const (
	// cursorLeavers is where the leavers that are looked after are kept.
	cursorLeavers = "leavers"
	// traceEvery is how long what a leaver holds is believed.
	traceEvery = time.Hour
	// traceFor is how long after the last day a turn on call is still looked for.
	traceFor = 30 * 24 * time.Hour
)

// watch is one leaver who is looked after, from the approval of their ticket until nothing is missing.
type watch struct {
	Ticket  ticket.Key       `json:"ticket"`
	User    access.UserID    `json:"user"`
	Account ticket.AccountID `json:"account"` // their Jira account
	At      time.Time        `json:"at"`      // when they leave
	Read    time.Time        `json:"read,omitzero"`
	Roles   []string         `json:"roles,omitempty"`
	Tokens  []string         `json:"tokens,omitempty"`
	Duties  []paging.Duty    `json:"duties,omitempty"`
	Unknown []string         `json:"unknown,omitempty"` // what could not be read
	Over    bool             `json:"over,omitempty"`    // the ticket is done with
}

// gaps returns the schedules in which nobody would be left.
func (w watch) gaps() []string {
	var names []string
	for _, d := range w.Duties {
		if d.Alone {
			names = append(names, d.Where)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// trace finds out what leavers hold besides groups. What cannot be read is said to be unknown, and keeps nobody's access alive.
func (r *Reconciler) trace(ctx context.Context, v view) error {
	r.leaving = nil
	watches, err := r.watches(ctx, v)
	if err != nil {
		return err
	}
	changed := false
	var duties *[]paging.Duty // read once, when anybody needs it
	for _, key := range slices.Sorted(maps.Keys(watches)) {
		w := watches[key]
		if !w.due(r.Now()) {
			continue
		}
		if duties == nil && r.Duties != nil {
			duties = r.duties(ctx)
		}
		if err := r.look(ctx, &w, duties); err != nil {
			return err
		}
		watches[key], changed = w, true
	}
	r.leaving = watches
	if !changed {
		return nil
	}
	text, err := json.Marshal(watches)
	if err != nil {
		return err
	}
	return r.write(ctx, func(tx *store.Tx) error { return tx.SetCursor(cursorLeavers, access.Cursor(text), r.Now()) })
}

// watches returns the leavers to be looked after: those of the tickets that are proven, and those of whom something is
// missing yet.
func (r *Reconciler) watches(ctx context.Context, v view) (map[ticket.Key]watch, error) {
	all := make(map[ticket.Key]watch)
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		kept, _, _, err := tx.Cursor(cursorLeavers)
		if err != nil || kept == "" {
			return err
		}
		return json.Unmarshal([]byte(kept), &all)
	})
	if err != nil {
		return nil, fmt.Errorf("leavers: %w", err)
	}
	proven := make(map[ticket.Key]bool)
	for _, j := range v.cases {
		if j.sop.Kind != policies.KindDeprovisioning || !j.proven() {
			continue
		}
		proven[j.ticket.Key] = true
		w := all[j.ticket.Key]
		w.Ticket, w.User, w.At, w.Over = j.ticket.Key, j.verdict.Request.Beneficiary.ID, j.effective(), false
		for _, account := range j.ticket.Fields[j.sop.Rules.Fields.Beneficiary].Accounts {
			w.Account = account
		}
		all[j.ticket.Key] = w
	}
	for key, w := range all {
		if proven[key] {
			continue
		}
		w.Over = true
		all[key] = w
		if len(w.gaps()) == 0 || r.Now().Sub(w.At) > traceFor {
			delete(all, key)
		}
	}
	return all, nil
}

// due reports whether the leaver has to be looked at again: never seen, not for a while, or not since they have left.
func (w watch) due(now time.Time) bool {
	left := w.Read.Before(w.At) && !now.Before(w.At)
	return w.Read.IsZero() || left || now.Sub(w.Read) >= traceEvery
}

// duties reads who is woken; nil when that is not known.
func (r *Reconciler) duties(ctx context.Context) *[]paging.Duty {
	all, err := r.Duties.Duties(ctx, r.Now())
	if err != nil {
		r.Logger.LogAttrs(ctx, slog.LevelWarn, "on-call schedules could not be read", slog.String("error", err.Error()))
		return nil
	}
	return &all
}

// look brings what is known of a leaver up to date.
func (r *Reconciler) look(ctx context.Context, w *watch, duties *[]paging.Duty) error {
	w.Read, w.Unknown = r.Now(), nil
	if r.Traces != nil {
		var err error
		if w.Roles, err = r.Traces.UserRoles(ctx, w.User); err != nil {
			w.Unknown = append(w.Unknown, "administrator roles")
		}
		if w.Tokens, err = r.Traces.APITokens(ctx, w.User); err != nil {
			w.Unknown = append(w.Unknown, "API tokens")
		}
	}
	if r.Duties == nil {
		return nil
	}
	if duties == nil {
		w.Unknown = append(w.Unknown, "on-call schedules")
		return nil // what was known of them stays
	}
	var names []string
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		user, _, err := tx.User(w.User)
		names = []string{strings.ToLower(user.Login), strings.ToLower(user.Email), strings.ToLower(string(w.Account))}
		return err
	})
	w.Duties = nil
	for _, d := range *duties {
		if d.Person != "" && slices.Contains(names, strings.ToLower(d.Person)) {
			d.Person = "" // the ticket is about them anyway
			w.Duties = append(w.Duties, d)
		}
	}
	return err
}

// gaps returns the findings of schedules in which nobody would be left.
func (c *conclusion) gaps() []finding.Finding {
	var all []finding.Finding
	for _, key := range slices.Sorted(maps.Keys(c.r.leaving)) {
		w := c.r.leaving[key]
		for _, schedule := range w.gaps() {
			title := "nobody is left in an on-call schedule: the only one in it has left"
			if c.view.observation.Now.Before(w.At) {
				title = "nobody will be left in an on-call schedule: the only one in it leaves"
			}
			all = append(all, finding.Finding{
				Key: finding.Key("on-call-gap/" + fingerprint(string(w.User)+"/"+schedule)), Kind: FindingOnCallGap, User: w.User, Ticket: w.Ticket,
				Title: title, Raised: c.view.observation.Now, Detail: map[string]string{"schedule": schedule, "leaves": stamp(w.At)},
			})
		}
	}
	return all
}

// approvals returns the open tickets that wait for an answer of the leaver, sorted.
func (c *conclusion) approvals(w watch) []ticket.Key {
	var keys []ticket.Key
	for _, j := range c.view.cases {
		waits := slices.ContainsFunc(j.approvals, func(a ticket.Approval) bool {
			return a.Decision == ticket.Pending && slices.ContainsFunc(a.Approvers, func(x ticket.Approver) bool {
				return x.Person.Account == w.Account && w.Account != "" && x.Decision == ticket.Pending
			})
		})
		if waits {
			keys = append(keys, j.ticket.Key)
		}
	}
	return keys
}

// leavesBehind says on the ticket what the leaver holds that sopd does not take away; empty when it is nothing.
func (c *conclusion) leavesBehind(key ticket.Key) string {
	w, watched := c.r.leaving[key]
	if !watched {
		return ""
	}
	var lines []string
	add := func(what string, of []string) {
		if len(of) > 0 {
			lines = append(lines, what+": "+strings.Join(of, ", "))
		}
	}
	add("administrator roles in Okta", w.Roles)
	add("API tokens in Okta", w.Tokens)
	for _, d := range w.Duties {
		line := map[paging.DutyKind]string{
			paging.Rotation: "on call in turns: ", paging.Override: "stands in on call: ", paging.Escalation: "woken by the escalation: ",
		}[d.Kind] + d.Where
		if !d.Until.IsZero() {
			line += ", until " + stamp(d.Until)
		}
		if d.Alone {
			line += " (nobody else is in it)"
		}
		lines = append(lines, line)
	}
	var waiting []string
	for _, k := range c.approvals(w) {
		waiting = append(waiting, string(k))
	}
	add("approvals that wait for them", waiting)
	add("could not be read, somebody has to look", w.Unknown)
	if len(lines) == 0 {
		return ""
	}
	return "\n\nWhat they still hold elsewhere, and somebody has to take over or take away:" + bullets(lines)
}
