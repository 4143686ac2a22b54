package policies_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

const catalogText = `apiVersion: sopd/v1
kind: Catalog
systems:
  - id: payments
    name: Payments
    risk: high
    mode: grant
    owners:
      users: [00uOwner1]
    groups:
      - id: 00gPay1
        name: payments-operators
        floor: 2
    roles:
      - name: Operator
        groups: [payments-operators]
`

const accessText = `apiVersion: sopd/v1
kind: AccessProvisioning
name: access-provisioning
title: Access provisioning
version: 1.2.0
effective: 2026-01-01
owner: Head of IT Operations
reviewer: Head of Security
nextReview: 2027-01-01
raci: {responsible: IT Operations, accountable: Head of IT Operations, consulted: Security, informed: Requester}
controls: [SOC2:CC6.1]
tickets:
  projects: [ACC]
  requestTypes: [Access request]
  statuses:
    waiting: [Waiting for approval]
    fulfil: [Approved]
    validate: Waiting for validation
    validated: [Validated]
    close: Closed
  fields: {beneficiary: Access for, system: System, role: Role, justification: Why, expires: Access until}
approvals:
  - role: system-owner
    owners: true
  - role: security-operations
    groups: [00gSecops]
    when: system.risk == "high"
expiryRequired: [high]
longestGrant: 365d
clocks:
  - kpi: fulfilment
    subject: ticket
    start: [request.requested]
    stop: [request.provisioned]
    target: {default: 2bd, high: 4h}
    calendar: office
    warn: [75%]
    owner: it-operations
`

const calendarText = `apiVersion: sopd/v1
kind: Calendar
name: office
zone: Europe/Paris
versions:
  - hours:
      monday: ["09:00-12:30", "13:30-18:00"]
      tuesday: ["09:00-18:00"]
    holidays: [fr]
    closed: [2026-12-24]
`

const guardsText = `apiVersion: sopd/v1
kind: Guards
removals: 10
removalPercent: off
protectedUsers: [00uGlass]
canaries: {user: 00uOwner1, group: 00gPay1}
`

const peopleText = `apiVersion: sopd/v1
kind: People
email: true
attribute: jiraAccountId
mapping: {"5b10": 00uOwner1}
`

func folder(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func sound() map[string]string {
	return map[string]string{
		"catalog.yaml": catalogText, "access.yaml": accessText, "calendar.yaml": calendarText,
		"guards.yaml": guardsText, "sub/people.yml": peopleText, "README.md": "not a policy",
	}
}

func TestASoundFolderCompiles(t *testing.T) {
	set, err := policies.Load(folder(sound()))
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Catalog{
		Systems: []catalog.System{{
			ID: "payments", Name: "Payments", Risk: catalog.High, Mode: catalog.Grant,
			Owners: catalog.People{Users: []access.UserID{"00uOwner1"}},
			Roles:  []catalog.Role{{Name: "Operator", Groups: []access.GroupID{"00gPay1"}}},
		}},
		Groups: []catalog.Group{{ID: "00gPay1", Name: "payments-operators", System: "payments", Floor: 2}},
	}
	if diff := cmp.Diff(want, set.Catalog); diff != "" {
		t.Error(diff)
	}
	sop, ok := set.SOP(ticket.Ticket{Project: "ACC", RequestType: "Access request"})
	if !ok || sop.ID() != "access-provisioning@1.2.0" || sop.Rules.LongestGrant != 365*24*time.Hour {
		t.Errorf("SOP = %+v, %v", sop, ok)
	}
	if set.Guards.Removals != 10 || set.Guards.RemovalPercent != guard.Off || set.Guards.Additions != guard.Defaults().Additions {
		t.Errorf("guards = %+v", set.Guards)
	}
	if len(set.Clocks) != 1 || set.Clocks[0].Targets[""].String() != "2bd" || set.Clocks[0].Calendar.Zone() != "Europe/Paris" {
		t.Errorf("clocks = %+v", set.Clocks)
	}
	if got := set.Eligible(); !cmp.Equal(got, []access.GroupID{"00gSecops"}) {
		t.Errorf("eligible groups = %v", got)
	}
	if got := set.Fields(); !cmp.Equal(got, []string{"Access for", "Access until", "Role", "System", "Why"}) {
		t.Errorf("fields = %v", got)
	}
}

func TestAConditionSeesTheRequest(t *testing.T) {
	set, err := policies.Load(folder(sound()))
	if err != nil {
		t.Fatal(err)
	}
	sop, _ := set.Kind(policies.KindAccessProvisioning)
	when := sop.Rules.Approvals[1].When
	for risk, want := range map[catalog.Risk]bool{catalog.High: true, catalog.Low: false} {
		got, err := when(authority.Facts{System: catalog.System{Risk: risk}})
		if err != nil || got != want {
			t.Errorf("risk %s: %v, %v; want %v", risk, got, err, want)
		}
	}
}

func TestEveryProblemIsToldWithItsPlace(t *testing.T) {
	cases := []struct {
		name, file, old, new, want string
	}{
		{"an unknown field", "catalog.yaml", "    risk: high", "    risq: high", `catalog.yaml:6:5: unknown field "risq"`},
		{"a wrong risk", "catalog.yaml", "risk: high", "risk: huge", `catalog.yaml:6:11: is "huge"; write one of: low, medium, high`},
		{"a login as owner", "catalog.yaml", "00uOwner1", "odile@example.com", `catalog.yaml:9:15: "odile@example.com" is not an Okta user ID`},
		{"no owner", "catalog.yaml", "      users: [00uOwner1]", "      users: []", `system "payments" has no owner`},
		{"an unknown group in a role", "catalog.yaml", "groups: [payments-operators]", "groups: [payments-admins]", `catalog.yaml:16:18: group "payments-admins" is not among the groups`},
		{"no approval", "access.yaml", "    owners: true\n", "", `nobody may give approval "system-owner"`},
		{"a wrong condition", "access.yaml", `system.risk == "high"`, `system.risk ==`, "Syntax error"},
		{"a condition that is no yes or no", "access.yaml", `system.risk == "high"`, `system.risk`, "it has to give true or false"},
		{"an unknown fact", "access.yaml", "stop: [request.provisioned]", "stop: [request.done]", `access.yaml:34:12: is "request.done"; write one of:`},
		{"an impossible target", "access.yaml", "default: 2bd", "default: soon", `is "soon"; write a whole number and a unit`},
		{"an unknown calendar", "access.yaml", "calendar: office", "calendar: beach", `there is no calendar "beach"`},
		{"a review before it takes effect", "access.yaml", "nextReview: 2027-01-01", "nextReview: 2025-01-01", "access.yaml:9:13: nextReview has to be"},
		{"a calendar without hours", "calendar.yaml", "monday", "funday", `"funday" is not a weekday`},
		{"a zone that is none", "calendar.yaml", "Europe/Paris", "Europe/Atlantis", `calendar.yaml:4:7: zone "Europe/Atlantis" is no IANA time zone`},
		{"a guard that is no number", "guards.yaml", "removals: 10", "removals: some", "guards.yaml:3:"},
		{"an answer that is neither", "guards.yaml", "removals: 10", "removals: 10\napprovedRemovals: maybe", `is "maybe"; write one of: hold, pass`},
		{"a floor of small groups that is no number", "guards.yaml", "removals: 10", "removals: 10\nsmallGroupFloor: -1", "write a whole number from 0, or off"},
		{"a canary that is no ticket", "guards.yaml", "canaries: {user: 00uOwner1, group: 00gPay1}", "canaries: {ticket: acc one}", "is not the key of a ticket"},
		{"an approver of holds without an Okta user", "guards.yaml", "removals: 10", "removals: 10\nholdApprovers: [{account: odile, user: o@example.com}]", `"o@example.com" is not an Okta user ID`},
		{"an approver of holds without an account", "guards.yaml", "removals: 10", "removals: 10\nholdApprovers: [{user: 00uOdile1}]", "account"},
		{"tickets of drift without a type", "guards.yaml", "removals: 10", "removals: 10\ndriftTickets: {project: SEC}", "both or neither"},
		{"an approver of holds twice", "guards.yaml", "removals: 10", "removals: 10\nholdApprovers: [{account: a, user: 00uA1}, {account: a, user: 00uB1}]", `account "a" stands twice`},
		{"a wrong version of the format", "guards.yaml", "sopd/v1", "sopd/v9", `guards.yaml:1:13: apiVersion is "sopd/v9"`},
		{"an unknown kind", "guards.yaml", "kind: Guards", "kind: Gards", `kind "Gards" is not known`},
		{"two documents in a file", "guards.yaml", "removals: 10", "removals: 10\n---\nkind: Guards", "holds 2 documents"},
		{"text that is not YAML", "guards.yaml", "removals: 10", "removals: [10", "guards.yaml:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := sound()
			if !strings.Contains(files[c.file], c.old) {
				t.Fatalf("the sound file does not hold %q", c.old)
			}
			files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
			set, err := policies.Load(folder(files))
			var all *policies.Error
			if !errors.As(err, &all) || set != nil {
				t.Fatalf("Load = %v, %v", set, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("problems:\n%v\nwant one with:\n%s", err, c.want)
			}
		})
	}
}

func TestAllProblemsOfAllFilesAreToldAtOnce(t *testing.T) {
	files := sound()
	files["catalog.yaml"] = strings.Replace(files["catalog.yaml"], "risk: high", "risk: huge", 1)
	files["guards.yaml"] = strings.Replace(files["guards.yaml"], "00uGlass", "break-glass", 1)
	_, err := policies.Load(folder(files))
	var all *policies.Error
	if !errors.As(err, &all) || len(all.Problems) != 2 {
		t.Errorf("problems: %v", err)
	}
}

func TestAnEmptyFolderIsAnError(t *testing.T) {
	if _, err := policies.Load(fstest.MapFS{}); err == nil {
		t.Error("no error")
	}
}

func FuzzLoad(f *testing.F) {
	for _, text := range sound() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := policies.Load(folder(map[string]string{"a.yaml": text}))
		if (set == nil) == (err == nil) {
			t.Errorf("set %v, error %v", set, err)
		}
	})
}

func TestAFileOfCommentsAloneIsPutAsideAndAnEmptyOneIsAMistake(t *testing.T) {
	files := fstest.MapFS{"aside.yaml": {Data: []byte("# a policy\n\n# kind: Watch\n")}}
	for name, f := range exampleFiles(t) {
		files[name] = f
	}
	if _, err := policies.Load(files); err != nil {
		t.Error(err)
	}
	files["aside.yaml"] = &fstest.MapFile{Data: []byte("\n")}
	if _, err := policies.Load(files); err == nil {
		t.Error("an empty file is taken")
	}
}

func exampleFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	names, err := fs.Glob(policies.Example(), "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(policies.Example(), name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: text}
	}
	return out
}
