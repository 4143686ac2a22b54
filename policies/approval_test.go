package policies_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/policies"
)

const proofText = `  - role: system-owner
    owners: true
    stillEligible: true
    deputies:
      - {for: 00uOwner1, users: [00uDeputy1], from: 2026-12-01, until: 2026-12-31}
      - {for: 00uOwner1, groups: [00gDeputies]}
    absent: {role: security-lead, groups: [00gLeads]}
  - role: security-operations`

const transitionText = `proof: transition
transitions:
  - {from: [Waiting for approval, Review], to: [Approved]}
expiryRequired:`

const dutiesText = `apiVersion: sopd/v1
kind: SeparationOfDuties
rules:
  - name: pay-and-audit
    reason: who pays does not audit
    sides:
      - [{system: payments, role: operator}]
      - [{system: payments, role: Auditor}]
    exemptions:
      - {user: 00uBoss1, reason: small team, approved: board, until: 2026-12-31}
    exception:
      role: risk-committee
      groups: [00gRisk]
`

// proofs is the sound folder with everything that approvals may say.
func proofs() map[string]string {
	files := sound()
	access := strings.Replace(files["access.yaml"], "  - role: system-owner\n    owners: true\n  - role: security-operations", proofText, 1)
	files["access.yaml"] = strings.Replace(access, "expiryRequired:", transitionText, 1)
	files["catalog.yaml"] += "      - name: Auditor\n        groups: [payments-operators]\n"
	files["duties.yaml"] = dutiesText
	return files
}

func TestWhoStandsInForWhomCompiles(t *testing.T) {
	set, err := policies.Load(folder(proofs()))
	if err != nil {
		t.Fatal(err)
	}
	sop, _ := set.Kind(policies.KindAccessProvisioning)
	want := authority.Approval{
		Role: "system-owner", Owners: true, StillEligible: true,
		Deputies: []authority.Deputy{
			{
				For: "00uOwner1", People: catalog.People{Users: []access.UserID{"00uDeputy1"}},
				From: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
			},
			{For: "00uOwner1", People: catalog.People{Groups: []access.GroupID{"00gDeputies"}}},
		},
		Absent: authority.Substitute{Role: "security-lead", People: catalog.People{Groups: []access.GroupID{"00gLeads"}}},
	}
	if diff := cmp.Diff(want, sop.Rules.Approvals[0]); diff != "" {
		t.Error(diff)
	}
	transitions := []authority.Transition{{From: "Waiting for approval", To: "Approved"}, {From: "Review", To: "Approved"}}
	if diff := cmp.Diff(transitions, sop.Rules.Transitions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]access.GroupID{"00gDeputies", "00gLeads", "00gRisk", "00gSecops"}, set.Eligible()); diff != "" {
		t.Errorf("eligible groups:\n%s", diff)
	}
}

func TestDutiesThatAreKeptApartCompile(t *testing.T) {
	set, err := policies.Load(folder(proofs()))
	if err != nil {
		t.Fatal(err)
	}
	want := []authority.Separation{{
		Name: "pay-and-audit", Reason: "who pays does not audit",
		Sides:      [][]authority.Duty{{{System: "payments", Role: "Operator"}}, {{System: "payments", Role: "Auditor"}}},
		Exemptions: []authority.Exemption{{User: "00uBoss1", Reason: "small team", Approved: "board", Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}},
		Exception:  &authority.Approval{Role: "risk-committee", People: catalog.People{Groups: []access.GroupID{"00gRisk"}}},
	}}
	if diff := cmp.Diff(want, set.Separations); diff != "" {
		t.Error(diff)
	}
	sop, _ := set.Kind(policies.KindAccessProvisioning)
	if diff := cmp.Diff(want, sop.Rules.Separations); diff != "" {
		t.Errorf("of the procedure:\n%s", diff)
	}
}

func TestOnlyApprovalObjectsCountUnlessAPolicySaysOtherwise(t *testing.T) {
	files := sound()
	for _, proof := range []string{"", "proof: approval\n"} {
		files["access.yaml"] = accessText + proof
		set, err := policies.Load(folder(files))
		if err != nil {
			t.Fatal(err)
		}
		if sop, _ := set.Kind(policies.KindAccessProvisioning); len(sop.Rules.Transitions) > 0 {
			t.Errorf("with %q transitions count: %v", proof, sop.Rules.Transitions)
		}
	}
}

func TestEveryProblemOfWhoMayApproveIsTold(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"a deputy of nobody", "access.yaml", "{for: 00uOwner1, groups", "{groups", `"" is not an Okta user ID`},
		{"a deputy who is not named", "access.yaml", ", groups: [00gDeputies]", "", "nobody stands in for 00uOwner1"},
		{"a deputy of themselves", "access.yaml", "[00uDeputy1]", "[00uOwner1]", "00uOwner1 stands in for themselves"},
		{"a deputy by login", "access.yaml", "[00uDeputy1]", "[ada@example.com]", `"ada@example.com" is not an Okta user ID`},
		{"a term that ends before it begins", "access.yaml", "until: 2026-12-31", "until: 2026-11-30", "lies before from"},
		{"a term that is no day", "access.yaml", "until: 2026-12-31", "until: soon", `is "soon"; write a day`},
		{"an absence that nobody answers for", "access.yaml", ", groups: [00gLeads]", "", "nobody answers for those who are absent"},
		{"an absence without a role", "access.yaml", "role: security-lead, ", "", "write small letters, digits and hyphens"},
		{"a proof that is none", "access.yaml", "proof: transition", "proof: status", "write one of: approval, transition"},
		{"transitions that do not count", "access.yaml", "proof: transition\n", "", "transitions count only with proof: transition"},
		{"a transition from nowhere", "access.yaml", "from: [Waiting for approval, Review]", "from: []", "name the statuses from which"},
		{"a transition to itself", "access.yaml", "Review]", "Approved]", `leads from "Approved" to itself`},
		{"a transition that approves nothing", "access.yaml", "to: [Approved]", "to: [Review]", "no transition leads to a status in which sopd acts"},

		{"a rule without rules", "duties.yaml", "rules:", "rules: []\nwas:", "unknown field"},
		{"a rule without a name", "duties.yaml", "name: pay-and-audit", "name: Pay & audit", `name is "Pay & audit"`},
		{"a rule without a reason", "duties.yaml", "    reason: who pays does not audit\n", "", "reason is missing"},
		{"one side", "duties.yaml", "      - [{system: payments, role: Auditor}]\n", "", "a rule keeps at least two sides apart"},
		{"an empty side", "duties.yaml", "[{system: payments, role: Auditor}]", "[]", "the side names no role"},
		{"a role on two sides", "duties.yaml", "role: Auditor", "role: Operator", "payments/Operator stands on two sides"},
		{"a system that is not there", "duties.yaml", "system: payments, role: Auditor", "system: moon, role: Auditor", `system "moon" is not in the catalog`},
		{"a system by its name", "duties.yaml", "system: payments, role: Auditor", "system: Payments, role: Auditor", `system "Payments" is not in the catalog`},
		{"a role that is not there", "duties.yaml", "role: Auditor", "role: Astronaut", `system "payments" has no role "Astronaut"`},
		{"an exemption without an end", "duties.yaml", ", until: 2026-12-31", "", "an exemption has an end"},
		{"an exemption without a reason", "duties.yaml", "reason: small team, ", "", "reason is missing"},
		{"an exemption that nobody approved", "duties.yaml", "approved: board, ", "", "approved is missing"},
		{"an exemption of a login", "duties.yaml", "00uBoss1", "boss@example.com", `"boss@example.com" is not an Okta user ID`},
		{"an exception that nobody may give", "duties.yaml", "      groups: [00gRisk]\n", "", `nobody may give approval "risk-committee"`},
		{"an exception with a condition", "duties.yaml", "      groups: [00gRisk]\n", "      groups: [00gRisk]\n      when: \"true\"\n", "an exception has no condition"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := proofs()
			if !strings.Contains(files[c.file], c.old) {
				t.Fatalf("the sound file does not hold %q", c.old)
			}
			files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
			_, err := policies.Load(folder(files))
			var all *policies.Error
			if !errors.As(err, &all) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file+":") {
				t.Errorf("problems:\n%v\nwant one with:\n%s", err, c.want)
			}
		})
	}
}

func TestARuleThatStandsTwiceIsAProblemAndSoIsAFileWithout(t *testing.T) {
	files := proofs()
	files["more.yaml"] = dutiesText
	if _, err := policies.Load(folder(files)); err == nil || !strings.Contains(err.Error(), `rule "pay-and-audit" stands twice`) {
		t.Errorf("problems: %v", err)
	}
	files["more.yaml"] = "apiVersion: sopd/v1\nkind: SeparationOfDuties\nrules: []\n"
	if _, err := policies.Load(folder(files)); err == nil || !strings.Contains(err.Error(), "name at least one rule") {
		t.Errorf("problems: %v", err)
	}
}
