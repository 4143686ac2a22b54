package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
)

func incidentCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"an alert is kept as it was last read": func(b *bench) {
			a := incident.Alert{Alert: paging.Alert{ID: "al1", Message: "x", Open: true, Created: noon, Updated: noon}}
			b.write(func(tx *store.Tx) error { return tx.PutAlert(a) })
			a.Open, a.Updated = false, noon.Add(time.Minute)
			b.write(func(tx *store.Tx) error { return tx.PutAlert(a) })
			b.read(func(tx *store.Tx) error {
				got, found, err := tx.Alert("al1")
				b.want(found && !got.Open, true)
				b.want(got.Updated, a.Updated)
				_, found, err2 := tx.Alert("al-nobody")
				b.want(found, false)
				since, err3 := tx.AlertsSince(noon.Add(time.Minute))
				b.want(len(since), 1)
				later, err4 := tx.AlertsSince(noon.Add(time.Hour))
				b.want(len(later), 0)
				return firstError(err, err2, err3, err4)
			})
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error { return tx.PutAlert(incident.Alert{}) }), access.ErrInvalid)
		},
		"an incident is found by its parts, and a part stays where it is": func(b *bench) {
			one, two := incident.Begin("alert/ip1", noon, noon), incident.Begin("alert/ip2", noon, noon)
			one.Alerts, one.TicketID, two.Alerts = []paging.AlertID{"ip1"}, "77001", []paging.AlertID{"ip1", "ip2"}
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutIncident(one), tx.PutIncident(two), tx.PutIncident(one))
			})
			b.read(func(tx *store.Tx) error {
				for part, want := range map[string]incident.ID{"alert/ip1": one.ID, "ticket/77001": one.ID, "alert/ip2": two.ID} {
					got, found, err := tx.IncidentOf(part)
					if err != nil {
						return err
					}
					b.want(found, true)
					b.want(got.ID, want)
				}
				_, found, err := tx.IncidentOf("alert/ip9")
				b.want(found, false)
				return err
			})
		},
		"only incidents for which something is to happen are live": func(b *bench) {
			r := incident.Begin("alert/live", noon, noon)
			b.write(func(tx *store.Tx) error { return tx.PutIncident(r) })
			live := func() (n int) {
				b.read(func(tx *store.Tx) error {
					all, err := tx.LiveIncidents()
					for _, one := range all {
						if one.ID == r.ID {
							n++
						}
					}
					return err
				})
				return n
			}
			b.want(live(), 1)
			r.Milestones[incident.Closed] = incident.Moment{At: noon}
			b.write(func(tx *store.Tx) error { return tx.PutIncident(r) })
			b.want(live(), 0)
			b.read(func(tx *store.Tx) error {
				got, found, err := tx.Incident(r.ID)
				b.want(found && got.Reached(incident.Closed), true)
				return err
			})
		},
		"orders are kept with when they were read": func(b *bench) {
			orders := []incident.Order{{Ref: "comment/1/2", Command: incident.Command{Verb: incident.Told}, At: noon}}
			b.write(func(tx *store.Tx) error { return tx.PutOrders("ticket/78001", orders, noon.Add(time.Minute)) })
			b.read(func(tx *store.Tx) error {
				got, readAt, err := tx.Orders("ticket/78001")
				b.want(got, orders)
				b.want(readAt, noon.Add(time.Minute))
				_, readAt, err2 := tx.Orders("ticket/78002")
				b.want(readAt.IsZero(), true)
				return firstError(err, err2)
			})
		},
	}
}
