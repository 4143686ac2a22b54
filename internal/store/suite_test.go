package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// noon is the instant at which the suite's stories begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is a clock that stands until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// bench is one empty store for one case.
type bench struct {
	*testing.T
	store *store.Store
	clock *clock
}

func (b *bench) write(fn func(*store.Tx) error) {
	b.Helper()
	storetest.Write(b.T, b.store, fn)
}

func (b *bench) read(fn func(*store.Tx) error) {
	b.Helper()
	storetest.Read(b.T, b.store, fn)
}

// want fails the test when got is not want.
func (b *bench) want(got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("(-want +got)\n%s", diff)
	}
}

// refused fails the test unless err has the cause.
func (b *bench) refused(err, cause error) {
	b.Helper()
	if !errors.Is(err, cause) {
		b.Errorf("got error %v, want %v", err, cause)
	}
}

// TestSuite holds the store to every promise of the package, each on an empty database of its own, on every engine.
func TestSuite(t *testing.T) {
	for _, cases := range []map[string]func(*bench){
		transactionCases(), ledgerCases(), directoryCases(), ticketCases(), changeCases(), outboxCases(), personCases(), queueCases(),
		factCases(), receiveCases(), lookupCases(), lifeCases(), procedureCases(), eligibilityCases(), scaleCases(), incidentCases(), originalCases(),
	} {
		for name, test := range cases {
			t.Run(name, func(t *testing.T) {
				storetest.Each(t, func(t *testing.T, url string) {
					c := &clock{now: noon}
					test(&bench{T: t, store: storetest.OpenURL(t, url, c.Now), clock: c})
				})
			})
		}
	}
}

func transactionCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a write that fails leaves nothing": func(b *bench) {
			failure := errors.New("no")
			err := b.store.Write(b.Context(), func(tx *store.Tx) error {
				if err := tx.PutGroup(access.Group{ID: "rolledback"}); err != nil {
					return err
				}
				if _, err := tx.Append(ledger.Entry{Kind: ledger.PlanProposed, At: noon}); err != nil {
					return err
				}
				return failure
			})
			b.refused(err, failure)
			b.read(func(tx *store.Tx) error {
				_, found, err := tx.Group("rolledback")
				b.want(found, false)
				return err
			})
		},
		"a panic inside a write leaves nothing and the store goes on": func(b *bench) {
			func() {
				defer func() { _ = recover() }()
				_ = b.store.Write(b.Context(), func(tx *store.Tx) error {
					if err := tx.PutGroup(access.Group{ID: "panicked"}); err != nil {
						return err
					}
					panic("process dies here")
				})
			}()
			b.write(func(tx *store.Tx) error {
				_, found, err := tx.Group("panicked")
				b.want(found, false)
				return err
			})
		},
		"a read cannot write": func(b *bench) {
			err := b.store.Read(b.Context(), func(tx *store.Tx) error { return tx.PutGroup(access.Group{ID: "smuggled"}) })
			b.refused(err, access.ErrInvalid)
		},
		"a read sees one snapshot": func(b *bench) {
			b.write(func(tx *store.Tx) error { return tx.PutGroup(access.Group{ID: "snap", Name: "before"}) })
			b.read(func(tx *store.Tx) error {
				if _, _, err := tx.Group("snap"); err != nil {
					return err
				}
				b.write(func(tx *store.Tx) error { return tx.PutGroup(access.Group{ID: "snap", Name: "after"}) })
				group, _, err := tx.Group("snap")
				b.want(group.Name, "before")
				return err
			})
		},
	}
}
