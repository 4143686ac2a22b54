package crashtest

import (
	"database/sql"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/mocks/world"
)

// The environment variables that this test looks at.
const (
	// crashesVariable is how often the program is killed on each database; 4 when it is not set.
	crashesVariable = "SOPD_CRASHES"
	// seedVariable repeats a run.
	seedVariable = "SOPD_CRASH_SEED"
)

// number reads a variable.
func number(t *testing.T, variable string, fallback uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is no number", variable, text)
	}
	return n
}

// site is an organisation, the gates around the program, and the program.
type site struct {
	world  *world.World
	gates  *gates
	env    map[string]string
	hooked string // where the vendors send their webhooks
	*program
}

func newSite(t *testing.T, binary, database string) *site {
	t.Helper()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	dir := t.TempDir()
	s := &site{world: w, gates: newGates(t), env: w.Env()}
	if err := w.WritePolicies(filepath.Join(dir, "policies")); err != nil {
		t.Fatal(err)
	}
	widen(t, filepath.Join(dir, "policies", "guards.yaml"))
	maps.Copy(s.env, s.doors())
	maps.Copy(s.env, map[string]string{
		"SOPD_POLICY_DIR": filepath.Join(dir, "policies"), "SOPD_DATA_DIR": dir, "SOPD_DATABASE_URL": database,
		"SOPD_WRITE": "true", "SOPD_INTERVAL": "1s",
	})
	s.program = newProgram(t, binary, s.env)
	s.hooked = s.gates.to("webhook", "http://"+s.listen)
	s.do("adopt")
	return s
}

// doors opens gates of their own for one replica.
func (s *site) doors() map[string]string {
	return map[string]string{
		"SOPD_OKTA_URL": s.gates.to("okta", s.world.Okta.URL()), "SOPD_JIRA_URL": s.gates.to("jira", s.world.Jira.URL()),
		"SOPD_OPSGENIE_URL": s.gates.to("opsgenie", s.world.Opsgenie.URL()),
	}
}

// widen lets more be removed in an hour than the organisation allows: a day's work happens in a minute here.
func widen(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer("removalsPerHour: 50", "removalsPerHour: 5000", "removalPercent: 5\n", "removalPercent: 50\n",
		"groupRemovalPercent: 25", "groupRemovalPercent: 90", "people: 5", "people: 20").Replace(string(text))
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// place is where the program is struck: at a request, and what makes it come.
type place struct {
	name   string
	at     func(seen) bool
	event  func(*day)
	before bool // the vendor does not see the request any more
}

func request(gate, method, part string) func(seen) bool {
	return func(s seen) bool {
		done := s.status == 0 || s.status/100 == 2 // 0: not answered yet
		return s.gate == gate && s.method == method && strings.Contains(s.path, part) && done
	}
}

// opening is a new ticket.
func opening(s seen) bool {
	return request("jira", "POST", "/issue")(s) && strings.HasSuffix(s.path, "/rest/api/2/issue")
}

func places() []place {
	anything := func(seen) bool { return true }
	return []place{
		{name: "a membership was given", at: request("okta", "PUT", "/groups/"), event: (*day).give},
		{name: "a comment was posted", at: request("jira", "POST", "comment"), event: (*day).give},
		{name: "anywhere", at: anything, event: (*day).lend},
		{name: "a ticket was moved", at: request("jira", "POST", "transitions"), event: (*day).give},
		{name: "a webhook was answered", at: request("webhook", "POST", "/webhooks/"), event: (*day).give},
		{name: "a membership was taken", at: request("okta", "DELETE", "/groups/"), event: (*day).leave},
		{name: "sessions were ended", at: request("okta", "DELETE", "/sessions"), event: (*day).leave},
		{name: "a file was attached", at: request("jira", "POST", "attach"), event: (*day).validate},
		{name: "anywhere", at: anything, event: (*day).revoke},
		{name: "a page was sent", at: request("opsgenie", "POST", "/v2/alerts"), event: (*day).drift},
		{name: "a ticket was opened", at: opening, event: (*day).alarm},
		{name: "a note was left on an alert", at: request("opsgenie", "POST", "/notes"), event: (*day).alarm},
		{name: "an alert was closed", at: request("opsgenie", "POST", "/close"), event: (*day).resolve},
		{name: "a membership was taken", at: request("okta", "DELETE", "/groups/"), event: (*day).deactivate},
		{name: "anywhere", at: anything, event: (*day).give},
		// The last ones are for long runs: what was intended and not done is taken for lost after a minute only.
		{name: "a membership is about to be given", at: request("okta", "PUT", "/groups/"), event: (*day).give, before: true},
		{name: "a comment is about to be posted", at: request("jira", "POST", "comment"), event: (*day).give, before: true},
		{name: "a ticket is about to be opened", at: opening, event: (*day).alarm, before: true},
		{name: "a note is about to be left on an alert", at: request("opsgenie", "POST", "/notes"), event: (*day).alarm, before: true},
		{name: "a membership is about to be taken", at: request("okta", "DELETE", "/groups/"), event: (*day).leave, before: true},
	}
}

// strikeOnce kills the program at the n-th request (from 1) of the place, before whoever sent it hears the answer. The
// returned channel gets the request when it is dead.
func (s *site) strikeOnce(p place, n int) <-chan seen {
	var mu sync.Mutex
	hit := make(chan seen, 1)
	axe := func(r seen) {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 || !p.at(r) {
			return
		}
		if n--; n == 0 {
			s.kill()
			hit <- r
		}
	}
	if p.before {
		s.gates.strike(axe, nil)
	} else {
		s.gates.strike(nil, axe)
	}
	return hit
}

func TestAProgramThatIsKilledLosesNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	binary := programtest.Build(t)
	storetest.Each(t, func(t *testing.T, database string) {
		t.Parallel()
		seed := number(t, seedVariable, uint64(time.Now().UnixNano()))
		crashes := int(number(t, crashesVariable, 4))
		t.Logf("%s=%d", seedVariable, seed)
		s := newSite(t, binary, database)
		d := newDay(t, s.world, rand.New(rand.NewPCG(seed, 0)))
		s.start()
		if err := s.world.Hook(s.hooked); err != nil {
			t.Fatal(err)
		}
		all := places()
		for i := range crashes {
			s.crash(t, d, all[i%len(all)])
		}
		s.verdict(t, d)
	})
}

// verdict waits until all is done, stops the program, and judges what is left.
func (s *site) verdict(t *testing.T, d *day) {
	t.Helper()
	s.settled(t, d)
	if err := s.stop(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	convene(t, s).judge(storetest.OpenURL(t, s.env["SOPD_DATABASE_URL"], nil), s.gates.passed())
}

// patience is how long a place may take to be reached.
const patience = 15 * time.Second

// crash lets things happen, kills the program at the place, lets more happen, and starts it again.
func (s *site) crash(t *testing.T, d *day, p place) {
	t.Helper()
	n := 1
	if p.name == "anywhere" {
		n = 1 + d.random.IntN(60)
	}
	began := time.Now()
	hit := s.strikeOnce(p, n)
	p.event(d)
	if d.random.IntN(2) == 0 {
		d.give()
	}
	where := "nothing came"
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-hit:
		where = describe(r)
	case <-timer.C:
		s.kill()
	}
	t.Logf("killed after %s: %s, %s", time.Since(began).Round(time.Millisecond), p.name, where)
	s.gates.strike(nil, nil)
	if d.random.IntN(3) == 0 { // nobody hears of this but by looking
		d.give()
	}
	s.elapse(t)
	s.start()
}

// elapse is the time that people would wait: the leases of the dead run out on PostgreSQL, as half a minute does (on SQLite
// the program finds out by itself that nobody else is alive), and a ticket whose opening nobody heard of is looked for, as
// happens after ten minutes.
func (s *site) elapse(t *testing.T) {
	t.Helper()
	statements := []string{"UPDATE effects SET next = 0 WHERE done = 0 AND error = 'being opened'"}
	if !strings.HasPrefix(s.env["SOPD_DATABASE_URL"], "sqlite:") {
		statements = append(statements, "UPDATE leases SET until = 0")
	}
	s.execute(t, statements...)
}

// execute changes what is in the database behind the program's back.
func (s *site) execute(t *testing.T, statements ...string) {
	t.Helper()
	driver, name := "pgx", s.env["SOPD_DATABASE_URL"]
	if path, ok := strings.CutPrefix(name, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until everything that has to be so is so, and nothing has been written for a while.
func (s *site) settled(t *testing.T, d *day) {
	t.Helper()
	began := time.Now()
	if !eventually(t.Context(), 3*time.Minute, func() bool { return len(d.missing()) == 0 }) {
		t.Fatalf("not so in the end:\n%s", strings.Join(d.missing(), "\n"))
	}
	writes, since := s.gates.writes(), time.Now()
	s.until("nothing more is written", time.Minute, func() bool {
		if n := s.gates.writes(); n != writes {
			writes, since = n, time.Now()
		}
		return time.Since(since) > 2500*time.Millisecond
	})
	t.Logf("settled after %s, %d things wanted", time.Since(began).Round(time.Millisecond), len(d.wants))
	if missing := d.missing(); len(missing) > 0 {
		t.Errorf("not so any more:\n%s", strings.Join(missing, "\n"))
	}
}
