package rules_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
)

// step is what the ledger says of a confirmed step of a playbook.
type step struct {
	Incident string        `json:"incident,omitempty"`
	Step     change.Kind   `json:"step"`
	By       access.UserID `json:"by,omitempty"`
}

func TestAContainmentNeedsTheIncidentTheStepAndSomebodyElseWhoMay(t *testing.T) {
	sound := step{"INC-1", change.Suspend, "uSec"}
	for name, c := range map[string]struct {
		spoil func(*step)
		group access.GroupID
		late  time.Duration
		want  int // rules broken
	}{
		"as it should be":      {func(*step) {}, "", 0, 0},
		"another step":         {func(s *step) { s.Step = change.ClearSessions }, "", 0, 1},
		"another group":        {func(*step) {}, "gPay", 0, 1},
		"no incident":          {func(s *step) { s.Incident = "" }, "", 0, 1},
		"nobody":               {func(s *step) { s.By = "" }, "", 0, 1},
		"on their own word":    {func(s *step) { s.By = "uCyd" }, "", 0, 1},
		"somebody who may not": {func(s *step) { s.By = "uDan" }, "", 0, 1},
		"recorded afterwards":  {func(*step) {}, "", time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.set.Incident = &policies.Incident{Containment: policies.Containment{Authorised: catalog.People{Groups: []access.GroupID{"gSec"}}}}
			s.record()
			said := sound
			c.spoil(&said)
			at := noon.Add(4 * time.Minute)
			s.write(func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.PlaybookStep, At: at.Add(c.late), User: "uCyd", Group: c.group, Body: said})
				return err
			})
			s.carryOut(change.Change{
				ID: change.NewID(at), Kind: change.Suspend, Reason: change.Containment, User: "uCyd", Plan: "p3",
				Policy: "incident-response@1.0.0", Intended: at,
			})
			s.user("uCyd", func(u *access.User) { u.Status = access.Suspended })
			if found := s.broken(); len(found) != c.want || c.want == 1 && found[0] != 1 {
				t.Errorf("broken: %v", found)
			}
		})
	}
}
