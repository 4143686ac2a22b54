package crashtest

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// TestAProgramThatIsToldToStopFinishesWhatItBegan sends SIGTERM while Okta works on a change: the answer is waited for and
// recorded, no other change is begun, and the program ends with 0.
func TestAProgramThatIsToldToStopFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	binary := build(t)
	storetest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, binary, database)
		d := newDay(t, s.world, rand.New(rand.NewPCG(1, 2)))
		for range 3 { // two of which are not to be begun
			d.give()
		}
		told := make(chan *life, 1)
		s.gates.strike(nil, func(r seen) {
			if len(told) > 0 || !request("okta", "PUT", "/groups/")(r) {
				return
			}
			l := s.now()
			told <- l
			s.signal(syscall.SIGTERM)
			// It drains when it takes no more visitors; Okta's answer is still to come.
			eventually(t.Context(), 10*time.Second, func() bool { return !s.answers("/healthz") })
			if l.over() {
				t.Error("it did not wait for Okta's answer")
			}
		})
		s.start()
		l := <-told
		if err := s.ended(l); err != nil {
			t.Fatalf("it ended with %v", err)
		}
		st, err := store.Open(t.Context(), store.Options{URL: database, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		storetest.Read(t, st, func(tx *store.Tx) error {
			made, err := tx.ChangesSince(time.Time{})
			if len(made) != 1 || made[0].State != change.Applied && made[0].State != change.Confirmed {
				t.Errorf("on record after the stop: %+v", made)
			}
			return err
		})
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		s.gates.strike(nil, nil)
		s.start()
		if err := s.world.Hook(s.hooked); err != nil {
			t.Fatal(err)
		}
		d.validate() // of the one that was given, or another request
		s.verdict(t, d)
	})
}
