package crashtest

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// parkedWork is what the command lists of one piece of parked work.
type parkedWork struct {
	ID    string `json:"id"`
	Cause string `json:"cause"`
}

// parked asks the program what is parked.
func (s *site) parked(t *testing.T) (all []parkedWork) {
	t.Helper()
	out, err := s.command(t.Context(), "parked", "list", "--json").Output()
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return all
}

func TestPoisonedWorkIsParkedShownAndRetriedByCommandWhileTheOthersGoOn(t *testing.T) {
	t.Parallel()
	binary := programtest.Build(t)
	storetest.Each(t, func(t *testing.T, database string) {
		t.Parallel()
		s := newSite(t, binary, database)
		d := newDay(t, s.world, rand.New(rand.NewPCG(5, 6)))
		s.start()
		if err := s.world.Hook(s.hooked); err != nil {
			t.Fatal(err)
		}
		d.give()
		poisoned := string(d.given[0].key)
		s.world.Jira.Fail(jiramock.Fault{Kind: jiramock.Refused, Method: "POST", Path: poisoned + "/comment", Times: -1})
		d.give() // another ticket, which nothing is wrong with
		healthy := string(d.given[1].key) + " in the end"
		s.until("the other ticket is served", time.Minute, func() bool { return d.wants[healthy]() })
		var found []parkedWork
		s.until("parked", time.Minute, func() bool {
			s.execute(t, "UPDATE effects SET next = 0 WHERE done = 0") // the hours between attempts pass
			found = s.parked(t)
			return len(found) > 0
		})
		if len(found) != 1 || !strings.HasPrefix(found[0].ID, "effect/"+poisoned) || found[0].Cause == "" {
			t.Fatalf("parked is %+v, want one comment on %s and why", found, poisoned)
		}
		if out, err := s.command(t.Context(), "parked", "show", found[0].ID).Output(); err != nil || !strings.Contains(string(out), poisoned) {
			t.Errorf("show: %v\n%s", err, out)
		}
		s.until("counted as parked", time.Minute, func() bool {
			_, figures := s.ask("/metrics")
			return strings.Contains(figures, `sopd_queue_depth{kind="parked"} 1`)
		})
		s.world.Jira.Heal()
		s.do("parked", "retry", found[0].ID)
		s.until("nothing is parked any more", time.Minute, func() bool { return len(s.parked(t)) == 0 })
		s.verdict(t, d)
	})
}
