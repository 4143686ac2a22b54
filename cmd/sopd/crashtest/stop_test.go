package crashtest

import (
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// atOnce is how many changes the program has under way at a time.
const atOnce = 5

// TestAProgramThatIsToldToStopFinishesWhatItBegan sends SIGTERM while Okta works on changes: the answers are waited for and
// recorded, no other change is begun, and the program ends with 0.
func TestAProgramThatIsToldToStopFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	binary := programtest.Build(t)
	storetest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, binary, database)
		d := newDay(t, s.world, rand.New(rand.NewPCG(1, 2)))
		for range atOnce + 3 { // three of which are not to be begun
			d.give()
		}
		told := make(chan *life, 1)
		var first atomic.Bool // several changes come at a time, and a second signal would not be waited for
		s.gates.strike(nil, func(r seen) {
			if !request("okta", "PUT", "/groups/")(r) || !first.CompareAndSwap(false, true) {
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
			if len(made) < 1 || len(made) > atOnce {
				t.Errorf("%d on record after the stop, want at most %d", len(made), atOnce)
			}
			for _, c := range made {
				if c.State != change.Applied && c.State != change.Confirmed {
					t.Errorf("on record after the stop: %+v", c)
				}
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
