package policies_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/policies"
)

// example returns the example folder with a text in one of its files replaced.
func example(t *testing.T, file, from, to string) fstest.MapFS {
	t.Helper()
	folder := fstest.MapFS{}
	names, err := filepath.Glob("example/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no example: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(name)
		if base == file {
			if !strings.Contains(string(text), from) {
				t.Fatalf("%s does not hold %q", file, from)
			}
			text = []byte(strings.Replace(string(text), from, to, 1))
		}
		folder[base] = &fstest.MapFile{Data: text}
	}
	return folder
}

func TestBadIncidentAndRoutingPoliciesAreRefusedWithTheirPlace(t *testing.T) {
	const response, routing = "incident-response.yaml", "routing.yaml"
	for name, c := range map[string]struct{ file, from, to, want string }{
		"unknown severity":          {response, "severity: low", "severity: awful", "write one of: critical, high, medium, low"},
		"severity without reason":   {response, "    reason: nothing above holds\n", "", "reason is missing"},
		"last question may fail":    {response, "    reason: nothing above holds", "    when: priority == \"P5\"\n    reason: nothing above holds", "last question"},
		"question before the last":  {response, "    when: priority == \"P1\"\n", "", "holds always"},
		"broken condition":          {response, `priority == "P1"`, `priority = "P1"`, "ERROR"},
		"condition of a number":     {response, `priority == "P1"`, `size(tags)`, "true or false"},
		"unknown name":              {response, `priority == "P1"`, `urgency == "P1"`, "undeclared reference"},
		"unknown milestone":         {response, "contained: [Contained]", "tamed: [Contained]", "write one of: acknowledged"},
		"status twice":              {response, "resolved: [Resolved]", "resolved: [Contained]", "stands twice"},
		"never closed":              {response, "  closed: [Closed]\n", "", "in which an incident is closed"},
		"nobody on call":            {response, "teams: [Security Operations]", "teams: []", "name the teams"},
		"schedule without a name":   {response, "  after: 5m", "  schedules: [\"\"]\n  after: 5m", "is missing"},
		"time not understood":       {response, "after: 5m", "after: soon", "write a time such as 10m"},
		"nobody may confirm":        {response, "    groups: [00g1examplesecops]", "    groups: []", "nobody may confirm"},
		"unknown step":              {response, "steps: [clear-sessions]", "steps: [unplug]", "write one of: clear-sessions, suspend"},
		"no step":                   {response, "steps: [clear-sessions]", "steps: []", "at least one step"},
		"playbook twice":            {response, "name: sign-out", "name: lock-out", "stands twice"},
		"mode not understood":       {response, "mode: enforce", "mode: perhaps", "write one of: observe, enforce"},
		"review type is incident":   {response, "types: [Incident]", "types: [Post-incident review]", "is not an incident"},
		"no incident type":          {response, "types: [Incident]", "types: []", "issue types of incidents"},
		"review without root cause": {response, "rootCause: Root cause", "rootCause: \"\"", "rootCause is missing"},
		"review without calendar":   {response, "  calendar: office\n  rootCause", "  calendar: nowhere\n  rootCause", "no calendar \"nowhere\""},
		"review without time":       {response, "within: 5bd", "within: later", "5bd or 7d"},
		"link without id":           {response, "detail/{id}/details", "detail", "holds no {id}"},
		"unknown fact":              {response, "stop: [pir.completed]", "stop: [pir.forgotten]", "write one of"},
		"unknown field":             {response, "  notes: false", "  remarks: false", "unknown field"},
		"owner is no role":          {routing, "it-operations: [Platform]", "IT: [Platform]", "small letters"},
		"owner without team":        {routing, "it-operations: [Platform]", "it-operations: []", "names no team"},
		"quiet without calendar":    {routing, "  calendar: office\n", "", "name the calendar"},
		"unknown calendar":          {routing, "calendar: office", "calendar: nowhere", "no calendar"},
		"urgent is no priority":     {routing, "urgent: P2", "urgent: high", "P1 to P5"},
		"silence not understood":    {routing, "silence: 15m", "silence: -1m", "write a time"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policies.Load(example(t, c.file, c.from, c.to))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file+":") {
				t.Errorf("got %v, want %q with its place", err, c.want)
			}
		})
	}
}

func TestTheExampleJudgesIncidentsAsItSays(t *testing.T) {
	set, err := policies.Load(os.DirFS("example"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		view incident.View
		want incident.Severity
	}{
		{incident.View{Priority: "P1"}, incident.Critical},
		{incident.View{Priority: "P4", Tags: []string{"data-leak"}}, incident.Critical},
		{incident.View{Ticket: incident.TicketView{Labels: []string{"data-leak"}}}, incident.Critical},
		{incident.View{Priority: "P2"}, incident.High},
		{incident.View{Ticket: incident.TicketView{Priority: "Highest"}}, incident.High},
		{incident.View{}, incident.Medium},
		{incident.View{Priority: "P5"}, incident.Low},
	} {
		if got, reason := set.Incident.Engine.Tree.Judge(c.view); got != c.want || reason == "" {
			t.Errorf("%+v is %s (%s), want %s", c.view, got, reason, c.want)
		}
	}
	clock, has := set.Cadence()
	if !has || fmt.Sprint(clock.Targets["critical"]) != "30m" {
		t.Errorf("the cadence is %+v", clock)
	}
}
