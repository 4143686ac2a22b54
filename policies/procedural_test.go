package policies_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/watch"
	"github.com/maisonrmi/sopd/policies"
)

// head begins a procedure of the kind; it has eleven lines.
func head(kind, name string) string {
	return fmt.Sprintf(`apiVersion: sopd/v1
kind: %s
name: %s
title: A procedure
version: 1.0.0
effective: 2026-01-01
owner: A
reviewer: B
nextReview: 2027-01-01
raci: {responsible: A, accountable: A, consulted: B, informed: C}
controls: [X]
`, kind, name)
}

// compiled loads the texts beside the catalog and the calendar.
func compiled(texts ...string) (*policies.Set, []string) {
	folder := fstest.MapFS{
		"catalog.yaml": &fstest.MapFile{Data: []byte(catalogText)}, "calendar.yaml": &fstest.MapFile{Data: []byte(calendarText)},
	}
	for i, text := range texts {
		folder[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := policies.Load(folder)
	var problems *policies.Error
	if !errors.As(err, &problems) {
		return set, nil
	}
	var lines []string
	for _, p := range problems.Problems {
		lines = append(lines, p.String())
	}
	return set, lines
}

const vendorText = `tickets: {projects: [VND]}
facts:
  v.asked: {created: true}
  v.done: {status: [Done]}
approvals:
  - {role: owner, users: [00uOwner1]}
artefacts:
  statuses: [Done]
  required:
    - {name: paper, field: Paper}
clocks:
  - kpi: time
    subject: vendor
    start: [v.asked]
    stop: [v.done]
    target: {default: 3d}
    owner: a
`

const reportsText = `project: OPS
type: Task
calendar: office
reports:
  - name: month
    period: monthly
    formats: [md, xlsx]
    at: "08:00"
    within: 1bd
    owner: a
`

const tasksText = `project: OPS
type: Task
done: [Done]
calendar: office
tasks:
  - name: check
    title: Check
    every: daily
    at: "09:00"
    within: 1bd
    owner: a
`

const reviewText = `schedule: {every: quarterly}
within: 20d
project: OPS
type: Access review
close: Done
fallback: {users: [00uOwner1]}
keep: 180d
`

const watchText = `rules:
  - kind: odd
    title: something odd
    events: [a.b.*]
    when: actor.type == "User" && !failed
    count: 3
    within: 10m
    by: actor
`

const controlText = `project: OPS
type: SOP review
done: [Done]
lead: 30d
`

func TestProceduresOfEveryKindAreSound(t *testing.T) {
	set, problems := compiled(head("Procedure", "vendors")+vendorText, head("RecurringTasks", "ops")+tasksText, head("AccessReview", "reviews")+reviewText,
		head("Watch", "watch")+watchText, head("SOPControl", "control")+controlText)
	if len(problems) > 0 {
		t.Fatal(strings.Join(problems, "\n"))
	}
	if len(set.Documents) != 5 || len(set.Procedures) != 1 || len(set.Agendas) != 2 || len(set.Reviews) != 1 || len(set.Watches) != 1 || len(set.Clocks) != 4 {
		t.Errorf("%d documents, %d clocks", len(set.Documents), len(set.Clocks))
	}
	if diff := cmp.Diff([]string{"OPS", "VND"}, set.Projects()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Paper"}, set.Fields()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryProcedureIsReviewedBeforeItsDay(t *testing.T) {
	set, _ := compiled(head("Procedure", "vendors")+vendorText, head("SOPControl", "control")+controlText)
	for _, a := range set.Agendas {
		for _, task := range a.Tasks {
			o, ok := task.Schedule.Latest(time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC))
			if !ok || o.Opens.Format(time.DateOnly) != "2026-12-02" || task.Ends(o).Format(time.DateOnly) != "2027-01-01" || task.Schedule.Every != agenda.Once {
				t.Errorf("%s opens %v and ends %v", task.Name, o.Opens, task.Ends(o))
			}
		}
		if len(a.Tasks) != 2 {
			t.Errorf("%d procedures are reviewed, want the two that there are", len(a.Tasks))
		}
	}
}

func TestAWatchRuleIsEvaluated(t *testing.T) {
	set, problems := compiled(head("Watch", "watch") + watchText)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for kind, want := range map[string]bool{"User": true, "SystemPrincipal": false} {
		holds, err := set.Watches[0].When(watch.Signal{Actor: access.Actor{Type: kind}})
		if err != nil || holds != want {
			t.Errorf("%s: %v %v", kind, holds, err)
		}
	}
}

// replaced is a text with one change, and what is to be said about it: line, and a part of the problem.
type replaced struct {
	kind, text, old, new string
	want                 string // "line:column: a part"
}

func TestWhatIsWrongInAProcedureIsSaidWithItsPlace(t *testing.T) {
	for _, tt := range []replaced{
		{"Procedure", vendorText, "start: [v.asked]", "start: [v.begun]", "0.yaml:25:13: is \"v.begun\"; write one of: break-glass.granted"},
		{"Procedure", vendorText, "target: {default: 3d}", "target: {default: 0d}", "0.yaml:27:"},
		{"Procedure", vendorText, "v.asked: {created: true}", "v.asked: {created: true, field: X}", "has to say when it happens"},
		{"Procedure", vendorText, "v.asked: {created: true}", "v.asked: {}", "has to say when it happens"},
		{"Procedure", vendorText, "v.asked", "asked", "write words parted by a full stop"},
		{"Procedure", vendorText, "v.asked", "request.requested", "one that the access procedures give"},
		{"Procedure", vendorText, "projects: [VND]", "projects: [vnd]", "0.yaml:12:"},
		{"Procedure", vendorText, "statuses: [Done]\n", "statuses: []\n", "name the statuses in which everything has to be there"},
		{"Procedure", vendorText, "field: Paper", "field: Paper, attachment: x", "has to say where it is"},
		{"Procedure", vendorText, "field: Paper", "approval: nobody", "is \"nobody\"; write one of: owner"},
		{"Procedure", vendorText, "field: Paper", "attachment: \"[\"", "write a file name"},
		{"Procedure", vendorText, "users: [00uOwner1]", "owners: true", "no system has owners here"},
		{"Procedure", vendorText, "    owner: a\n", "    owner: a\n    page: [at-risk]\n", "needs warn"},
		{"Procedure", vendorText, "    owner: a\n", "    owner: a\n    page: [always]\n", "is \"always\"; write one of"},
		{"Procedure", vendorText, "    owner: a\n", "    owner: a\n    priority: {breached: P9}\n", "write a priority from P1 to P5"},
		{"Procedure", vendorText, "tickets:", "reassess: {after: v.never, months: 12, project: VND, type: T, summary: S}\ntickets:", "is \"v.never\"; write one of: v.asked, v.done"},
		{"Procedure", vendorText, "tickets:", "reassess: {after: v.done, months: 0, project: VND, type: T, summary: S}\ntickets:", "number of months"},
		{"Procedure", vendorText, "tickets:", "limits: [{name: l, field: F, unit: days, most: 4h}]\ntickets:", "is \"days\"; write one of: hours, minutes"},
		{"Procedure", vendorText, "tickets:", "limits: [{name: l, field: F, unit: hours, most: long}]\ntickets:", "write a time such as 4h"},
		{"Procedure", vendorText, "tickets:", "backfill: long\ntickets:", "write a number of days"},
		{"Procedure", vendorText, "projects: [VND]", "projects: [VND], statuses: {close: Done}", "statuses has no meaning in a policy of kind Procedure"},
		{"Watch", watchText, "rules:", "tickets: {projects: [OPS]}\nrules:", "projects has no meaning"},
		{"RecurringTasks", tasksText, "every: daily", "every: hourly", "0.yaml:19:12: is \"hourly\"; write one of: daily"},
		{"RecurringTasks", tasksText, "every: daily", "every: weekly", "write monday to sunday"},
		{"RecurringTasks", tasksText, "at: \"09:00\"", "at: \"25:00\"", "write a time of day"},
		{"RecurringTasks", tasksText, "within: 1bd", "within: 2bd", "longer than from one time to the next"},
		{"RecurringTasks", tasksText, "within: 1bd", "within: soon", "write a whole number and a unit"},
		{"RecurringTasks", tasksText, "calendar: office", "calendar: none", "there is no calendar"},
		{"RecurringTasks", tasksText, "done: [Done]", "done: []", "name the statuses in which a task is done"},
		{"RecurringTasks", tasksText, "every: daily", "every: yearly\n    month: 13", "write 1 to 12"},
		{"RecurringTasks", tasksText, "  - name: check", "  - {name: check, title: T, every: daily, within: 1bd, owner: a}\n  - name: check", "stands twice"},
		{"Reports", reportsText, "period: monthly", "period: hourly", "0.yaml:17:13: is \"hourly\"; write one of: daily"},
		{"Reports", reportsText, "period: monthly", "period: weekly\n    weekday: moon", "write monday to sunday"},
		{"Reports", reportsText, "period: monthly", "period: quarterly\n    month: 4", "write 1 to 3"},
		{"Reports", reportsText, "[md, xlsx]", "[md, pdf]", "0.yaml:18:19: is \"pdf\"; write one of: md"},
		{"Reports", reportsText, "[md, xlsx]", "[]", "name at least one of: md"},
		{"Reports", reportsText, "project: OPS", "project: ''", "0.yaml:12:10: "},
		{"Reports", reportsText, "type: Task", "type: ''", "type is missing"},
		{"Reports", reportsText, "calendar: office", "calendar: none", "there is no calendar"},
		{"Reports", reportsText, "at: \"08:00\"", "at: \"8\"", "write a time of day"},
		{"Reports", reportsText, "within: 1bd", "within: soon", "write a whole number and a unit"},
		{"Reports", reportsText, "within: 1bd", "within: 99d", "longer than from one time to the next"},
		{"Reports", reportsText, "owner: a", "owner: a\n    sop: nowhere", "no procedure is named \"nowhere\""},
		{"Reports", reportsText, "  - name: month", "  - {name: month, period: daily, formats: [md], within: 1h, owner: a}\n  - name: month", "stands twice"},
		{"Reports", "project: OPS\ntype: Task\nreports: []\n", "reports: []", "reports: []", "name at least one report"},
		{"Reports", reportsText, "project: OPS", "project: OPS\ntickets: {projects: [OPS]}", "has no meaning"},
		{"AccessReview", reviewText, "fallback: {users: [00uOwner1]}", "fallback: {}", "who review what no owner may"},
		{"AccessReview", reviewText, "keep: 180d", "keep: 0d", "write a number of days"},
		{"AccessReview", reviewText, "keep: 180d", "keep: 180d\nsystems: [nowhere]", "no system \"nowhere\""},
		{"AccessReview", reviewText, "keep: 180d", "keep: 180d\nrisks: [huge]", "is \"huge\""},
		{"AccessReview", reviewText, "every: quarterly", "every: never", "is \"never\""},
		{"Watch", watchText, "kind: odd", "kind: drift", "raised by sopd itself"},
		{"Watch", watchText, "kind: odd", "kind: Odd One", "write small letters"},
		{"Watch", watchText, "actor.type ==", "actor.type =", "0.yaml:16:"},
		{"Watch", watchText, "actor.type == \"User\" && !failed", "actor.type", "has to give true or false"},
		{"Watch", watchText, "within: 10m", "within: 2w", "write a time up to a day"},
		{"Watch", watchText, "by: actor", "by: moon", "is \"moon\""},
		{"Watch", watchText, "[a.b.*]", "[a.*.b]", "a star may only stand at the end"},
		{"Watch", watchText, "by: actor", "by: actor\n    unless: {procedure: none}", "there is no Procedure \"none\""},
		{"Watch", watchText, "by: actor", "by: actor\n    outside: none", "there is no calendar"},
		{"SOPControl", controlText, "lead: 30d", "lead: 1bd", "write how many days before"},
		{"SOPControl", controlText, "lead: 30d", "lead: 30d\nafter: {facts: [moon.fell], within: 5d, title: T}", "no policy gives the fact \"moon.fell\""},
	} {
		t.Run(tt.kind+" "+tt.new, func(t *testing.T) {
			if !strings.Contains(tt.text, tt.old) {
				t.Fatalf("%q is not in the text", tt.old)
			}
			_, problems := compiled(head(tt.kind, "it") + strings.ReplaceAll(tt.text, tt.old, tt.new))
			all := strings.Join(problems, "\n")
			if !strings.Contains(all, tt.want) {
				t.Errorf("want %q in\n%s", tt.want, all)
			}
			for _, p := range problems {
				if !strings.HasPrefix(p, "0.yaml:") || strings.HasPrefix(p, "0.yaml: ") {
					t.Errorf("without its place: %s", p)
				}
			}
		})
	}
}

func TestTwoProceduresDoNotGiveOneFactOrHaveOneName(t *testing.T) {
	_, problems := compiled(head("Procedure", "one")+vendorText, head("Procedure", "two")+vendorText)
	if all := strings.Join(problems, "\n"); !strings.Contains(all, `1.yaml:14:`) || !strings.Contains(all, "is given by one already") {
		t.Error(all)
	}
	_, problems = compiled(head("Procedure", "one")+vendorText, head("Watch", "one")+watchText)
	if all := strings.Join(problems, "\n"); !strings.Contains(all, `"one" stands twice`) {
		t.Error(all)
	}
}

func TestEveryExampleNamesItsControlsAndWhoAnswers(t *testing.T) {
	set, err := policies.Load(os.DirFS("example"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range set.Documents {
		frameworks := map[string]bool{}
		for _, c := range d.Controls {
			name, id, ok := strings.Cut(c, ":")
			frameworks[name] = ok && id != ""
		}
		if !frameworks["SOC2"] || !frameworks["ISO27001"] {
			t.Errorf("%s serves %v", d.Name, d.Controls)
		}
		if d.RACI.Responsible == "" || d.RACI.Accountable == "" || d.RACI.Consulted == "" || d.RACI.Informed == "" {
			t.Errorf("%s does not say who does what", d.Name)
		}
	}
}
