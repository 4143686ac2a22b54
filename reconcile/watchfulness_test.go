package reconcile_test

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/watching"
)

// watchful lets the rules that are shipped watch, beside the procedures of the bench.
func (b *bench) watchful() {
	b.Helper()
	folder := make(fstest.MapFS)
	for name, text := range orgFiles() {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for _, name := range []string{"watchfulness.yaml", "change-management.yaml", "calendar.yaml"} {
		text, err := fs.ReadFile(policies.Example(), name)
		if err != nil {
			b.Fatal(err)
		}
		folder["shipped-"+name] = &fstest.MapFile{Data: text}
	}
	b.v.okta.group("00g1examplechangeboard", "uOwner")
	set, err := policies.Load(folder)
	if err != nil {
		b.Fatal(err)
	}
	b.set, b.stages = set, []reconcile.Stage{&watching.Stage{Policies: set, Self: func() access.UserID { return self }}}
	b.r = b.reconciler(b.holder)
	b.settle()
}

// logged puts events into the System Log, a minute apart.
func (b *bench) logged(n int, e access.Event) {
	for i := range n {
		b.v.clock.add(20 * time.Second)
		e.ID, e.Published = access.EventID(fmt.Sprintf("w%d-%d-%s-%s", len(b.v.okta.log), i, e.Type, e.Actor.ID)), b.v.clock.now
		b.v.okta.log = append(b.v.okta.log, e)
	}
}

// declined lets an owner decline requests of somebody.
func (b *bench) declined(n int, by access.UserID) {
	for range n {
		key := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: by, about: by, system: "Wiki"})
		b.v.jira.answer(key, ticket.Declined, "uOwner")
		later(time.Minute)(b)
	}
}

func TestTheShippedRulesSeeWhatTheySayAndNoLess(t *testing.T) {
	denied := func(actor string, failed bool) access.Event {
		return access.Event{Type: "user.session.start", Actor: access.Actor{ID: actor, Type: "User"}, Succeeded: !failed}
	}
	granted := func(kind string, ok bool) access.Event {
		return access.Event{Type: "user.account.privilege.grant", Actor: access.Actor{ID: "uDan", Type: kind}, Succeeded: ok}
	}
	limited := access.Event{Type: "system.org.rate_limit.violation", Actor: access.Actor{ID: "okta", Type: "SystemPrincipal"}, Succeeded: true}
	for name, c := range map[string]struct {
		kind finding.Kind
		do   func(*bench)
		want int
	}{
		"ten denials of one":                         {"repeated-denials", func(b *bench) { b.logged(10, denied("uAda", true)) }, 1},
		"nine denials of one":                        {"repeated-denials", func(b *bench) { b.logged(9, denied("uAda", true)) }, 0},
		"ten denials of two":                         {"repeated-denials", func(b *bench) { b.logged(5, denied("uAda", true)); b.logged(5, denied("uBob", true)) }, 0},
		"ten successes of one":                       {"repeated-denials", func(b *bench) { b.logged(10, denied("uAda", false)) }, 0},
		"three requests of one declined":             {"failed-approvals", func(b *bench) { b.declined(3, "uAda") }, 1},
		"two requests of one declined":               {"failed-approvals", func(b *bench) { b.declined(2, "uAda") }, 0},
		"three requests of three declined":           {"failed-approvals", func(b *bench) { b.declined(1, "uAda"); b.declined(1, "uBob"); b.declined(1, "uCyd") }, 0},
		"three requests of people whom nobody knows": {"failed-approvals", func(b *bench) { b.declined(1, "uX1"); b.declined(1, "uX2"); b.declined(1, "uX3") }, 0},
		"an approval that does not count": {"policy-violation", func(b *bench) {
			b.v.jira.approve(b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uAda", about: "uAda", system: "Wiki"}), "uBob")
		}, 1},
		"an approval that counts":           {"policy-violation", func(b *bench) { b.wikiFor("uAda", time.Time{}) }, 0},
		"an administrator without a change": {"admin-change", func(b *bench) { b.logged(1, granted("User", true)) }, 1},
		"a program that changes something":  {"admin-change", func(b *bench) { b.logged(1, granted("SystemPrincipal", true)) }, 0},
		"an administrator who was not let":  {"admin-change", func(b *bench) { b.logged(1, granted("User", false)) }, 0},
		"five limits within an hour":        {"rate-limit", func(b *bench) { b.logged(5, limited) }, 1},
		"four limits within an hour":        {"rate-limit", func(b *bench) { b.logged(4, limited) }, 0},
		"a console on a Sunday": {"unusual-hours", func(b *bench) {
			b.v.clock.now = time.Date(2026, 11, 29, 11, 0, 0, 0, time.UTC)
			b.settle()
			b.logged(1, access.Event{Type: "user.session.access_admin_app", Actor: access.Actor{ID: "uDan", Type: "User"}, Succeeded: true})
		}, 1},
		"a console at ten on a Tuesday": {"unusual-hours", func(b *bench) {
			b.v.clock.now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
			b.settle()
			b.logged(1, access.Event{Type: "user.session.access_admin_app", Actor: access.Actor{ID: "uDan", Type: "User"}, Succeeded: true})
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.watchful()
			c.do(b)
			later(10 * time.Second)(b)
			b.settle()
			if got := b.findings(c.kind); len(got) != c.want {
				t.Errorf("%d findings, want %d: %+v", len(got), c.want, got)
			}
		})
	}
}
