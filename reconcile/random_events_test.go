package reconcile_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"pgregory.net/rapid"
)

// wish is what the tickets of these worlds ask for.
type wish struct {
	system, role string
	groups       []access.GroupID
	approvers    []access.UserID
}

func wishes() []wish {
	return []wish{
		{"Wiki", "", []access.GroupID{"gWiki"}, []access.UserID{"uOwner"}},
		{"Payments", "User", []access.GroupID{"gPay"}, []access.UserID{"uOwner", "uSec"}},
		{"Payments", "Admin", []access.GroupID{"gPay", "gPayAdm"}, []access.UserID{"uOwner", "uSec"}},
		{"Archive", "", []access.GroupID{"gArchive"}, []access.UserID{"uOwner"}},
		{"Portal", "", []access.GroupID{"gPortal"}, []access.UserID{"uOwner"}},
	}
}

// request raises a ticket that asks for access, for ever or for a time.
func (r *random) request() {
	w := rapid.SampledFrom(wishes()).Draw(r.rt, "wish")
	user := r.someone("beneficiary")
	var until time.Time
	if rapid.Bool().Draw(r.rt, "for a time") {
		until = r.v.clock.now.Add(time.Duration(rapid.IntRange(10, 3000).Draw(r.rt, "minutes")) * time.Minute)
	}
	key := r.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uHR", about: user, system: w.system, role: w.role, until: until})
	r.model.asked(claim{ticket: key, user: user, groups: w.groups, approvers: w.approvers, expires: until})
}

// answer says something to a request that nobody has answered: rightly, not enough, by somebody who may not, or no.
func (r *random) answer() {
	c := r.model.unanswered(r.rt)
	if c == nil {
		return
	}
	c.answered = true
	switch rapid.SampledFrom([]string{"right", "right", "right", "self", "stranger", "partly", "no", "dragged"}).Draw(r.rt, "answer") {
	case "right":
		r.v.jira.approve(c.ticket, c.approvers...)
		c.good, c.approved = true, r.v.clock.now
		c.murky = r.model.people[c.user].leaving
	case "self":
		r.v.jira.approve(c.ticket, append([]access.UserID{c.user}, c.approvers[1:]...)...)
	case "stranger":
		r.v.jira.approve(c.ticket, "uHR")
	case "partly":
		if len(c.approvers) == 1 {
			return
		}
		r.v.jira.approve(c.ticket, c.approvers[0])
	case "no":
		r.v.jira.answer(c.ticket, ticket.Declined, c.approvers[0])
		r.v.jira.move(c.ticket, "Approved", "acc-uHR")
	case "dragged":
		r.v.jira.move(c.ticket, "Approved", "acc-uHR")
	}
}

// touch does something with a ticket that makes what it stands for unclear, or should change nothing.
func (r *random) touch() {
	if len(r.model.claims) == 0 {
		return
	}
	c := rapid.SampledFrom(r.model.claims).Draw(r.rt, "ticket")
	i := r.v.jira.issues[c.ticket]
	if i == nil {
		return
	}
	switch rapid.SampledFrom([]string{"edit", "validate", "cancel", "bad", "hidden", "delete", "rename"}).Draw(r.rt, "touch") {
	case "edit":
		c.murky = c.murky || c.good
		c.answered, c.edited = true, true
		r.v.jira.edit(c.ticket, "System", ticket.Value{Texts: []string{"Wiki"}})
	case "validate":
		if i.Status == "Waiting for validation" {
			r.v.jira.move(c.ticket, "Validated", "acc-uHR")
		}
	case "cancel":
		c.murky, c.answered = true, true
		r.v.jira.move(c.ticket, "Cancelled", "acc-uHR")
	case "bad":
		i.bad = fmt.Errorf("ticket: %w", access.ErrMalformed)
		c.murky = true
		r.v.jira.touch(c.ticket)
	case "hidden":
		i.hidden = fmt.Errorf("approvals: %w", access.ErrDenied)
		c.murky = true
		r.v.jira.touch(c.ticket)
	case "delete":
		c.murky, c.answered = true, true
		delete(r.v.jira.issues, c.ticket)
	case "rename":
		u := r.v.okta.users[c.user]
		u.Login, u.Updated = "renamed-"+u.Login, r.v.clock.now
		r.v.okta.users[c.user] = u
	}
}

// offboard raises the ticket of somebody who leaves, and has it approved or not.
func (r *random) offboard() {
	user := r.someone("leaver")
	var at time.Time
	if rapid.Bool().Draw(r.rt, "some day") {
		at = r.v.clock.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(r.rt, "hours")) * time.Hour)
	}
	key := r.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uOwner", about: user, effective: at})
	if rapid.IntRange(0, 3).Draw(r.rt, "approved") == 0 {
		r.v.jira.approve(key, "uOwner") // who asked
		return
	}
	r.v.jira.approve(key, "uHR")
	r.model.leaves(user, later2(r.v.clock.now, at))
}

func later2(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// revoke raises the ticket that takes one role away.
func (r *random) revoke() {
	w := rapid.SampledFrom(wishes()).Draw(r.rt, "wish")
	user := r.someone("of")
	key := r.v.jira.raise(ask{project: "ACC", kind: "Access revocation", by: "uHR", about: user, system: w.system, role: w.role})
	if rapid.IntRange(0, 3).Draw(r.rt, "approved") == 0 {
		r.v.jira.approve(key, "uHR")
		return
	}
	r.v.jira.approve(key, "uSec")
	for _, g := range w.groups {
		r.model.revoked(access.Membership{Group: g, User: user}, r.v.clock.now)
	}
}

// byHand changes a membership in Okta's console.
func (r *random) byHand() {
	m := access.Membership{
		Group: rapid.SampledFrom([]access.GroupID{"gWiki", "gPay", "gPayAdm", "gArchive", "gPortal"}).Draw(r.rt, "group"),
		User:  r.someone("user"),
	}
	in := rapid.Bool().Draw(r.rt, "in")
	r.v.okta.put(m, in, "uHR")
	r.model.hand(m, in, r.v.clock.now)
}

// status changes an account in Okta's console.
func (r *random) status() {
	user := r.someone("account")
	next := rapid.SampledFrom([]access.UserStatus{access.Deprovisioned, access.Suspended, access.Active}).Draw(r.rt, "status")
	if r.v.okta.users[user].Status == next {
		return
	}
	r.v.okta.status(user, next, "uHR")
	r.model.people[user].murky = r.model.people[user].murky || next != access.Deprovisioned
}

// rule lets a rule begin or cease to fill the wiki.
func (r *random) rule() {
	const id = "r2"
	at := slices.IndexFunc(r.v.okta.rules, func(x access.Rule) bool { return x.ID == id })
	if at >= 0 {
		r.v.okta.rules = slices.Delete(slices.Clone(r.v.okta.rules), at, at+1)
		delete(r.v.okta.ruledAt, "gWiki")
	} else {
		r.v.okta.rules = append(slices.Clone(r.v.okta.rules), access.Rule{ID: id, Name: "writers", Active: true, Groups: []access.GroupID{"gWiki"}})
		r.v.okta.ruledAt["gWiki"] = r.v.clock.now.Add(time.Second)
	}
	r.model.murky["gWiki"] = true
}

// group lets a group be unreadable, or read as empty.
func (r *random) group() {
	id := rapid.SampledFrom([]access.GroupID{"gWiki", "gPay", "gPayAdm", "gOwners"}).Draw(r.rt, "unwell")
	if rapid.Bool().Draw(r.rt, "empty") {
		if r.v.okta.empty == nil {
			r.v.okta.empty = make(map[access.GroupID]bool)
		}
		r.v.okta.empty[id] = true
		return
	}
	r.v.okta.unreadable[id] = fmt.Errorf("members: %w", rapid.SampledFrom([]error{access.ErrIncomplete, access.ErrDenied}).Draw(r.rt, "cause"))
}

// refuse cancels a hold, as a second person does.
func (b *bench) refuse(h hold.Hold) {
	b.Helper()
	h.State, h.CancelledBy, h.Cancelled, h.Reason = hold.Cancelled, "second", b.v.clock.now, "nobody in HR knows of it"
	b.change(func(tx *store.Tx) error {
		if err := tx.PutHold(h); err != nil {
			return err
		}
		_, err := tx.Append(ledger.Entry{Kind: ledger.HoldCancelled, At: b.v.clock.now, Body: h})
		return err
	})
}
