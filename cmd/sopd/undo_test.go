package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

func TestAChangeIsTakenBackOnASecondPersonsWord(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatalf("adopt: %d %s", code, errs)
	}
	key := approvedRequest(t, s.world)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("run --once: %d %s", code, errs)
	}
	_, out, _ := s.sopd(t, "explain", string(key))
	id := out[strings.Index(out, "CHG-"):][:30]
	code, out, errs := s.sopd(t, "explain", "--undo", id)
	if code != exitDone || !strings.Contains(out, "sopd holds approve HLD-") {
		t.Fatalf("undo: %d\n%s%s", code, out, errs)
	}
	holdID := out[strings.Index(out, "HLD-"):][:30]
	code, out, _ = s.sopd(t, "explain", "--undo", "--json", id)
	var h hold.Hold
	if err := json.Unmarshal([]byte(out), &h); err != nil || code != exitDone || string(h.ID) != holdID || h.Kind != hold.Undo || h.RequestedBy == "" {
		t.Errorf("asked again: %d, %v, %+v", code, err, h)
	}
	if code, _, errs := s.sopd(t, "holds", "approve", holdID, "--reason", "the request named the wrong person"); code != exitStopped || !strings.Contains(errs, "somebody else") {
		t.Errorf("who asked approved it: %d %s", code, errs)
	}
	if code, out, _ := s.sopd(t, "holds", "list"); code != exitDone || !strings.Contains(out, "undo of "+id) {
		t.Errorf("holds list: %d\n%s", code, out)
	}
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone || !s.world.InGroup("clara", "payments-operators") {
		t.Errorf("taken back without a word: %d %s", code, errs)
	}
}

func TestWhatIsNoChangeOrCannotBeTakenBackIsRefusedWithTheReason(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatalf("adopt: %d %s", code, errs)
	}
	for subject, want := range map[string]int{"ACC-1": exitUsage, "CHG-00000000000000000000000000": exitFailed} {
		if code, _, errs := s.sopd(t, "explain", "--undo", subject); code != want {
			t.Errorf("undo of %s: %d %s", subject, code, errs)
		}
	}
	key, err := s.world.Offboard("karim", "marek", time.Now())
	if err == nil {
		err = s.world.Approve("jeanne", key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("run --once: %d %s", code, errs)
	}
	_, out, _ := s.sopd(t, "explain", string(key))
	id := out[strings.Index(out, "Change CHG-")+7:][:30]
	if code, _, errs := s.sopd(t, "explain", "--undo", id); code != exitStopped || !strings.Contains(errs, "cannot be undone") {
		t.Errorf("undo for a leaver: %d %s", code, errs)
	}
	delete(s.env, "SOPD_POLICY_DIR")
	if code, _, errs := s.sopd(t, "explain", "--undo", id); code != exitUsage || !strings.Contains(errs, "SOPD_POLICY_DIR") {
		t.Errorf("without policies: %d %s", code, errs)
	}
}

func TestWhereMembershipsComeFromIsSaid(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatalf("adopt: %d %s", code, errs)
	}
	approvedRequest(t, s.world)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("run --once: %d %s", code, errs)
	}
	id := s.world.Person("clara").OktaID
	code, out, errs := s.sopd(t, "explain", id)
	for _, want := range []string{"payments-operators: ticket ACC-", "ledger-accountants: baseline", "wiki-readers: rule"} {
		if code != exitDone || !strings.Contains(out, want) {
			t.Errorf("explain does not say %q: %d\n%s%s", want, code, out, errs)
		}
	}
	code, out, errs = s.sopd(t, "plan", "--json", "--memberships")
	var p planJSON
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != exitDone {
		t.Fatalf("plan: %d, %v\n%s", code, err, errs)
	}
	group := access.GroupID(s.world.Group("payments-operators").ID)
	i := slices.IndexFunc(p.Memberships[group], func(h plan.Held) bool { return string(h.User) == id })
	if i < 0 || p.Memberships[group][i].Sources[0].Origin != plan.ByTicket {
		t.Errorf("memberships of %s: %+v", group, p.Memberships[group])
	}
	if code, out, _ := s.sopd(t, "plan", "--json"); code != exitDone || strings.Contains(out, "memberships") {
		t.Errorf("memberships without being asked: %d", code)
	}
}
