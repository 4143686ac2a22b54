package store_test

import (
	"math"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func procedureCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a procedure's tickets are found by what they lack and when they are due again": func(b *bench) {
			lacks := store.Proceeding{SOP: "s", Ticket: "VND-1", Standing: store.Lacking, Missing: []string{"paper"}}
			whole := store.Proceeding{SOP: "s", Ticket: "VND-2", Standing: store.Complete, Next: noon.Add(time.Hour), Turn: 1}
			early := store.Proceeding{SOP: "s", Ticket: "VND-3", Standing: store.Early}
			past := store.Proceeding{SOP: "s", Ticket: "VND-4", Standing: store.Past}
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutProceeding(early), tx.PutProceeding(whole), tx.PutProceeding(lacks), tx.PutProceeding(past))
			})
			b.read(func(tx *store.Tx) error {
				lacking, err := tx.ProceedingsLacking()
				b.want(lacking, []store.Proceeding{lacks})
				none, err2 := tx.ProceedingsDue(noon)
				b.want(len(none), 0)
				due, err3 := tx.ProceedingsDue(noon.Add(time.Hour))
				b.want(due, []store.Proceeding{whole})
				shares, err4 := tx.Coverage()
				b.want(shares, map[string]kpi.Share{"s": {Part: 1, Total: 3}})
				one, found, err5 := tx.Proceeding("s", "VND-1")
				b.want(one, lacks)
				b.want(found, true)
				return firstError(err, err2, err3, err4, err5)
			})
			b.write(func(tx *store.Tx) error { return tx.DropProceeding("s", "VND-1") })
			b.read(func(tx *store.Tx) error {
				_, found, err := tx.Proceeding("s", "VND-1")
				b.want(found, false)
				return err
			})
		},
		"tickets are handed out in the order in which they were read, each once": func(b *bench) {
			for i, key := range []ticket.Key{"A-1", "A-2", "A-3", "A-4"} {
				at := noon.Add(time.Duration(min(i, 2)) * time.Minute)
				b.write(func(tx *store.Tx) error {
					return tx.PutTicket(ticket.Ticket{ID: ticket.ID(key), Key: key, Project: "A", Updated: noon}, at)
				})
			}
			b.read(func(tx *store.Tx) error {
				var all []ticket.Key
				var place store.Place
				for range 5 {
					tickets, last, err := tx.TicketsRead(place, 1)
					if err != nil {
						return err
					}
					for _, t := range tickets {
						all = append(all, t.Key)
					}
					place = last
				}
				b.want(all, []ticket.Key{"A-1", "A-2", "A-3", "A-4"})
				return nil
			})
		},
		"facts are recorded in the ledger once, corrections as such": func(b *bench) {
			first := kpi.Fact{ID: "f", Subject: "A-1", Name: "n", At: noon, Recorded: noon, Source: "x"}
			second := kpi.Fact{ID: "g", Subject: "A-1", Name: "n", At: noon, Recorded: noon, Source: "x", Corrects: "f"}
			for range 2 {
				b.write(func(tx *store.Tx) error {
					_, err := tx.RecordFacts("A-1", first, second)
					return err
				})
			}
			b.read(func(tx *store.Tx) error {
				var kinds []ledger.Kind
				err := tx.EachRecord(0, func(r ledger.Record) error { kinds = append(kinds, r.Kind); return nil })
				b.want(kinds, []ledger.Kind{ledger.FactRecorded, ledger.FactCorrected})
				n := 0
				err2 := tx.EachRecordSince(ledger.FactCorrected, noon, func(ledger.Record) error { n++; return nil })
				b.want(n, 1)
				named, err3 := tx.FactsNamed("n", noon)
				b.want(len(named), 2)
				late, err4 := tx.FactsNamed("n", noon.Add(time.Second))
				b.want(len(late), 0)
				return firstError(err, err2, err3, err4)
			})
		},
		"a subject is stale from its fact until its cycles are kept, and all are when the clocks change": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutFacts([]kpi.Fact{{ID: "1", Subject: "B", Name: "n", At: noon}, {ID: "2", Subject: "A", Name: "n", At: noon}})
				return err
			})
			stale := func(want ...string) {
				b.Helper()
				b.read(func(tx *store.Tx) error {
					got, err := tx.StaleSubjects("", 10)
					b.want(got, want)
					return err
				})
			}
			stale("A", "B")
			b.write(func(tx *store.Tx) error { return tx.Fresh("A") })
			stale("B")
			b.write(func(tx *store.Tx) error { return tx.AllStale() })
			stale("A", "B")
		},
		"events are found by their types": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				var events []access.Event
				for i, kind := range []string{"a.b", "a.bc", "c.d.e", "c.x", "a.b"} {
					events = append(events, access.Event{ID: access.EventID(rune('1' + i)), Published: noon.Add(time.Duration(i-1) * time.Minute), Type: kind})
				}
				_, err := tx.PutEvents(events)
				return err
			})
			b.read(func(tx *store.Tx) error {
				var got []string
				err := tx.EachEventOf([]string{"a.b", "c.d.*"}, noon, func(e access.Event) error { got = append(got, e.Type); return nil })
				b.want(got, []string{"c.d.e", "a.b"})
				none := tx.EachEventOf(nil, noon, func(access.Event) error { b.Error("an event of no type"); return nil })
				return firstError(err, none)
			})
		},
		"what is counted can be taken back": func(b *bench) {
			one := store.Ended{
				Cell: store.Cell{Tally: store.Tally{SOP: "s", KPI: "k", Severity: "high"}, Day: 20_000, Outcome: kpi.Met, Bound: 2, Native: -3},
				N:    1, Micros: time.Hour.Microseconds(), Took: time.Hour, Change: "CHG-1",
			}
			other := one
			other.Day, other.Outcome, other.Micros, other.Change = 20_001, kpi.Breached, 3*time.Hour.Microseconds(), ""
			back := other
			back.N, back.Micros = -1, -other.Micros
			b.write(func(tx *store.Tx) error { return firstError(tx.Count(one), tx.Count(other)) })
			b.read(func(tx *store.Tx) error {
				ever, err := tx.CompletedSince(math.MinInt64)
				b.want(ever, map[store.Tally]map[kpi.Outcome]int64{one.Tally: {kpi.Met: 1, kpi.Breached: 1}})
				lately, err2 := tx.CompletedSince(20_001)
				b.want(lately, map[store.Tally]map[kpi.Outcome]int64{one.Tally: {kpi.Breached: 1}})
				return firstError(err, err2)
			})
			b.write(func(tx *store.Tx) error { return tx.Count(back) })
			b.read(func(tx *store.Tx) error {
				cells, err := tx.Spreads()
				b.want(cells, []store.Spread{{Tally: one.Tally, Bound: 2, Native: -3, N: 1, Micros: time.Hour.Microseconds(), Change: "CHG-1", Took: time.Hour}})
				return err
			})
		},
		"tasks and reviews are found while they are open": func(b *bench) {
			task := store.Task{Name: "a/t", Period: "2026-W48", Opens: noon, Ends: noon.Add(time.Hour)}
			r := review.Review{ID: "r", State: review.Open, Opened: noon, Due: noon, Items: []review.Item{{Number: 1, Group: "g", User: "u"}}}
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutTask(task), tx.PutReview(r), tx.PutMembers("g", []access.UserID{"u"}, noon),
					tx.PutUnassigned("c", access.Membership{Group: "g", User: "u"}), tx.PutUnassigned("c", access.Membership{Group: "g", User: "gone"}))
			})
			b.read(func(tx *store.Tx) error {
				tasks, err := tx.OpenTasks("a/t")
				b.want(tasks, []store.Task{task})
				reviews, err2 := tx.Reviews(review.Open)
				b.want(reviews, []review.Review{r})
				members, err3 := tx.Unassigned("c")
				b.want(members, []access.Membership{{Group: "g", User: "u"}})
				return firstError(err, err2, err3)
			})
			task.Done, r.State = noon, review.Through
			b.write(func(tx *store.Tx) error { return firstError(tx.PutTask(task), tx.PutReview(r)) })
			b.read(func(tx *store.Tx) error {
				tasks, err := tx.OpenTasks("a/t")
				reviews, err2 := tx.Reviews(review.Open)
				b.want(len(tasks)+len(reviews), 0)
				one, found, err3 := tx.Review("r")
				b.want(one.State, review.Through)
				b.want(found, true)
				return firstError(err, err2, err3)
			})
		},
	}
}
