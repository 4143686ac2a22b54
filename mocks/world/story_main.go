package world

import "time"

// mainStory is what a newcomer is shown: the main job from end to end, in less than a minute.
func mainStory() Story {
	steps := requestSteps()
	steps = append(steps, highRiskSteps()...)
	steps = append(steps, addedByHand())
	steps = append(steps, leaverSteps()...)
	steps = append(steps, expirySteps(8*time.Second)...)
	return Story{Name: "main", Title: "From a request to access, and from a leaver to none", Steps: steps}
}

// requestSteps is an ordinary request for a medium-risk system, from the question to the closed ticket.
func requestSteps() []Step {
	return []Step{
		{
			Say: "Clara, an accountant, asks for the operator role in the Payments Console.",
			Do: requests("payments", AccessRequest{
				By: "clara", System: "payments", Role: "operator", Justification: "Stands in for Florian in the payment runs of this month",
			}),
			Within: time.Second,
			Expect: []Expectation{throughout(notInGroup("clara", "payments-operators"))},
		},
		{
			Say: "Odile, who owns the Payments Console, approves.",
			Do:  approves("odile", "payments"), Within: soon,
			Expect: []Expectation{
				inGroup("clara", "payments-operators"), namesChanges("payments", 1), hasStatus("payments", StatusValidation),
			},
		},
		{
			Say: "Clara tries it, and validates her ticket.",
			Do:  validates("clara", "payments"), Within: soon,
			Expect: []Expectation{evidenceAttached("payments"), hasStatus("payments", StatusClosed)},
		},
	}
}

// highRiskSteps is a request that two have to approve.
func highRiskSteps() []Step {
	const admins = "production-db-admins"
	return []Step{
		{
			Say: "Amara asks for the admin role in the Production Database, a high-risk system. Hugo, who owns it, approves.",
			Do: func(w *World) error {
				return all(requests("database", AccessRequest{
					By: "amara", System: "production-db", Role: "admin", Until: w.in(30 * 24 * time.Hour),
					Justification: "Repairs the orders that the release of last night left half written",
				}), approves("hugo", "database"))(w)
			},
			Within: 2 * time.Second,
			Expect: []Expectation{throughout(notInGroup("amara", admins)), throughout(hasStatus("database", StatusWaiting))},
		},
		{
			Say: "Tariq of Security Operations approves too.",
			Do:  approves("tariq", "database"), Within: soon,
			Expect: []Expectation{inGroup("amara", admins), namesChanges("database", 1), hasStatus("database", StatusValidation)},
		},
	}
}

// addedByHand is drift in a system that is only observed.
func addedByHand() Step {
	return Step{
		Say:    "Ivo adds Camille to website-editors by hand in the Okta console. For that system sopd only observes.",
		Do:     func(w *World) error { return w.ConsoleAdd("ivo", "camille", "website-editors") },
		Within: 4 * time.Second,
		Expect: []Expectation{alertAbout("camille", "website-editors"), throughout(inGroup("camille", "website-editors"))},
	}
}

// leaverSteps is one person who leaves by a ticket, and one who is deactivated without.
func leaverSteps() []Step {
	return []Step{
		{
			Say: "Marek leaves. Karim raises the offboarding ticket, today being the last day, and Jeanne of People Operations approves.",
			Do:  all(remembers("marek"), offboards("marek", 0)), Within: soon,
			Expect: []Expectation{
				noManagedGroups("marek"), signedOut("marek"), namesGroupsOf("leaver", "marek"),
				answered("leaver", "A comment on the ticket names the group that a rule fills and that has to be looked at", "wiki-readers"),
				hasStatus("leaver", StatusClosed),
			},
		},
		{
			Say: "Emma's account is deactivated directly in Okta. Nobody raised a ticket.",
			Do:  func(w *World) error { return w.Deactivate("emma") }, Within: soon,
			Expect: []Expectation{noManagedGroups("emma")},
		},
	}
}

// offboards raises the ticket of somebody whose last day ends after the time, and has it approved.
func offboards(leaver string, after time.Duration) func(*World) error {
	return func(w *World) error {
		key, err := w.Offboard("karim", leaver, w.in(after))
		if err := w.keep("leaver")(key, err); err != nil {
			return err
		}
		return w.Approve("jeanne", key)
	}
}

// expirySteps is access that ends after the time by itself.
func expirySteps(after time.Duration) []Step {
	return []Step{
		{
			Say: "Gwen asks for the operator role in the Payments Console until a few seconds from now, and Odile approves.",
			Do: func(w *World) error {
				return all(requests("short", AccessRequest{
					By: "gwen", System: "payments", Role: "operator", Until: w.in(after),
					Justification: "Watches one payment run to write down how it is done",
				}), approves("odile", "short"))(w)
			},
			Within: after,
			Expect: []Expectation{inGroup("gwen", "payments-operators"), namesChanges("short", 1)},
		},
		{
			Say:    "The time is over. Nobody does anything.",
			Within: after + soon,
			Expect: []Expectation{notInGroup("gwen", "payments-operators"), namesChanges("short", 2)},
		},
	}
}

// in is the time so long from now.
func (w *World) in(d time.Duration) time.Time { return w.now().UTC().Add(d).Truncate(time.Millisecond) }
