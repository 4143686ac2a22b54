package policies_test

import (
	"strings"
	"testing"
)

func TestWhatIsWrongInTheHeadOfAProcedureIsToldAtItsPlace(t *testing.T) {
	const vendor = "vendor.yaml"
	for _, c := range []refusal{
		{"a name with capitals", vendor, "name: vendors", "name: ^Our Vendors", `name is "Our Vendors"; write small letters, digits and hyphens`},
		{"a version of two numbers", vendor, "version: 1.0.0", "version: ^1.0-beta", `version is "1.0-beta"; write three numbers, such as 1.0.0`},
		{"no title", vendor, "title: A procedure", "title: ^''", "title is missing"},
		{"no owner", vendor, "owner: A\n", "owner: ^''\n", "owner is missing"},
		{"no reviewer", vendor, "reviewer: B", "reviewer: ^''", "reviewer is missing"},
		{"no day from which it holds", vendor, "effective: 2026-01-01", "effective: ^''", "effective is missing; write the day from which the procedure holds"},
		{"a day of review that is none", vendor, "nextReview: 2027-01-01", "nextReview: ^someday", `is "someday"; write a day as 2026-01-31`},
		{"a clock with a name in capitals", vendor, "kpi: time", "kpi: ^Time", `kpi is "Time"; write small letters, digits and hyphens`},
		{"a warning that is none", vendor, "    subject: vendor", "    subject: vendor\n    warn: [^half]", `is "half"; write a share used up such as 75%, or a time left such as 30m`},
		{"a priority of an unknown occasion", vendor, "    subject: vendor", "    subject: vendor\n    priority: ^{late: P1}", `is "late"; write one of: at-risk, breached`},
		{"a clock twice", vendor, "clocks:", "clocks:\n  - {kpi: time, subject: vendor, start: [v.asked], stop: [v.done], target: {default: 3d}, owner: a}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == "" { // the second of the two is the one that stood there before
				c.old, c.new, c.want = "clocks:\n  - kpi: time", c.new+"\n  - kpi: ^time", `clock "time" stands twice in vendors`
			}
			refused(t, world(t), c)
		})
	}
}

func TestWhatIsWrongInAnAccessProcedureIsToldAtItsPlace(t *testing.T) {
	const access, leaver = "access.yaml", "leaver.yaml"
	for _, c := range []refusal{
		{"an approval in capitals", access, "role: security-operations", "role: ^Security Operations", `role is "Security Operations"; write small letters, digits and hyphens`},
		{"nobody who approves", leaver, "approvals:\n  - role: hr\n    groups: [00gHR]\n", "approvals: ^[]\n", "name at least one approval; sopd never acts on a ticket that nobody approved"},
		{"a risk that is none", access, "expiryRequired: [high]", "expiryRequired: [high, ^huge]", `is "huge"; write one of: low, medium, high`},
		{"an end that no field gives", access, ", expires: Access until}", "}", ""},
		{"no project", access, "projects: [ACC]", "projects: ^[]", "name the Jira projects of these tickets by their keys"},
		{"a ticket for a project", access, "projects: [ACC]", "projects: [ACC, ^ACC-1]", `"ACC-1" is not a project key, such as ACC`},
		{"no status in which sopd acts", access, "fulfil: [Approved]", "fulfil: ^[]", "name the statuses in which an approved ticket waits for sopd"},
		{"a validation that never ends", access, "validated: [Validated]", "validated: ^[]", "name the statuses in which the requester has validated, or leave validate out"},
		{"a longest grant that is no number of days", access, "longestGrant: 365d", "longestGrant: ^1y", `is "1y"; write a number of days, such as 365d`},
		{"no status in which tickets are closed", leaver, "close: Closed", "close: ^''", "close is missing"},
		{"no leaver", leaver, "beneficiary: Leaver", "beneficiary: ^''", "beneficiary is missing"},
		{"a mode that leavers do not have", leaver, "mode: observe", "mode: ^grant", `is "grant"; write one of: observe, enforce`},
		{"an account that is thrown away", leaver, "mode: observe", "mode: observe\naccount: ^destroy", `is "destroy"; write one of: keep, suspend, deactivate`},
		{"suspend against account", leaver, "mode: observe", "mode: observe\naccount: keep\nsuspend: ^true", `suspend is true and account is "keep"; leave suspend out`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := world(t)
			if c.want == "" {
				files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
				c.old, c.new, c.want = "[high]", "^[high]", "needs tickets.fields.expires: the field in which tickets say until when"
			}
			refused(t, files, c)
		})
	}
}

func TestWhatIsWrongInAProcedureOfTicketsIsToldAtItsPlace(t *testing.T) {
	const vendor, incident = "vendor.yaml", "incident-response.yaml"
	for _, c := range []refusal{
		{"no project", vendor, "projects: [VND]", "projects: ^[]", "name the Jira projects of these tickets by their keys"},
		{"a linked fact of no project", vendor, "v.done: {status: [Done]}", "v.done: ^{linked: ops-1}", `"ops-1" is not a project key, such as ACC`},
		{"a fact of an approval that nobody gives", vendor, "v.done: {status: [Done]}", "v.done: ^{approval: nobody}", `is "nobody"; write one of: owner`},
		{"a fact that happens in two ways", vendor, "v.done: {status: [Done]}", "v.done: ^{created: true, complete: true}",
			`fact "v.done" has to say when it happens, by one of: created, status, field, date, approval, linked, complete`},
		{"a coverage in capitals", vendor, "artefacts:", "artefacts:\n  coverage: ^All Papers", `is "All Papers"; write small letters, digits and hyphens`},
		{"an artefact in a linked project that is none", vendor, "field: Paper", "linked: ^papers", `"papers" is not a project key, such as ACC`},
		{"an incident without questions", incident, "severity: # the first that holds decides", "severity: ^[]\nnot: # ", ""},
		{"a playbook in capitals", incident, "name: sign-out", "name: ^Sign Out", `name is "Sign Out"; write small letters, digits and hyphens`},
		{"a review in a time that is none", incident, "within: 5bd", "within: ^a week", `is "a week"; write a whole number and a unit, such as 5bd or 7d`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := world(t)
			if c.want == "" {
				_, after, _ := strings.Cut(files[incident], "severity: #")
				questions, _, _ := strings.Cut(after, "milestones:")
				c.old, c.new, c.want = "severity: #"+questions, "severity: ^[]\n", "write the questions of the severity tree, the first that holds decides"
			}
			refused(t, files, c)
		})
	}
}

func TestWhatIsWrongInWhatHappensByItselfIsToldAtItsPlace(t *testing.T) {
	const tasks, control, watch, review = "tasks.yaml", "control.yaml", "watch.yaml", "review.yaml"
	for _, c := range []refusal{
		{"no task", tasks, tasksText[strings.Index(tasksText, "tasks:"):], "tasks: ^[]\n", "name at least one task"},
		{"a task in capitals", tasks, "name: check", "name: ^Check it", `name is "Check it"; write small letters, digits and hyphens`},
		{"a task without a type", tasks, "  - name: check", "  - type: ^''\n    name: check", ""},
		{"a day that no month has", tasks, "every: daily", "every: monthly\n    day: ^32", "is 32; write a day of the month"},
		{"a reminder that is none", tasks, "within: 1bd", "within: 1bd\n    remind: ^soon", `is "soon"; write a share used up such as 75%, or a time left such as 30m`},
		{"a review that is never done", control, "done: [Done]", "done: ^[]", "name the statuses in which a review is done"},
		{"a reminder of a review that is none", review, "within: 20d", "within: 20d\nremind: ^soon", `is "soon"; write a share used up such as 75%, or a time left such as 30m`},
		{"no rule", watch, watchText, "rules: ^[]\n", "name at least one rule"},
		{"a rule for no event", watch, "events: [a.b.*]", "events: ^[]", "name the types of events, such as user.session.start; a.b.* stands for all that begin so"},
		{"a time without a count", watch, "    count: 3\n    within: 10m", "    within: ^10m", "needs count: how many within that time"},
		{"a kind of finding twice", watch, "rules:", "rules:\n  - {kind: odd, title: T, events: [c.d]}", ""},
		{"a priority that is none", watch, "by: actor", "by: actor\n    priority: ^high", `is "high"; write a priority from P1 to P5`},
		{"a time to keep that is no number of days", watch, "by: actor", "by: actor\n    keep: ^12h", `is "12h"; write a number of days, such as 365d`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := world(t)
			switch c.name {
			case "a kind of finding twice":
				c.old, c.new, c.want = "rules:\n  - kind: odd", c.new+"\n  - kind: ^odd", `two rules raise findings of kind "odd"; give each its own`
			case "a task without a type":
				files[tasks] = strings.Replace(files[tasks], "type: Task\n", "", 1)
				c.want = "type is missing"
			}
			refused(t, files, c)
		})
	}
}
