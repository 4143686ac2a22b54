package world

import "time"

// The stories of this file are about proof: who gets nothing, because nobody who may has said yes.

func unapprovedStory() Story {
	return Story{Name: "unapproved", Title: "Nobody answers: nothing is given, however long it takes", Steps: []Step{{
		Say: "Bruno asks for the manager role in Customer Records. Nobody answers.",
		Do:  requests("crm", AccessRequest{By: "bruno", System: "crm", Role: "manager"}), Within: while,
		Expect: []Expectation{
			throughout(notInGroup("bruno", "crm-managers")), throughout(hasStatus("crm", StatusWaiting)), namesNoChange("crm"),
		},
	}}}
}

func selfApprovedStory() Story {
	return Story{Name: "self-approved", Title: "An owner cannot approve their own request", Steps: []Step{{
		Say: "Theo, one of the owners of Source Control, asks for the maintainer role for Greta, and approves that himself.",
		Do: all(
			requests("own", AccessRequest{By: "theo", For: "greta", System: "source", Role: "maintainer", Approvers: []string{"theo"}}),
			approves("theo", "own"),
		),
		Within: while + time.Second,
		Expect: []Expectation{saysWhy("own"), throughout(notInGroup("greta", "source-maintainers")), namesNoChange("own")},
	}}}
}

func wrongApproverStory() Story {
	return Story{Name: "wrong-approver", Title: "The yes of somebody who may not give it counts for nothing", Steps: []Step{{
		Say: "Bruno asks for the manager role in Customer Records and has his colleague Alba asked, who does not own it. She approves.",
		Do: all(
			requests("friend", AccessRequest{By: "bruno", System: "crm", Role: "manager", Approvers: []string{"alba"}}),
			approves("alba", "friend"),
		),
		Within: while + time.Second,
		Expect: []Expectation{saysWhy("friend"), throughout(notInGroup("bruno", "crm-managers")), namesNoChange("friend")},
	}}}
}

func draggedStory() Story {
	return Story{Name: "dragged-to-approved", Title: "A ticket that was moved to Approved is not approved", Steps: []Step{{
		Say: "Dana asks for the operator role in the Payments Console. Blaise of the service desk drags the ticket to Approved before Odile has answered.",
		Do: all(
			requests("dragged", AccessRequest{By: "dana", System: "payments", Role: "operator"}),
			onTicket("dragged", func(w *World, key Key) error { return w.Drag(deskAgent, key, StatusApproved) }),
		),
		Within: while + time.Second,
		Expect: []Expectation{saysWhy("dragged"), throughout(notInGroup("dana", "payments-operators")), namesNoChange("dragged")},
	}}}
}

func editedStory() Story {
	return Story{Name: "edited-after-approval", Title: "What was changed after a yes has to be approved again", Steps: []Step{
		{
			Say: "Kenji asks to look at the Cloud Console, a high-risk system. Hugo, who owns it, approves.",
			Do: func(w *World) error {
				ask := AccessRequest{By: "kenji", System: "cloud", Role: "reader", Until: w.in(30 * 24 * time.Hour)}
				return all(requests("edited", ask), approves("hugo", "edited"))(w)
			},
			Within: time.Second, Expect: []Expectation{throughout(notInGroup("kenji", "cloud-readers"))},
		},
		{
			Say: "Kenji changes the role to admin. Then Tariq of Security Operations approves.",
			Do:  all(edits("kenji", "edited", fieldRole, "admin"), approves("tariq", "edited")), Within: while + time.Second,
			Expect: []Expectation{
				saysWhy("edited"), throughout(notInGroup("kenji", "cloud-admins")), throughout(notInGroup("kenji", "cloud-readers")),
				namesNoChange("edited"),
			},
		},
	}}
}

func incompleteStory() Story {
	const group = "payments-operators"
	return Story{Name: "incomplete", Title: "A ticket that lacks something is told what, and holds up nobody else", Steps: []Step{
		{
			Say: "Samir asks for the Payments Console, but not for which role, nor what for.",
			Do:  requests("bare", AccessRequest{By: "samir", System: "payments", Justification: "-"}), Within: soon,
			Expect: []Expectation{answered("bare", "A comment on the ticket names the fields to fill in", fieldRole, fieldJustification)},
		},
		{
			Say: "Meanwhile Tessa asks for the viewer role, says what for, and Odile approves.",
			Do: all(
				requests("complete", AccessRequest{By: "tessa", System: "payments", Role: "viewer"}), approves("odile", "complete"),
			),
			Within: soon, Expect: []Expectation{inGroup("tessa", "payments-viewers"), notInGroup("samir", group)},
		},
		{
			Say: "Samir fills in what is missing, and Odile approves.",
			Do: all(
				edits("samir", "bare", fieldRole, "operator"),
				edits("samir", "bare", fieldJustification, "Stops payments that customers report as wrong"), approves("odile", "bare"),
			),
			Within: soon, Expect: []Expectation{inGroup("samir", group), hasStatus("bare", StatusValidation)},
		},
	}}
}
