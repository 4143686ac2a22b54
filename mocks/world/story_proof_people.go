package world

import "time"

// The stories of this file are about who stands in for whom, and about who they are.

func delegateStory() Story {
	const group = "payments-operators"
	return Story{Name: "delegate", Title: "A deputy whom the policy names may answer while the owner is away, and not before", Steps: []Step{
		{
			Say: "Clara asks for the operator role in the Payments Console. The service desk asks Elif, Odile's deputy, though Odile is at work. Elif approves.",
			Do: all(
				requests("early", AccessRequest{By: "clara", System: "payments", Role: "operator", Approvers: []string{"elif"}}),
				approves("elif", "early"),
			),
			Within: while + time.Second,
			Expect: []Expectation{saysWhy("early"), throughout(notInGroup("clara", group)), namesNoChange("early")},
		},
		{
			Say: "Odile goes on leave and Ivo suspends her account. Gwen asks for the same, the desk asks Odile and passes the question on to Elif, who approves.",
			Do: all(
				func(w *World) error { return w.Suspend("odile") },
				requests("deputy", AccessRequest{By: "gwen", System: "payments", Role: "operator", Approvers: []string{"odile"}}),
				onTicket("deputy", func(w *World, key Key) error { return w.Delegate("odile", "elif", key) }),
				approves("elif", "deputy"),
			),
			Within: soon,
			Expect: []Expectation{inGroup("gwen", group), namesChanges("deputy", 1), hasStatus("deputy", StatusValidation), notInGroup("clara", group)},
		},
		{
			Say:    "Gwen validates.",
			Do:     validates("gwen", "deputy"),
			Within: soon,
			Expect: []Expectation{evidenceSays("deputy", "deputy of "+userID("odile")), hasStatus("deputy", StatusClosed)},
		},
	}}
}

func absentOwnerStory() Story {
	const group = "crm-managers"
	return Story{Name: "absent-owner", Title: "When every owner is away, those answer whom the policy names; silence gives nothing", Steps: []Step{
		{
			Say: "Victor and Quentin, who own Customer Records, are on leave and suspended in Okta. Bruno asks for the manager role. The desk asks Victor.",
			Do: all(
				func(w *World) error { return w.Suspend("victor", "quentin") },
				requests("away", AccessRequest{By: "bruno", System: "crm", Role: "manager", Approvers: []string{"victor"}}),
			),
			Within: while + time.Second,
			Expect: []Expectation{
				answered("away", "A comment on the ticket says who may answer in their place", "security-operations"),
				throughout(notInGroup("bruno", group)), throughout(hasStatus("away", StatusWaiting)),
			},
		},
		{
			Say: "The desk passes the question on to Tariq of Security Operations, who approves.",
			Do: all(
				onTicket("away", func(w *World, key Key) error { return w.Delegate("victor", "tariq", key) }), approves("tariq", "away"),
			),
			Within: soon, Expect: []Expectation{inGroup("bruno", group), namesChanges("away", 1), hasStatus("away", StatusValidation)},
		},
		{
			Say:    "Bruno validates.",
			Do:     validates("bruno", "away"),
			Within: soon,
			Expect: []Expectation{evidenceSays("away", "everybody who may approve as system-owner was absent"), hasStatus("away", StatusClosed)},
		},
	}}
}

func eligibleAfterwardsStory() Story {
	return Story{Name: "eligible-afterwards", Title: "Who may approve only since may not have approved", Steps: []Step{
		{
			Say: "Farah asks for the editor role in the Company Wiki, which IT Operations own. She has Ugo of Customer Care asked, and he approves.",
			Do: all(
				requests("late", AccessRequest{By: "farah", System: "wiki", Role: "editor", Approvers: []string{"ugo"}}), approves("ugo", "late"),
			),
			Within: while + time.Second,
			Expect: []Expectation{saysWhy("late"), throughout(notInGroup("farah", "wiki-editors")), namesNoChange("late")},
		},
		{
			Say: "Ugo moves to IT Operations: Ivo adds him to the group.",
			Do:  func(w *World) error { return w.ConsoleAdd("ivo", "ugo", "it-operations") }, Within: 2 * while,
			Expect: []Expectation{throughout(notInGroup("farah", "wiki-editors")), namesNoChange("late")},
		},
		{
			Say: "The ticket goes back to be approved again, and Ugo, who may now, approves.",
			Do: all(
				onTicket("late", func(w *World, key Key) error { return w.Drag(deskAgent, key, StatusWaiting) }), approves("ugo", "late"),
			),
			Within: soon, Expect: []Expectation{inGroup("farah", "wiki-editors"), namesChanges("late", 1)},
		},
	}}
}

func twoPeopleStory() Story {
	const group = "payments-operators"
	return Story{Name: "two-people-one-address", Title: "Two Okta accounts with one address: nobody is guessed at", Steps: []Step{
		{
			Say: "An import gives Clara a second Okta account with her e-mail address and her Jira account. She asks for payments, and Odile approves.",
			Do: all(
				func(w *World) error {
					id, err := w.SecondAccount("clara")
					w.Note("second account", id)
					return err
				},
				requests("twins", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "twins"),
			),
			Within: while + time.Second,
			Expect: []Expectation{
				answered("twins", "A comment on the ticket says that two accounts match", "more than one matching Okta user"),
				throughout(notInGroup("clara", group)), namesNoChange("twins"),
			},
		},
		{
			Say: "Meanwhile Gwen asks for the same, and Odile approves.",
			Do: all(
				requests("other", AccessRequest{By: "gwen", System: "payments", Role: "operator"}), approves("odile", "other"),
			),
			Within: soon, Expect: []Expectation{inGroup("gwen", group), notInGroup("clara", group)},
		},
		{
			Say: "Ivo takes address and Jira account from the second one.",
			Do: func(w *World) error {
				id, _ := w.Noted("second account")
				return w.Okta.UpdateProfile(userID("ivo"), id, map[string]any{"email": "clara.2@example.com", "jiraAccountId": ""})
			},
			Within: late, Expect: []Expectation{inGroup("clara", group), namesChanges("twins", 1)},
		},
	}}
}
