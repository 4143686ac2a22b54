package reconcile_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/rules"
	"pgregory.net/rapid"
)

// orgYAML is the policy of the organisation of these tests. Payments is enforced, Wiki follows tickets, Archive is only
// observed, Portal is fed by a rule.
const orgYAML = `
apiVersion: sopd/v1
kind: Catalog
systems:
  - {id: archive, name: Archive, risk: low, mode: observe, owners: {users: [uOwner]},
     groups: [{id: gArchive, name: archive-users}], roles: [{name: User, groups: [archive-users]}]}
  - {id: payments, name: Payments, risk: high, mode: enforce, owners: {users: [uOwner]},
     groups: [{id: gPay, name: pay-users, floor: 2}, {id: gPayAdm, name: pay-admins}],
     roles: [{name: User, groups: [pay-users]}, {name: Admin, groups: [pay-users, pay-admins]}]}
  - {id: portal, name: Portal, risk: low, mode: enforce, owners: {users: [uOwner]},
     groups: [{id: gPortal, name: portal-users}], roles: [{name: User, groups: [portal-users]}]}
  - {id: wiki, name: Wiki, risk: low, mode: grant, owners: {groups: [gOwners]},
     groups: [{id: gWiki, name: wiki-users}], roles: [{name: User, groups: [wiki-users]}]}
`

const guardsYAML = `
apiVersion: sopd/v1
kind: Guards
removals: 4
removalPercent: 30
removalsPerHour: 8
groupRemovalPercent: 60
additions: 5
people: 3
protectedUsers: [uGlass]
`

const peopleYAML = "apiVersion: sopd/v1\nkind: People\nattribute: jiraAccountId\n"

const sopHead = `apiVersion: sopd/v1
kind: %s
name: %s
title: %s
version: 1.0.0
effective: 2026-01-01
owner: A
reviewer: B
nextReview: 2027-01-01
raci: {responsible: A, accountable: A, consulted: B, informed: C}
controls: [X]
`

func sopYAML(kind, name, rest string) string { return fmt.Sprintf(sopHead, kind, name, name) + rest }

// orgFiles returns the policies' files.
func orgFiles() map[string]string {
	return map[string]string{
		"catalog.yaml": orgYAML, "guards.yaml": guardsYAML, "people.yaml": peopleYAML,
		"access.yaml": sopYAML("AccessProvisioning", "access-provisioning", `
tickets:
  projects: [ACC]
  requestTypes: [Access request]
  statuses: {waiting: [Waiting for approval], fulfil: [Approved], validate: Waiting for validation, validated: [Validated], close: Closed}
  fields: {beneficiary: Access for, system: System, role: Role, justification: Business justification, expires: Access until}
approvals:
  - {role: system-owner, owners: true}
  - {role: security-operations, groups: [gSecOps], when: 'system.risk == "high"'}
longestGrant: 365d
expiryWarnings: [7d, 1d]
`),
		"leaver.yaml": sopYAML("Deprovisioning", "de-provisioning", `
mode: enforce
suspend: true
tickets:
  projects: [HR]
  requestTypes: [Offboarding]
  statuses: {waiting: [Waiting for approval], fulfil: [Approved], close: Closed}
  fields: {beneficiary: Access for, effective: Last day}
approvals:
  - {role: human-resources, users: [uHR]}
`),
		"revocation.yaml": sopYAML("Revocation", "access-revocation", `
tickets:
  projects: [ACC]
  requestTypes: [Access revocation]
  statuses: {waiting: [Waiting for approval], fulfil: [Approved], close: Closed}
  fields: {beneficiary: Access for, system: System, role: Role}
urgent: {priorities: [Highest]}
approvals:
  - {role: system-owner, owners: true, groups: [gSecOps]}
`),
		"role.yaml": sopYAML("RoleChange", "role-change", `
tickets:
  projects: [ACC]
  requestTypes: [Role change]
  statuses: {waiting: [Waiting for approval], fulfil: [Approved], close: Closed}
  fields: {beneficiary: Access for, system: System, role: Role, oldSystem: Old system, oldRole: Old role, effective: Last day}
approvals:
  - {role: system-owner, owners: true}
`),
		"strict.yaml": sopYAML("RoleChange", "strict-role-change", `
overlap: forbidden
replaces: all-grants
tickets:
  projects: [ACC]
  requestTypes: [Strict role change]
  statuses: {waiting: [Waiting for approval], fulfil: [Approved], close: Closed}
  fields: {beneficiary: Access for, system: System, role: Role}
approvals:
  - {role: system-owner, owners: true}
`),
		"glass.yaml": sopYAML("BreakGlass", "break-glass", `
tickets:
  projects: [ACC]
  requestTypes: [Emergency access]
  statuses: {fulfil: [In use], review: Waiting for review, close: Closed}
  fields: {system: System, role: Role, justification: Business justification}
people: {users: [uDan]}
onCall: [night]
roles: [{system: payments, role: User}]
maximum: 2h
review: 24h
approvals:
  - {role: security-operations, groups: [gSecOps]}
`),
		"birthright.yaml": sopYAML("Birthright", "birthright", `
grace: 1h
rules:
  - {name: sales, when: 'user.department == "Sales"', roles: [{system: wiki, role: User}]}
  - {name: finance, when: 'user.department == "Finance"', roles: [{system: payments, role: User}]}
`),
	}
}

// org returns the policies, compiled, with more files beside them.
func org(t tester, more ...string) *policies.Set {
	t.Helper()
	folder := make(fstest.MapFS)
	files := orgFiles()
	for i, text := range more {
		files[fmt.Sprintf("more-%d.yaml", i)] = text
	}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := policies.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// staff is everybody, besides sopd's own account.
func staff() []access.UserID {
	return []access.UserID{"uAda", "uBob", "uCyd", "uDan", "uEve", "uFay", "uGus", "uHal", "uGlass", "uHR", "uOwner", "uSec"}
}

// bench is one run of a story.
type bench struct {
	tester
	v      *vendors
	set    *policies.Set
	store  *store.Store
	url    string
	r      *reconcile.Reconciler
	write  bool
	holder string
	stages []reconcile.Stage
	passes int
	report reconcile.Report

	struck       bool // the script's fault has happened
	restartAfter bool // restart after the pass in which it did
}

func newBench(t *testing.T) *bench { return newBenchAt(t, databases(t)+"/sopd.db") }

// tester is what a run needs of a test, a drawn one too.
type tester interface {
	rapid.TB
	Cleanup(func())
	Context() context.Context
}

// newBenchAt keeps its store in the file.
func newBenchAt(t tester, path string) *bench {
	v := newVendors(t)
	for _, id := range append(staff(), self) {
		v.okta.user(id)
	}
	v.okta.group("gPay", "uBob", "uCyd", "uGlass", "uSec")
	v.okta.group("gPayAdm", "uGlass")
	v.okta.group("gWiki", "uBob", "uCyd", "uDan", "uEve", "uFay", "uGus", "uHal")
	v.okta.group("gArchive", "uHal")
	v.okta.group("gPortal", "uBob", "uCyd")
	v.okta.group("gOwners", "uOwner")
	v.okta.group("gSecOps", "uSec")
	v.okta.rules = []access.Rule{{ID: "r1", Name: "all staff", Active: true, Groups: []access.GroupID{"gPortal"}}}
	v.okta.ruledAt["gPortal"] = time.Time{}
	b := &bench{tester: t, v: v, set: org(t), url: "sqlite:" + path, write: true, holder: "one"}
	b.open()
	b.adopt()
	return b
}

// databases returns a folder for databases, in memory where the system has such: the runs are many and small.
func databases(t *testing.T) string {
	if _, err := os.Stat("/dev/shm"); err != nil {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "sopd-reconcile-") //nolint:usetesting // TempDir chooses the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (b *bench) open() {
	b.Helper()
	s, err := store.Open(context.WithoutCancel(b.Context()), store.Options{URL: b.url, Logger: slog.New(slog.DiscardHandler), Now: b.v.clock.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.store = s
	b.Cleanup(func() { _ = s.Close() })
	b.r = b.reconciler(b.holder)
}

func (b *bench) reconciler(holder string) *reconcile.Reconciler {
	b.Helper()
	r, err := reconcile.New(reconcile.Config{
		Admins: b.v.okta, Traces: b.v.okta, Duties: b.v.ops,
		Store: b.store, Directory: b.v.okta, Writer: b.v.okta, Tickets: b.v.jira, Desk: b.v.jira, Pager: b.v.ops, Roster: b.v.ops, Policies: b.set,
		Write: b.write, Self: self, Program: "this build", Holder: holder, Sleep: b.v.clock.sleep, Now: b.v.clock.Now, Logger: slog.New(slog.DiscardHandler),
		Stages: b.stages,
	})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// restart is what a supervisor does after a crash.
func (b *bench) restart() {
	b.Helper()
	if err := b.store.Close(); err != nil {
		b.Fatal(err)
	}
	b.open()
}

// under goes on with more policies, as after an edit of the folder.
func (b *bench) under(more ...string) {
	b.Helper()
	b.set = org(b.tester, more...)
	b.restart()
}

// adopt accepts every membership that is there, as somebody does before writing is turned on.
func (b *bench) adopt() {
	b.Helper()
	b.change(func(tx *store.Tx) error {
		for m := range b.v.okta.stays {
			if err := tx.PutBaseline(store.Baseline{Membership: m, Adopted: b.v.clock.now, By: "somebody"}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) change(fn func(*store.Tx) error) {
	b.Helper()
	if err := b.store.Write(b.Context(), fn); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) look(fn func(*store.Tx) error) {
	b.Helper()
	if err := b.store.Read(b.Context(), fn); err != nil {
		b.Fatal(err)
	}
}

// pass runs one pass and holds what is then against every rule. crashed says that the process died in it.
func (b *bench) pass() (crashed bool, err error) {
	b.Helper()
	b.passes++
	b.v.pass = b.passes
	func() {
		defer func() {
			if dead := recover(); dead != nil {
				if _, ours := dead.(crash); !ours {
					panic(dead)
				}
				crashed = true
			}
		}()
		b.report, err = b.r.Pass(b.Context())
	}()
	if crashed || b.struck && b.restartAfter {
		b.restart()
		b.restartAfter = false
	}
	b.check()
	return crashed, err
}

// passed runs a pass that has to succeed.
func (b *bench) passed() reconcile.Report {
	b.Helper()
	if _, err := b.pass(); err != nil {
		b.Fatalf("pass %d: %v", b.passes, err)
	}
	return b.report
}

// settle runs passes a minute apart until nothing is left to do, and fails when there always is something.
func (b *bench) settle() {
	b.Helper()
	const limit = 16 // a ticket whose opening nobody answered is tried again after ten minutes
	for range limit {
		before := len(b.v.writes())
		crashed, err := b.pass()
		b.v.clock.now = b.v.clock.now.Add(time.Minute)
		if err == nil && !crashed && len(b.v.writes()) == before && b.quiet() {
			return
		}
	}
	b.Fatalf("after %d passes there is still something to do; the last calls: %v", limit, b.v.writes()[max(0, len(b.v.writes())-10):])
}

// quiet reports whether nothing is open in the store.
func (b *bench) quiet() bool {
	quiet := false
	b.look(func(tx *store.Tx) error {
		open, err := tx.Unsettled()
		if err != nil {
			return err
		}
		queue, err := tx.Queue()
		quiet = len(open) == 0 && queue.Effects == 0
		return err
	})
	return quiet
}

// truth is what the vendors hold now.
func (b *bench) truth() rules.Truth {
	o := b.v.okta
	t := rules.Truth{
		Actor: string(self), Account: bot, Users: sorted(o.users, func(access.User) bool { return true }),
		Groups: sorted(o.groups, func(access.Group) bool { return true }), Fed: o.ruledAt,
		Members: make(map[access.GroupID][]access.UserID), Events: o.log, Comments: make(map[ticket.Key][]ticket.Comment),
	}
	for id := range o.groups {
		t.Members[id] = o.membersAt(id, b.v.clock.now)
	}
	for key, i := range b.v.jira.issues {
		t.Comments[key] = i.comments
	}
	return t
}

// compareWithANewLook fails the test when what is remembered of quiet groups is not what is there.
func (b *bench) compareWithANewLook() {
	b.Helper()
	remembered, anew, err := b.r.PlanTwice(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if diff := cmp.Diff(anew, remembered, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("after pass %d, what is remembered of quiet groups is not what a new look finds (-new +remembered):\n%s", b.passes, diff)
	}
}

func (b *bench) check() {
	b.Helper()
	if b.passes%2 == 0 { // what is remembered wrongly stays so, and shows at the next pass too
		b.compareWithANewLook()
	}
	b.look(func(tx *store.Tx) error {
		verdicts, err := rules.Check(tx, b.truth(), b.set)
		if err != nil {
			return err
		}
		if why := rules.Broken(verdicts); why != "" {
			b.Errorf("after pass %d:\n%s", b.passes, why)
		}
		return nil
	})
}

// in reports whether the user is in the group.
func (b *bench) in(group access.GroupID, user access.UserID) bool {
	return b.v.okta.in(access.Membership{Group: group, User: user}, b.v.clock.now)
}

// wantIn fails the test unless the user is in the group, or not.
func (b *bench) wantIn(group access.GroupID, user access.UserID, want bool) {
	b.Helper()
	if b.in(group, user) != want {
		b.Errorf("%s in %s: %v, want %v", user, group, !want, want)
	}
}

func (b *bench) wantStatus(key ticket.Key, want string) {
	b.Helper()
	if got := b.v.jira.issues[key].Status; got != want {
		b.Errorf("%s stands as %q, want %q", key, got, want)
	}
}

// wantSaid fails the test unless sopd has said the text once.
func (b *bench) wantSaid(key ticket.Key, text string, times int) {
	b.Helper()
	if got := b.v.jira.said(key, text); got != times {
		b.Errorf("%s was told %q %d times, want %d: %+v", key, text, got, times, b.v.jira.issues[key].comments)
	}
}

// wantMade fails the test unless sopd has made exactly these changes in Okta, each once.
func (b *bench) wantMade(want ...string) {
	b.Helper()
	var got []string
	for what, n := range b.v.okta.made {
		for range n {
			got = append(got, what)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.Errorf("made in Okta: %q, want %q", got, want)
	}
}

func added(group access.GroupID, user access.UserID) string {
	return "group.user_membership.add " + string(user) + " " + string(group)
}

func removed(group access.GroupID, user access.UserID) string {
	return "group.user_membership.remove " + string(user) + " " + string(group)
}

func signedOut(user access.UserID) string { return "user.session.clear " + string(user) }
func stopped(user access.UserID) string   { return "user.lifecycle.suspend " + string(user) }

// changes returns every change on record.
func (b *bench) changes() []change.Change {
	var all []change.Change
	b.look(func(tx *store.Tx) error {
		var err error
		all, err = tx.ChangesSince(time.Time{})
		return err
	})
	return all
}

// findings returns what is open of the kind.
func (b *bench) findings(kind finding.Kind) []finding.Finding {
	var all []finding.Finding
	b.look(func(tx *store.Tx) error {
		open, err := tx.OpenFindings()
		all = slices.DeleteFunc(open, func(f finding.Finding) bool { return f.Kind != kind })
		return err
	})
	return all
}

// records counts the ledger's records of the kind.
func (b *bench) records(kind ledger.Kind) int {
	n := 0
	b.look(func(tx *store.Tx) error {
		return tx.EachRecord(0, func(r ledger.Record) error {
			if r.Kind == kind {
				n++
			}
			return nil
		})
	})
	return n
}

// holds returns the holds in the states.
func (b *bench) holds(states ...hold.State) []hold.Hold {
	var all []hold.Hold
	b.look(func(tx *store.Tx) error {
		var err error
		all, err = tx.Holds(states...)
		return err
	})
	return all
}

// letThrough approves a hold, as a second person does.
func (b *bench) letThrough(h hold.Hold) {
	b.Helper()
	h.State, h.ApprovedBy, h.Approved, h.Reason = hold.Approved, "second", b.v.clock.now, "checked with the head of IT"
	b.change(func(tx *store.Tx) error {
		if err := tx.PutHold(h); err != nil {
			return err
		}
		_, err := tx.Append(ledger.Entry{Kind: ledger.HoldApproved, At: b.v.clock.now, Body: h})
		return err
	})
}
