package crashtest

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// TestOneOfTwoReplicasIsKilledAndTheOtherGoesOn kills the one that decides, in the middle of a change, and restarts nothing:
// the other takes over when the dead one's leases run out.
func TestOneOfTwoReplicasIsKilledAndTheOtherGoesOn(t *testing.T) {
	t.Parallel()
	database := storetest.NewPostgres(t)
	s := newSite(t, programtest.Build(t), database)
	second := &site{world: s.world, gates: s.gates, env: maps.Clone(s.env), hooked: s.hooked}
	maps.Copy(second.env, s.doors())
	second.program = newProgram(t, s.binary, second.env)
	d := newDay(t, s.world, rand.New(rand.NewPCG(3, 4)))
	s.start()
	second.start()
	if err := s.world.Hook(s.hooked); err != nil {
		t.Fatal(err)
	}
	d.give()
	d.leave()
	s.settled(t, d)

	survivor := make(chan *site, 1)
	var once sync.Once
	s.gates.strike(nil, func(r seen) {
		if !request("okta", "PUT", "/groups/")(r) {
			return
		}
		once.Do(func() {
			dead, left := s, second
			if r.url == second.env["SOPD_OKTA_URL"] {
				dead, left = second, s
			}
			dead.kill()
			survivor <- left
		})
	})
	d.give()
	left := <-survivor
	began := time.Now()
	s.gates.strike(nil, nil)
	for range 3 {
		d.give()
	}
	d.leave()
	d.lend()
	d.revoke()
	left.verdict(t, d)
	t.Logf("all was done %s after the kill", time.Since(began).Round(time.Second))
}
