package world

import "time"

// The stories of this file are the life of access: it begins, ends, overlaps, and drifts.

func joinerStory() Story {
	return Story{Name: "joiner", Title: "Somebody asks for access, gets it, and says that it works", Steps: append(requestSteps(),
		Step{
			Say: "Jira asks Clara how it was. She gives four of five: the week's report will say so.",
			Do:  rates("clara", "payments", 4), Within: time.Second, Expect: []Expectation{hasStatus("payments", StatusClosed)},
		},
		Step{
			Say: "Nothing else comes of it.", Within: 3 * time.Second,
			Expect: []Expectation{throughout(hasStatus("payments", StatusClosed)), throughout(inGroup("clara", "payments-operators"))},
		},
	)}
}

func leaverStory() Story {
	return Story{Name: "leaver", Title: "Somebody leaves, with a ticket and without one", Steps: leaverSteps()}
}

func expiryStory() Story {
	return Story{Name: "expiry", Title: "Access that was given for a time ends by itself", Steps: expirySteps(8 * time.Second)}
}

func leaverFutureStory() Story {
	return Story{Name: "leaver-future", Title: "An approved offboarding waits for the last day", Steps: []Step{{
		Say: "Rosa leaves in three days. The offboarding ticket is approved today.",
		Do:  all(remembers("rosa"), offboards("rosa", 3*24*time.Hour)), Within: while,
		Expect: []Expectation{
			answered("leaver", "A comment on the ticket says when the access ends"),
			throughout(sameGroups("rosa")), throughout(hasStatus("leaver", StatusApproved)),
		},
	}}}
}

func overlapStory() Story {
	const group = "analytics-readers"
	const first = 12 * time.Second
	ask := AccessRequest{By: "farah", System: "analytics", Role: "reader"}
	return Story{Name: "overlap", Title: "Two tickets give the same access: the first to end takes nothing away", Steps: []Step{
		{
			Say: "Farah asks for reports until a few seconds from now, and Cyril approves.",
			Do: func(w *World) error {
				r := ask
				r.Until = w.in(first)
				return all(requests("short", r), approves("cyril", "short"))(w)
			},
			Within: first, Expect: []Expectation{inGroup("farah", group), hasStatus("short", StatusValidation)},
		},
		{
			Say: "She asks for the same until next week, and Cyril approves that too.",
			Do: func(w *World) error {
				r := ask
				r.Until = w.in(7 * 24 * time.Hour)
				return all(requests("long", r), approves("cyril", "long"))(w)
			},
			Within: soon, Expect: []Expectation{inGroup("farah", group), hasStatus("long", StatusValidation)},
		},
		{
			Say: "The first of the two ends.", Within: first + while,
			Expect: []Expectation{throughout(inGroup("farah", group))},
		},
	}}
}

func revokeUrgentStory() Story {
	return Story{Name: "revoke-urgent", Title: "One access is taken away at once, the others stay, whatever else is held", Steps: []Step{{
		Say: "Two of the three administrators of the Secrets Vault are deactivated in Okta at once, and a guard holds that.",
		Do:  all(remembers(), func(w *World) error { return w.Deactivate("piotr", "wen") }), Within: soon,
		Expect: []Expectation{somebodyPaged(), nobodyLost()},
	}, {
		Say: "Meanwhile Tariq has Quentin's manager role in Customer Records taken away at once, and Victor, who owns it, approves.",
		Do: all(
			revokes("urgent", AccessRequest{By: "tariq", For: "quentin", System: "crm", Role: "manager", Justification: "Exported far more records than the work needs"}),
			edits("tariq", "urgent", "priority", "Highest"), approves("victor", "urgent"),
		),
		Within: soon,
		Expect: []Expectation{
			notInGroup("quentin", "crm-managers"), inGroup("quentin", "crm-agents"), namesChanges("urgent", 1), hasStatus("urgent", StatusClosed),
		},
	}}}
}

func driftStory() Story {
	return Story{Name: "drift", Title: "Somebody is added by hand: reported where the policy observes, removed where it enforces", Steps: []Step{
		addedByHand(),
		{
			Say: "Anouk adds Oscar to ci-operators by hand. For that system sopd enforces.",
			Do:  all(remembers(), func(w *World) error { return w.ConsoleAdd("anouk", "oscar", "ci-operators") }), Within: soon,
			Expect: []Expectation{notInGroup("oscar", "ci-operators"), nobodyLost()},
		},
	}}
}

func ruleManagedStory() Story {
	return Story{Name: "rule-managed", Title: "A group that an Okta rule fills is left to the rule", Steps: []Step{{
		Say: "Theo wants Nadia out of source-readers, which a rule fills with everybody in Engineering. Ines, who owns it, approves.",
		Do: all(
			revokes("rule", AccessRequest{By: "theo", For: "nadia", System: "source", Role: "reader"}), approves("ines", "rule"),
		),
		Within: 6 * time.Second,
		Expect: []Expectation{
			answered("rule", "A comment on the ticket names the group and says that it may not be touched", "source-readers"),
			throughout(inGroup("nadia", "source-readers")), throughout(nothingExcluded()), namesNoChange("rule"),
		},
	}}}
}

func nothingExcluded() Expectation {
	return Expectation{Name: "No rule's exclusion list grows", Held: func(w *World) (bool, error) {
		for _, r := range rules {
			if len(w.Okta.Excluded(ruleID(r.name))) > 0 {
				return false, nil
			}
		}
		return true, nil
	}}
}

func appGroupStory() Story {
	return Story{Name: "app-group", Title: "A group that an application fills is left to the application", Steps: []Step{{
		Say: "Alba asks for the planner role, whose group is imported from the planning application. Casimir, who owns it, approves.",
		Do: all(
			requests("planner", AccessRequest{By: "alba", System: "erp", Role: "planner"}), approves("casimir", "planner"),
		),
		Within: 6 * time.Second,
		Expect: []Expectation{
			alertAbout("alba", "erp-planners"), throughout(notInGroup("alba", "erp-planners")), namesNoChange("planner"),
		},
	}}}
}
