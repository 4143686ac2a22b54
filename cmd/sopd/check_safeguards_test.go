package main

import (
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/policies"
)

func TestCheckWarnsOfEverySafeguardThatIsLeftOut(t *testing.T) {
	whole := func() *policies.Set {
		return &policies.Set{
			Guards:        guard.Defaults(),
			Canaries:      policies.Canaries{User: "00u1exampleuser01", Group: "00g1examplegroup1", Ticket: "ACC-1"},
			HoldApprovers: map[string]access.UserID{"noor": "00u1exampleuser02"},
		}
	}
	if lines := checkSafeguards(whole()); len(lines) != 0 {
		t.Errorf("nothing is left out, and check says %v", lines)
	}
	for words, leave := range map[string]func(*policies.Set){
		"guard ":             func(s *policies.Set) { s.Guards.Removals = guard.Off },
		"no canary in Okta":  func(s *policies.Set) { s.Canaries.User = "" },
		"no canary in Okta:": func(s *policies.Set) { s.Canaries.Group = "" },
		"no canary in Jira":  func(s *policies.Set) { s.Canaries.Ticket = "" },
		"lets held plans":    func(s *policies.Set) { s.HoldApprovers = nil },
	} {
		s := whole()
		leave(s)
		lines := checkSafeguards(s)
		if len(lines) != 1 || !strings.Contains(lines[0].What, words) || !lines[0].Warning || lines[0].Fix == "" {
			t.Errorf("%s: %v", words, lines)
		}
	}
}
