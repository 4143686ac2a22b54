package policies_test

import "testing"

func TestWhatIsWrongInTheLifeOfAccessIsToldAtItsPlace(t *testing.T) {
	const role, glass, birth, revoke, unit = "role.yaml", "glass.yaml", "birth.yaml", "revoke.yaml", "write a whole number and a unit, such as 15m, 4h or 7d"
	for _, c := range []refusal{
		{"a warning that is no time", "access.yaml", "[1d, 7d]", "[1d, ^soon]", `is "soon"; ` + unit},
		{"a warning twice", "access.yaml", "[1d, 7d]", "[1d, ^24h]", `is "24h"; write different times before the end, such as 7d and 1d`},
		{"a time for undo that is none", "guards.yaml", "undo: 3d", "undo: ^3w", `is "3w"; ` + unit},
		{"a time of seven digits", glass, "maximum: 4h", "maximum: ^9999999h", `is "9999999h"; ` + unit},
		{"a replacement that is unknown", role, "overlap: forbidden", "replaces: ^everything", `is "everything"; write one of: named, all-grants`},
		{"an overlap that is unknown", role, "overlap: forbidden", "overlap: ^maybe", `is "maybe"; write one of: allowed, forbidden`},
		{"a role change without the old system", role, "oldSystem: Old system", "oldSystem: ^''", "oldSystem is missing"},
		{"a role change of nobody", role, "beneficiary: Access for", "beneficiary: ^''", "beneficiary is missing"},
		{"an emergency for others", glass, "{system: System, role", "{beneficiary: ^Access for, system: System, role", "leave it out; emergency access is only for the one who asks"},
		{"an emergency without a why", glass, "justification: Why", "justification: ^''", "justification is missing"},
		{"an emergency without an end", glass, "maximum: 4h", "maximum: ^''", "maximum is missing; write how long the access lasts at most, such as 4h"},
		{"an emergency for nobody", glass, "people: {users: [00uNight], groups: [00gNight]}\nonCall: [a1-b2]\n", "people: ^{}\n", "nobody may break the glass; name people, or schedules under onCall"},
		{"an emergency for nothing", glass, "roles: [{system: payments, role: Operator}]", "roles: ^[]", "names no role; write a system and a role of the catalog"},
		{"an emergency without a review", glass, "review: Review", "review: ^''", "review is missing"},
		{"an unknown system", glass, "system: payments", "system: ^Payments", `system "Payments" is not in the catalog; write its id`},
		{"an unknown role", glass, "role: Operator", "role: ^Boss", `system "payments" has no role "Boss"`},
		{"a birthright without grace", birth, "grace: 7d", "grace: ^''", "grace is missing; write how long access stays after the profile has changed, such as 7d, or 0s"},
		{"a birthright with tickets", birth, "grace: 7d", "grace: 7d\ntickets: ^{projects: [ACC]}", "leave tickets out; a birthright needs none"},
		{"a rule without a good name", birth, "name: sales", "name: ^Sales Team", `name is "Sales Team"; write small letters, digits and hyphens`},
		{
			"a rule twice", birth, "  - name: sales", "  - {name: sales, when: user.a == user.b, roles: [{system: payments, role: Operator}]}\n  - name: ^sales",
			`birthright rule "sales" stands twice; the name is part of what it gives`,
		},
		{
			"a rule that looks at nothing", birth, `user.department == "Sales" && has(user.title) || user["costCenter"] == "12"`, "^'true'",
			`the expression has to name the attributes that it looks at, such as user.department or user["costCenter"]`,
		},
		{"a field of urgency without values", revoke, `{priorities: [Highest], field: Urgent, values: ["Yes"]}`, "^{priorities: [Highest], field: Urgent}", "field and values belong together; write both or neither"},
		{"a revocation of nothing", revoke, "system: System", "system: ^''", "system is missing"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, world(t), c) })
	}
}

func TestWhatIsWrongInWhoMayApproveIsToldAtItsPlace(t *testing.T) {
	const access, duties, okta = "access.yaml", "duties.yaml", " is not an Okta user ID, such as 00u1a2b3c4d5e6f7g8h9"
	for _, c := range []refusal{
		{"a deputy of nobody", access, "{for: 00uOwner1, groups", "^{groups", `""` + okta + "; name whom the deputy stands in for"},
		{"a deputy who is not named", access, "{for: 00uOwner1, groups: [00gDeputies]}", "^{for: 00uOwner1}", "nobody stands in for 00uOwner1; set users or groups"},
		{"a deputy of themselves", access, "{for: 00uOwner1, users: [00uDeputy1]", "^{for: 00uOwner1, users: [00uOwner1]", "00uOwner1 stands in for themselves"},
		{"a deputy by login", access, "[00uDeputy1]", "[^ada@example.com]", `"ada@example.com"` + okta + "; a login may be given to another person one day"},
		{"a term that ends before it begins", access, "until: 2026-12-31", "until: ^2026-11-30", "lies before from"},
		{"an absence that nobody answers for", access, "{role: security-lead, groups: [00gLeads]}", "^{role: security-lead}", "nobody answers for those who are absent; set users or groups"},
		{"a proof that is none", access, "proof: transition", "proof: ^status", `is "status"; write one of: approval, transition`},
		{"transitions that do not count", access, "proof: transition\ntransitions:\n  - {from: [Waiting for approval, Review], to: [Approved]}", "transitions: ^[{from: [Review], to: [Approved]}]", "transitions count only with proof: transition"},
		{"a transition from nowhere", access, "{from: [Waiting for approval, Review]", "^{from: []", "name the statuses from which and to which the transition leads"},
		{"a transition to itself", access, "{from: [Waiting for approval, Review]", "^{from: [Approved]", `the transition leads from "Approved" to itself`},
		{"a condition that is no yes or no", access, `system.risk == "high"`, "^system.risk", "the expression gives string; it has to give true or false"},

		{"a rule without a name", duties, "name: pay-and-audit", "name: ^Pay & audit", `name is "Pay & audit"; write small letters, digits and hyphens`},
		{"a rule without a reason", duties, "reason: who pays does not audit", "reason: ^''", "reason is missing"},
		{"an empty side", duties, "[{system: payments, role: Auditor}]", "^[]", "the side names no role"},
		{"a role on two sides", duties, "{system: payments, role: Auditor}", "^{system: payments, role: OPERATOR}", "payments/Operator stands on two sides; nobody could have it"},
		{"a system that is not there", duties, "system: payments, role: Auditor", "system: ^moon, role: Auditor", `system "moon" is not in the catalog`},
		{"a role that is not there", duties, "role: Auditor", "role: ^Astronaut", `system "payments" has no role "Astronaut"`},
		{"an exemption without an end", duties, "{user: 00uBoss1, reason: small team, approved: board, until: 2026-12-31}", "^{user: 00uBoss1, reason: small team, approved: board}", "until is missing; an exemption has an end, write a day"},
		{"an exemption of a login", duties, "00uBoss1", "^boss@example.com", `"boss@example.com"` + okta},
		{"an exception with a condition", duties, "      groups: [00gRisk]\n", "      groups: [00gRisk]\n      when: ^\"true\"\n", "an exception has no condition; the rule says when it is asked for"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, proofs(), c) })
	}
}

func TestWhatIsWrongInHowIncidentsAreMetIsToldAtItsPlace(t *testing.T) {
	const response, routing = "incident-response.yaml", "routing.yaml"
	for _, c := range []refusal{
		{"an unknown severity", response, "severity: low", "severity: ^awful", `is "awful"; write one of: critical, high, medium, low`},
		{"the last question may fail", response, "    reason: nothing above holds", "    when: ^priority == \"P5\"\n    reason: nothing above holds", "the last question has to hold always: leave when out, or add one that does"},
		{"a question before the last that always holds", response, "when: priority == \"P1\"", "when: ^''", "holds always, so that what follows is never asked"},
		{"an unknown milestone", response, "contained: [Contained]", "tamed: ^[Contained]", `is "tamed"; write one of: acknowledged, escalated, informed, contained, resolved, closed`},
		{"never closed", response, "closed: [Closed]", "closed: ^[]", "name the statuses in which an incident is closed"},
		{"nobody on call", response, "teams: [Security Operations]", "teams: ^[]", "name the teams that are paged for Sev 1 and 2, or schedules whose on-call people are"},
		{"a time that is none", response, "after: 5m", "after: ^soon", `is "soon"; write a time such as 10m or 1h`},
		{"an unknown step", response, "steps: [clear-sessions]", "steps: [clear-sessions, ^unplug]", `is "unplug"; write one of: clear-sessions, suspend, remove-from-groups, remove-from-named-group`},
		{"no step", response, "steps: [clear-sessions]", "steps: ^[]", "name at least one step: clear-sessions, suspend, remove-from-groups, remove-from-named-group"},
		{"a playbook twice", response, "name: sign-out", "name: ^lock-out", `playbook "lock-out" stands twice`},
		{"a type of reviews and incidents", response, "types: [Incident]", "types: [Incident, ^Post-incident review]", `"Post-incident review" is the type of reviews too; a review is not an incident`},
		{"no type of incidents", response, "types: [Incident]", "types: ^[]", "name the issue types of incidents; sopd opens the first"},
		{"a link without the alert", response, "link: https://app.opsgenie.com/alert/detail/{id}/details", "link: ^https://app.opsgenie.com/alert", "holds no {id}; write it where the alert's ID belongs"},
		{"a review in no calendar", response, "  calendar: office\n  rootCause", "  calendar: ^beach\n  rootCause", `there is no calendar "beach"; write a file of kind Calendar, or leave it out`},
		{"an owner without a team", routing, "it-operations: [Platform]", "it-operations: ^[]", "names no team; leave the owner out, or name one"},
		{"quiet hours of no calendar", routing, "calendar: office", "calendar: ^beach", `there is no calendar "beach"; write a file of kind Calendar, or leave quietHours out`},
		{"a silence that is none", routing, "silence: 15m", "silence: ^-1m", `is "-1m"; write a time such as 10m or 1h`},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, world(t), c) })
	}
}
