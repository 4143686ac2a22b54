package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func outboxCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"the same effect twice is one effect": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				fresh, err := tx.PutEffect(change.Effect{Key: "EA-1/told", Ticket: "EA-1", Kind: change.Comment, Body: "first", Created: noon})
				b.want(fresh, true)
				again, err2 := tx.PutEffect(change.Effect{Key: "EA-1/told", Ticket: "EA-1", Kind: change.Comment, Body: "second", Created: noon})
				b.want(again, false)
				e, _, err3 := tx.Effect("EA-1/told")
				b.want(e.Body, "first")
				return firstError(err, err2, err3)
			})
		},
		"an effect waits for the one before it": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutEffect(change.Effect{Key: "EB-1/comment", Ticket: "EB-1", Created: noon.Add(time.Second)})
				_, err2 := tx.PutEffect(change.Effect{Key: "EB-1/close", Ticket: "EB-1", After: "EB-1/comment", Created: noon})
				return firstError(err, err2)
			})
			b.want(due(b), []string{"EB-1/comment"})
			b.write(func(tx *store.Tx) error {
				return firstError(tx.EffectDone("EB-1/comment", noon), tx.EffectDone("EB-1/comment", noon.Add(time.Hour)))
			})
			b.read(func(tx *store.Tx) error {
				e, _, err := tx.Effect("EB-1/comment")
				b.want(e.Done, noon)
				return err
			})
			b.want(due(b), []string{"EB-1/close"})
		},
		"what follows the opening of a ticket is told on that ticket": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutEffect(change.Effect{Key: "EO/open", Kind: change.Open, Created: noon})
				_, err2 := tx.PutEffect(change.Effect{Key: "EO/file", Kind: change.Attach, Body: "x", After: "EO/open", Created: noon})
				_, err3 := tx.PutEffect(change.Effect{Key: "EO/else", Ticket: "EO-9", Kind: change.Comment, After: "EO/open", Created: noon})
				return firstError(err, err2, err3)
			})
			b.want(due(b), []string{"EO/open"})
			b.write(func(tx *store.Tx) error { return tx.EffectOpened("EO/open", "EO-7", noon) })
			b.read(func(tx *store.Tx) error {
				on := map[string]ticket.Key{}
				all, err := tx.EffectsAfter("EO/open")
				for _, e := range all {
					on[e.Key] = e.Ticket
				}
				b.want(on, map[string]ticket.Key{"EO/file": "EO-7", "EO/else": "EO-9"})
				listed, err2 := tx.EffectsByTicket("EO-7")
				b.want(len(listed), 2)
				return firstError(err, err2)
			})
			b.want(due(b), []string{"EO/else", "EO/file"})
		},
		"a file that is attached is kept no longer": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutEffect(change.Effect{Key: "EF-1/file", Ticket: "EF-1", Kind: change.Attach, Name: "a.csv", Body: "u1;u2", Created: noon})
				_, err2 := tx.PutEffect(change.Effect{Key: "EF-1/said", Ticket: "EF-1", Kind: change.Comment, Body: "done", Created: noon})
				return firstError(err, err2, tx.EffectDone("EF-1/file", noon), tx.EffectDone("EF-1/said", noon))
			})
			b.read(func(tx *store.Tx) error {
				file, _, err := tx.Effect("EF-1/file")
				said, _, err2 := tx.Effect("EF-1/said")
				b.want([]string{file.Body, file.Name, said.Body}, []string{"", "a.csv", "done"})
				return firstError(err, err2)
			})
		},
		"an effect after an unknown one is refused": func(b *bench) {
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error {
				_, err := tx.PutEffect(change.Effect{Key: "EC-1/x", After: "EC-1/nothing", Created: noon})
				return err
			}), access.ErrInvalid)
		},
		"an effect that is postponed is due later and has used up no attempt": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutEffect(change.Effect{Key: "EP-1/x", Created: noon})
				for range store.MaxAttempts + 1 {
					err = firstError(err, tx.EffectPostponed("EP-1/x", "unavailable", noon.Add(time.Minute)))
				}
				return err
			})
			b.want(due(b), []string{})
			b.clock.now = noon.Add(time.Minute)
			b.want(due(b), []string{"EP-1/x"})
			b.read(func(tx *store.Tx) error {
				e, _, err := tx.Effect("EP-1/x")
				b.want(e.Attempts, 0)
				b.want(e.Error, "unavailable")
				return err
			})
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error {
				return tx.EffectPostponed("EP-1/nothing", "unavailable", noon)
			}), access.ErrNotFound)
		},
		"an effect that keeps failing is parked and can be taken back": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutEffect(change.Effect{Key: "ED-1/x", Created: noon})
				for range store.MaxAttempts {
					err = firstError(err, tx.EffectFailed("ED-1/x", "permission denied"))
				}
				return err
			})
			b.want(due(b), []string{})
			b.read(func(tx *store.Tx) error {
				parked, err := tx.EffectsParked()
				b.want(len(parked), 1)
				b.want(parked[0].Error, "permission denied")
				q, err2 := tx.Queue()
				b.want(q.Parked, int64(1))
				return firstError(err, err2)
			})
			b.write(func(tx *store.Tx) error { return tx.RetryEffect("ED-1/x") })
			b.want(due(b), []string{"ED-1/x"})
		},
		"marking an effect that is not there is an error": func(b *bench) {
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error { return tx.EffectDone("none", noon) }), access.ErrNotFound)
		},
		"the same page twice is one page, sent once": func(b *bench) {
			alert := paging.NewAlert{Alias: "sopd-hold-1", Message: "A plan is held", Priority: 2, Tags: []string{"sopd"}}
			b.write(func(tx *store.Tx) error {
				first, err := tx.PutPage(alert, noon)
				again, err2 := tx.PutPage(alert, noon)
				b.want([]bool{first, again}, []bool{true, false})
				return firstError(err, err2, tx.PageFailed("sopd-hold-1", "unavailable"))
			})
			b.read(func(tx *store.Tx) error {
				pages, err := tx.PagesDue(10)
				b.want(pages, []store.Page{{NewAlert: alert, Created: noon, Attempts: 1, Error: "unavailable"}})
				return err
			})
			b.write(func(tx *store.Tx) error { return tx.PageSent("sopd-hold-1", noon) })
			b.read(func(tx *store.Tx) error {
				pages, err := tx.PagesDue(10)
				b.want(len(pages), 0)
				return err
			})
		},
	}
}

func due(b *bench) []string {
	b.Helper()
	var keys []string
	b.read(func(tx *store.Tx) error {
		effects, err := tx.EffectsDue(100)
		for _, e := range effects {
			keys = append(keys, e.Key)
		}
		return err
	})
	return keys
}
