package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// lookupCases are the questions that the other cases do not ask.
func lookupCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"groups and events are found alone and in order": func(b *bench) {
			early := access.Event{ID: "e1", Published: noon, Type: "a"}
			late := access.Event{ID: "e0", Published: noon.Add(time.Second), Type: "b"}
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutEvents([]access.Event{late, early})
				return firstError(err, tx.PutGroup(access.Group{ID: "gb"}), tx.PutGroup(access.Group{ID: "gB", Name: "n"}))
			})
			b.read(func(tx *store.Tx) error {
				groups, err := tx.Groups()
				b.want(groups, []access.Group{{ID: "gB", Name: "n"}, {ID: "gb"}})
				event, found, err2 := tx.Event("e0")
				b.want(found, true)
				b.want(event, late)
				var order []access.EventID
				err3 := tx.EachEventSince(noon, func(e access.Event) error { order = append(order, e.ID); return nil })
				b.want(order, []access.EventID{"e1", "e0"})
				return firstError(err, err2, err3)
			})
		},
		"changes are found by user and time": func(b *bench) {
			old, young := intended("CHG-1"), intended("CHG-2")
			young.Intended = noon.Add(time.Hour)
			b.write(func(tx *store.Tx) error { return firstError(tx.PutChange(young), tx.PutChange(old)) })
			b.read(func(tx *store.Tx) error {
				byUser, err := tx.ChangesByUser("uc")
				b.want(byUser, []change.Change{old, young})
				since, err2 := tx.ChangesSince(noon.Add(time.Hour))
				b.want(since, []change.Change{young})
				return firstError(err, err2)
			})
		},
		"tickets are found by ID and know when they were read": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutTicket(ticket.Ticket{ID: "1", Key: "A-1"}, noon), tx.PutBadTicket("A-1", "c", noon), tx.DropBadTicket("A-1"))
			})
			b.read(func(tx *store.Tx) error {
				tk, found, err := tx.TicketByID("1")
				b.want(found, true)
				b.want(tk.Key, ticket.Key("A-1"))
				at, known, err2 := tx.TicketFreshness("1")
				b.want(at, noon)
				b.want(known, true)
				bad, err3 := tx.BadTickets()
				b.want(len(bad), 0)
				_, _, approved, err4 := tx.Approvals("A-1")
				b.want(approved, false)
				return firstError(err, err2, err3, err4)
			})
		},
		"what is about a person is found by person": func(b *bench) {
			m := access.Membership{Group: "g", User: "u"}
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutFinding(finding.Finding{Key: "k", User: "u", Raised: noon})
				_, err2 := tx.PutFinding(finding.Finding{Key: "other", User: "v", Raised: noon})
				return firstError(err, err2, tx.PutBaseline(store.Baseline{Membership: m}), tx.SetMember(m),
					tx.PutGrant(change.Grant{ID: "x", User: "u", Group: "g"}))
			})
			b.read(func(tx *store.Tx) error {
				findings, err := tx.FindingsAbout("u")
				b.want(len(findings), 1)
				baseline, err2 := tx.BaselineOf("u")
				b.want(baseline, []store.Baseline{{Membership: m}})
				n, err3 := tx.CountMembers()
				b.want(n, int64(1))
				_, found, err4 := tx.Grant("x")
				b.want(found, true)
				return firstError(err, err2, err3, err4)
			})
		},
		"pages are parked and taken back": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutPage(paging.NewAlert{Alias: "a"}, noon)
				for range store.MaxAttempts {
					err = firstError(err, tx.PageFailed("a", "unavailable"))
				}
				parked, err2 := tx.PagesParked()
				b.want(len(parked), 1)
				b.want(parked[0].Attempts, store.MaxAttempts)
				err3 := tx.RetryPage("a")
				due, err4 := tx.PagesDue(1)
				b.want(len(due), 1)
				return firstError(err, err2, err3, err4)
			})
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error { return tx.RetryPage("none") }), access.ErrNotFound)
		},
		"an effect that failed a third time waits before the next": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutEffect(change.Effect{Key: "E-1/x", Ticket: "E-1", Created: noon})
				return firstError(err, tx.EffectFailed("E-1/x", "throttled"), tx.EffectFailed("E-1/x", "throttled"))
			})
			b.want(due(b), []string{"E-1/x"})
			b.write(func(tx *store.Tx) error { return tx.EffectFailed("E-1/x", "throttled") })
			b.want(due(b), []string{})
			b.clock.now = noon.Add(10 * time.Second)
			b.want(due(b), []string{"E-1/x"})
			b.read(func(tx *store.Tx) error {
				all, err := tx.EffectsByTicket("E-1")
				b.want(all[0].Attempts, 3)
				return err
			})
		},
		"records are read in pieces and edited ones are refused": func(b *bench) {
			b.write(func(tx *store.Tx) error { _, err := tx.Append(someEntries(5)...); return err })
			b.read(func(tx *store.Tx) error {
				middle, err := tx.Records(2, 2)
				b.want(len(middle), 2)
				b.want(middle[0].Seq, int64(2))
				proof, err2 := ledger.ProveRecord(5, 2, tx)
				size, root, err3 := tx.TreeHash()
				b.want(ledger.CheckRecord(middle[0], proof, ledger.Checkpoint{Size: size, Root: root}), error(nil))
				return firstError(err, err2, err3)
			})
		},
		"a ping answers and the engine is known": func(b *bench) {
			b.want(b.store.Ping(b.Context()), error(nil))
			sqlite, postgres := b.store.RiverSQLite() != nil, b.store.RiverPostgres() != nil
			b.want(sqlite, b.store.Engine() == store.SQLite)
			b.want(postgres, b.store.Engine() == store.Postgres)
		},
		"holds of a plan are found, open ones too": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutHold(hold.Hold{ID: "HLD-B", PlanHash: "p", State: hold.Open, Plan: []byte("1")}),
					tx.PutHold(hold.Hold{ID: "HLD-A", PlanHash: "p", State: hold.Open, Plan: []byte("1")}))
			})
			b.read(func(tx *store.Tx) error {
				all, err := tx.HoldsByPlan("p")
				b.want([]hold.ID{all[0].ID, all[1].ID}, []hold.ID{"HLD-A", "HLD-B"})
				open, err2 := tx.Holds(hold.Open)
				b.want(len(open), 2)
				return firstError(err, err2)
			})
		},
	}
}
