package world

import "time"

// The stories of this file are about what a ticket is worth: how it was approved, what it would bring together, and where
// it has gone.

func transitionStory() Story {
	const group = "analytics-readers"
	return Story{Name: "transition-approval", Title: "Without a service desk an owner's own transition counts, and nobody else's", Steps: []Step{
		{
			Say: "Boris asks for the reader role in the Analytics Warehouse, in a project that is no service desk. Adele, a colleague, moves the ticket to Approved.",
			Do: all(
				plainly("plain", AccessRequest{By: "boris", System: "analytics", Role: "reader"}),
				onTicket("plain", func(w *World, key Key) error { return w.Drag("adele", key, StatusApproved) }),
			),
			Within: while + time.Second,
			Expect: []Expectation{saysWhy("plain"), throughout(notInGroup("boris", group)), namesNoChange("plain")},
		},
		{
			Say: "Boris moves it back, and to Approved himself.",
			Do: onTicket("plain", func(w *World, key Key) error {
				if err := w.Drag("boris", key, StatusWaiting); err != nil {
					return err
				}
				return w.Drag("boris", key, StatusApproved)
			}),
			Within: while + time.Second, Expect: []Expectation{throughout(notInGroup("boris", group)), namesNoChange("plain")},
		},
		{
			Say: "It goes back once more, and Cyril, who owns the warehouse, moves it to Approved.",
			Do: onTicket("plain", func(w *World, key Key) error {
				if err := w.Drag("boris", key, StatusWaiting); err != nil {
					return err
				}
				return w.Drag("cyril", key, StatusApproved)
			}),
			Within: soon, Expect: []Expectation{inGroup("boris", group), namesChanges("plain", 1), hasStatus("plain", StatusValidation)},
		},
		{
			Say: "Boris validates.",
			Do:  validates("boris", "plain"), Within: soon,
			Expect: []Expectation{evidenceSays("plain", "by the transition \"Waiting for approval > Approved\""), hasStatus("plain", StatusClosed)},
		},
	}}
}

// plainly raises an access request outside the service desk.
func plainly(nick string, r AccessRequest) func(*World) error {
	return func(w *World) error { return w.keep(nick)(w.RequestPlain(r)) }
}

func separationStory() Story {
	return Story{Name: "sod-conflict", Title: "Duties that are kept apart do not come together, whoever approves", Steps: []Step{
		{
			Say: "Manon, who prepares salaries, asks to release what is posted to the General Ledger. Edgar, who owns it, and Tariq approve.",
			Do: func(w *World) error {
				ask := AccessRequest{By: "manon", System: "ledger", Role: "approver", Until: w.in(30 * 24 * time.Hour)}
				return all(requests("apart", ask), approves("edgar", "apart"), approves("tariq", "apart"))(w)
			},
			Within: while + time.Second,
			Expect: []Expectation{
				answered("apart", "A comment on the ticket names the rule and what it keeps apart", "salaries-and-release", "payroll/clerk"),
				throughout(notInGroup("manon", "ledger-approvers")), namesNoChange("apart"),
			},
		},
		{
			Say: "Florian, who sends payments, asks for the manager role in Customer Records, and Victor approves. The policy allows an exception here.",
			Do: all(
				requests("lifted", AccessRequest{By: "florian", System: "crm", Role: "manager"}), approves("victor", "lifted"),
			),
			Within: while + time.Second,
			Expect: []Expectation{
				answered("lifted", "A comment on the ticket says whose exception it takes", "customers-and-payments", "security-exception"),
				throughout(notInGroup("florian", "crm-managers")), namesNoChange("lifted"),
			},
		},
		{
			Say: "The ticket goes back, Victor and Tariq are asked, and both approve.",
			Do: all(
				onTicket("lifted", func(w *World, key Key) error {
					asked, err := accounts([]string{"victor", "tariq"})
					if err != nil {
						return err
					}
					return w.EditField(deskAgent, key, fieldApprovers, asked)
				}),
				onTicket("lifted", func(w *World, key Key) error { return w.Drag(deskAgent, key, StatusWaiting) }),
				approves("victor", "lifted"), approves("tariq", "lifted"),
			),
			Within: soon, Expect: []Expectation{inGroup("florian", "crm-managers"), namesChanges("lifted", 1), hasStatus("lifted", StatusValidation)},
		},
		{
			Say: "Florian validates.",
			Do:  validates("florian", "lifted"), Within: soon,
			Expect: []Expectation{evidenceSays("lifted", "as an exception to the rule customers-and-payments"), hasStatus("lifted", StatusClosed)},
		},
		{
			Say: "Ivo adds Louise, who prepares salaries too, to ledger-approvers by hand. Nothing is taken from her; somebody is told.",
			Do:  func(w *World) error { return w.ConsoleAdd("ivo", "louise", "ledger-approvers") }, Within: 2 * while,
			Expect: []Expectation{
				{Name: "An alert in Opsgenie names Louise and the rule", Held: func(w *World) (bool, error) {
					return len(w.AlertsAbout(w.Person("louise").OktaID, "salaries-and-release")) > 0, nil
				}},
				throughout(inGroup("louise", "ledger-approvers")), throughout(inGroup("louise", "payroll-clerks")),
			},
		},
	}}
}

// givenAndAsked leaves one ticket with access that was given on it, and one that waits.
func givenAndAsked(group string) Step {
	return Step{
		Say: "Clara asks for payments, and Odile approves. Gwen asks too; nobody has answered her yet.",
		Do: all(
			requests("given", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "given"),
			requests("asked", AccessRequest{By: "gwen", System: "payments", Role: "operator"}),
		),
		Within: soon, Expect: []Expectation{inGroup("clara", group), hasStatus("given", StatusValidation)},
	}
}

func ticketMovedStory() Story {
	const group = "payments-operators"
	moves := func(nick string) func(*World) error {
		return onTicket(nick, func(w *World, key Key) error { return w.keep(nick)(w.MoveTicket(deskAgent, key, projectPeople)) })
	}
	return Story{Name: "ticket-moved", Title: "A ticket that moves away gives nothing more, and takes nothing", Steps: []Step{
		givenAndAsked(group),
		{
			Say: "Blaise moves both tickets to the project of People Operations, where other rules hold. Then Odile approves Gwen's.",
			Do:  all(remembers(), moves("given"), moves("asked"), approves("odile", "asked")), Within: 2 * while,
			Expect: []Expectation{
				alertAbout("clara", group), throughout(nobodyLost()), throughout(notInGroup("gwen", group)), namesNoChange("asked"),
				answered("asked", "A comment on Gwen's ticket says that it has moved away", "has moved"),
			},
		},
	}}
}

func ticketDeletedStory() Story {
	const group = "payments-operators"
	deletes := func(nick string) func(*World) error {
		return onTicket(nick, func(w *World, key Key) error { return w.DeleteTicket(deskAgent, key) })
	}
	return Story{Name: "ticket-deleted", Title: "A ticket that is deleted proves nothing: nobody gets and nobody loses anything", Steps: []Step{
		givenAndAsked(group),
		{
			Say: "Blaise deletes both tickets.",
			Do:  all(remembers(), deletes("given"), deletes("asked")), Within: 2 * while,
			Expect: []Expectation{alertAbout("clara", group), throughout(nobodyLost()), throughout(notInGroup("gwen", group))},
		},
		{
			Say: "Tessa asks for the viewer role, and Odile approves: everything else goes on.",
			Do: all(
				requests("next", AccessRequest{By: "tessa", System: "payments", Role: "viewer"}), approves("odile", "next"),
			),
			Within: soon, Expect: []Expectation{inGroup("tessa", "payments-viewers"), inGroup("clara", group)},
		},
	}}
}
