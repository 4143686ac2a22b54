package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/mocks/world"
)

// site is a world and the environment of a daemon that works with it.
type site struct {
	world *world.World
	env   map[string]string
}

func newSite(t *testing.T) site {
	t.Helper()
	w, err := world.New(world.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	env, err := demoEnvironment(w, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env["SOPD_LISTEN"], env["SOPD_LOG_LEVEL"] = "127.0.0.1:0", "error"
	return site{world: w, env: env}
}

// sopd runs a command to its end.
func (s site) sopd(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = run(t.Context(), args, console{In: strings.NewReader(""), Out: &o, Err: &e, Env: lookup(s.env)})
	return code, o.String(), e.String()
}

// start runs the daemon until stop is called, which returns what it ended with.
func (s site) start(t *testing.T) (address string, stop func() error) {
	t.Helper()
	d, err := connect(t.Context(), console{Err: os.Stderr, Env: lookup(s.env)}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	bound, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- errors.Join(d.run(ctx, func(a net.Addr) { bound <- a }), d.close()) }()
	select {
	case a := <-bound:
		address = "http://" + a.String()
	case err := <-ended:
		cancel()
		t.Fatalf("the daemon ended: %v", err)
	}
	stop = func() error {
		cancel()
		return <-ended
	}
	return address, stop
}

// eventually waits until held, at most 20 seconds.
func eventually(t *testing.T, what string, held func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !held() {
		select {
		case <-deadline.C:
			t.Fatalf("not within 20 s: %s", what)
		case <-tick.C:
		}
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func approvedRequest(t *testing.T, w *world.World) world.Key {
	t.Helper()
	key, err := w.Request(world.AccessRequest{By: "clara", For: "clara", System: "payments", Role: "operator"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Approve("odile", key); err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTheWayInFromCheckToEnforcement(t *testing.T) {
	s := newSite(t)
	if code, out, errs := s.sopd(t, "check"); code != exitDone || !strings.Contains(out, "ok       Okta") {
		t.Fatalf("check: %d\n%s%s", code, out, errs)
	}
	if code, out, _ := s.sopd(t, "adopt", "--json"); code != exitDone || !strings.Contains(out, `"memberships": `) {
		t.Fatalf("adopt: %d\n%s", code, out)
	}
	if code, out, _ := s.sopd(t, "plan"); code != exitDone || !strings.Contains(out, "Nothing to do.") {
		t.Fatalf("plan after adopt: %d\n%s", code, out)
	}
	key := approvedRequest(t, s.world)
	code, out, errs := s.sopd(t, "plan", "--json")
	var p planJSON
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != exitChanges || len(p.Changes) != 1 || string(p.Changes[0].Ticket) != string(key) {
		t.Fatalf("plan: %d, %v\n%s%s", code, err, out, errs)
	}
	if s.world.InGroup("clara", "payments-operators") {
		t.Fatal("plan changed something")
	}
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("run --once: %d %s", code, errs)
	}
	if !s.world.InGroup("clara", "payments-operators") {
		t.Error("the approved access is not there")
	}
	s.explains(t, key)
}

// explains follows the chain from the ticket to the change and back.
func (s site) explains(t *testing.T, key world.Key) {
	t.Helper()
	code, out, errs := s.sopd(t, "explain", string(key))
	if code != exitDone || !strings.Contains(out, "CHG-") || !strings.Contains(out, "approved as system-owner") {
		t.Fatalf("explain %s: %d\n%s%s", key, code, out, errs)
	}
	id := out[strings.Index(out, "CHG-"):][:30]
	code, out, errs = s.sopd(t, "explain", "--json", id)
	if code != exitDone || !strings.Contains(out, `"change.intended"`) || !strings.Contains(out, `"change.confirmed"`) {
		t.Errorf("explain %s: %d\n%s%s", id, code, out, errs)
	}
	if !strings.Contains(strings.Join(s.world.Comments(key), "\n"), id) {
		t.Errorf("no comment on %s names %s", key, id)
	}
	if code, _, _ := s.sopd(t, "explain", "CHG-00000000000000000000000000"); code != exitFailed {
		t.Errorf("explain of an unknown change: %d", code)
	}
}

func TestWithWritesOffNothingOutsideIsChanged(t *testing.T) {
	s := newSite(t)
	s.env["SOPD_WRITE"] = "false"
	key := approvedRequest(t, s.world)
	before := len(s.world.Comments(key))
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("%d %s", code, errs)
	}
	if s.world.InGroup("clara", "payments-operators") || len(s.world.Comments(key)) != before || len(s.world.OpenAlerts()) != openAlertsOf(newSite(t)) {
		t.Error("something outside was changed")
	}
}

func openAlertsOf(s site) int { return len(s.world.OpenAlerts()) }

func TestTheDaemonServesFiguresAndHealth(t *testing.T) {
	s := newSite(t)
	address, stop := s.start(t)
	eventually(t, "ready", func() bool { status, _ := get(t, address+"/readyz"); return status == http.StatusOK })
	for path, want := range map[string]string{
		"/healthz": "alive", "/": "<h1>sopd</h1>", "/metrics": "sopd_pass_last_success_timestamp_seconds 1.",
	} {
		if status, body := get(t, address+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
	if status, _ := get(t, address+"/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing: %d", status)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPollingAloneReachesTheSameEnd(t *testing.T) {
	s := newSite(t)
	s.env["SOPD_INTERVAL"] = "1s"
	_, stop := s.start(t) // no webhook is registered
	key := approvedRequest(t, s.world)
	eventually(t, "access", func() bool { return s.world.InGroup("clara", "payments-operators") })
	eventually(t, "status", func() bool { return s.world.Status(key) == "Waiting for validation" })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestTheLedgerIsSignedAndAnchored(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	keyFile, anchors := filepath.Join(dir, "ledger.key"), filepath.Join(dir, "anchors")
	code, public, errs := s.sopd(t, "keys", "generate", "--origin", "sopd.example.com/ledger", "--out", keyFile)
	if code != exitDone || strings.Contains(public, "PRIVATE") {
		t.Fatalf("%d %s%s", code, public, errs)
	}
	s.env["SOPD_LEDGER_KEY_FILE"], s.env["SOPD_ANCHOR_PATH"] = keyFile, anchors
	if code, out, _ := s.sopd(t, "check"); code != exitDone || !strings.Contains(out, "ledger: signed and anchored") {
		t.Errorf("check: %d %s", code, out)
	}
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatal(errs)
	}
	_, stop := s.start(t)
	eventually(t, "an anchor", func() bool {
		text, err := os.ReadFile(anchors)
		return err == nil && strings.Contains(string(text), "sopd.example.com/ledger")
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAnExpiryDoesNotWaitForThePoll(t *testing.T) {
	s := newSite(t)
	s.env["SOPD_INTERVAL"] = "1h"
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatal(errs)
	}
	address, stop := s.start(t)
	if err := s.world.Hook(address); err != nil {
		t.Fatal(err)
	}
	key, err := s.world.Request(world.AccessRequest{By: "gwen", System: "payments", Role: "operator", Until: time.Now().Add(4 * time.Second)})
	if err == nil {
		err = s.world.Approve("odile", key)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "access", func() bool { return s.world.InGroup("gwen", "payments-operators") })
	eventually(t, "its end", func() bool { return !s.world.InGroup("gwen", "payments-operators") })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAStoppedDaemonGoesOnWhereItStopped(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatal(errs)
	}
	key := approvedRequest(t, s.world)
	for i := range 5 { // stopped a moment later each time
		_, stop := s.start(t)
		moment := time.NewTimer(time.Duration(i*30) * time.Millisecond)
		<-moment.C
		if err := stop(); err != nil {
			t.Fatalf("stop %d: %v", i, err)
		}
	}
	_, stop := s.start(t)
	eventually(t, "validation", func() bool { return s.world.Status(key) == "Waiting for validation" })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := s.world.Added("clara", "payments-operators"); n != 1 {
		t.Errorf("added %d times", n)
	}
	counts := map[string]int{}
	for _, c := range s.world.Comments(key) {
		counts[c]++
		if counts[c] > 1 {
			t.Errorf("said twice: %.80s", c)
		}
	}
}

func TestAHeldPlanIsLetThroughOnceByAPerson(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatal(errs)
	}
	for _, name := range []string{"amara", "hugo", "jonas", "yuki", "theo", "ines", "paula", "piotr"} {
		key, err := s.world.Offboard("karim", name, time.Now())
		if err == nil {
			err = s.world.Approve("jeanne", key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := len(s.world.Groups("amara"))
	if code, _, _ := s.sopd(t, "run", "--once"); code != exitStopped {
		t.Fatalf("a mass departure: exit code %d", code)
	}
	if len(s.world.Groups("amara")) != before {
		t.Fatal("something was removed")
	}
	code, out, _ := s.sopd(t, "holds", "list")
	if code != exitDone || !strings.Contains(out, "HLD-") {
		t.Fatalf("holds list: %d %s", code, out)
	}
	id := out[strings.Index(out, "HLD-"):][:30]
	if code, _, _ := s.sopd(t, "holds", "approve", id); code != exitUsage {
		t.Errorf("approved without a reason: %d", code)
	}
	if code, _, errs := s.sopd(t, "holds", "approve", id, "--reason", "the team of the closed office leaves"); code != exitDone {
		t.Fatalf("approve: %d %s", code, errs)
	}
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("after the approval: %d %s", code, errs)
	}
	if len(s.world.Groups("amara")) >= before {
		t.Error("nothing was removed")
	}
	if code, _, _ := s.sopd(t, "holds", "approve", id, "--reason", "once more, to see whether it works"); code != exitStopped {
		t.Errorf("a used hold was approved again: %d", code)
	}
	if code, out, errs := s.sopd(t, "holds"); code != exitDone || out != "No plan waits for a decision.\n" {
		t.Errorf("holds: %d %s%s", code, out, errs)
	}
	if code, out, errs := s.sopd(t, "holds", "--all"); code != exitDone || !strings.Contains(out, id) {
		t.Errorf("holds --all: %d %s%s", code, out, errs)
	}
	if code, _, _ := s.sopd(t, "holds", "lsit"); code != exitUsage {
		t.Errorf("a word that is no command: %d", code)
	}
}

func TestAVendorThatRefusesTheCredentialEndsWithTwoAndChangesNothing(t *testing.T) {
	s := newSite(t)
	approvedRequest(t, s.world)
	s.env["SOPD_OKTA_TOKEN"], s.env["SOPD_JIRA_TOKEN"], s.env["SOPD_OPSGENIE_KEY"] = "wrong", "wrong", "wrong"
	for _, args := range [][]string{{"check"}, {"run", "--once"}, {"run"}, {"plan"}} {
		code, out, errs := s.sopd(t, args...)
		if code != exitUsage {
			t.Errorf("%v: %d", args, code)
		}
		for _, vendor := range []string{"Okta", "Jira", "Opsgenie"} {
			if !strings.Contains(out+errs, vendor+":") {
				t.Errorf("%v does not name %s:\n%s%s", args, vendor, out, errs)
			}
		}
	}
	if s.world.InGroup("clara", "payments-operators") {
		t.Error("something was changed")
	}
}

func TestTheMainStoryHolds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	code, out, errs := s.sopd(t, "demo", "--once", "--json")
	if code != exitDone {
		t.Fatalf("%d\n%s\n%s", code, out, errs)
	}
	var result demoResult
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Changes) < 10 || len(result.KPIs) == 0 || len(result.Expectations) < 15 {
		t.Errorf("%d changes, %d promises, %d expectations", len(result.Changes), len(result.KPIs), len(result.Expectations))
	}
	for _, c := range result.Changes {
		if c.Outcome != change.Confirmed {
			t.Errorf("%+v", c)
		}
	}
	s.consistent(t)
}

// TestTheStoriesOfProofHold plays at the same time what the main story has nothing of: who stands in for whom, what does not
// go together, and tickets that go.
func TestTheStoriesOfProofHold(t *testing.T) {
	for _, name := range []string{"delegate", "transition-approval", "sod-conflict", "ticket-deleted"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if code, out, errs := s.sopd(t, "demo", "--story", name, "--once", "--json"); code != exitDone {
				t.Fatalf("%d\n%s\n%s", code, out, errs)
			}
			s.consistent(t)
		})
	}
}

// consistent checks that the store that a story left holds a record for each change.
func (s site) consistent(t *testing.T) {
	t.Helper()
	st, err := openStore(t.Context(), console{Err: os.Stderr, Env: lookup(s.env)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	err = st.Read(t.Context(), func(tx *store.Tx) error {
		changes, err := tx.ChangesSince(time.Time{})
		if err != nil {
			return err
		}
		for _, c := range changes {
			records, err := tx.RecordsByChange(c.ID)
			if err != nil {
				return err
			}
			if c.State == change.Confirmed && len(records) < 3 { // a story may end before the last one is settled
				return fmt.Errorf("%s has %d records", c.ID, len(records))
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
