package world

import (
	"fmt"
	"time"
)

// The stories of this file are how access moves, goes on, is given in an emergency, and comes back.

func moverStory() Story {
	return Story{Name: "mover", Title: "Somebody changes their role: the new comes before the old goes", Steps: []Step{
		{
			Say: "Tomas leaves the build pipeline for the analysts. Ines raises the ticket.",
			Do: changesRole("move", RoleChange{
				By: "ines", For: "tomas", System: "analytics", Role: "author", OldSystem: "ci", OldRole: "operator",
			}),
			Within: while,
			Expect: []Expectation{throughout(inGroup("tomas", "ci-operators")), throughout(notInGroup("tomas", "analytics-authors"))},
		},
		{
			Say: "Cyril, who owns the Analytics Warehouse, approves.",
			Do:  approves("cyril", "move"), Within: 2 * soon,
			Expect: []Expectation{
				inGroup("tomas", "analytics-authors"), notInGroup("tomas", "ci-operators"), neverBetween("tomas", "analytics-authors", "ci-operators"),
				inGroup("tomas", "source-developers"), namesChanges("move", 2), hasStatus("move", StatusClosed), evidenceAttached("move"),
			},
		},
	}}
}

// neverBetween: the log shows that the person was put into the new group before being taken out of the old one.
func neverBetween(person, newGroup, oldGroup string) Expectation {
	name := fmt.Sprintf("Okta's log shows that %s came into %s before leaving %s", called(person), newGroup, oldGroup)
	return Expectation{Name: name, Held: func(w *World) (bool, error) {
		in, out := -1, -1
		for i, e := range w.Okta.Log() {
			about := map[string]bool{}
			for _, target := range e.Targets {
				about[target.ID] = true
			}
			switch {
			case !about[w.Person(person).OktaID]:
			case e.Type == "group.user_membership.add" && about[w.Group(newGroup).ID]:
				in = i
			case e.Type == "group.user_membership.remove" && about[w.Group(oldGroup).ID]:
				out = i
			}
		}
		return in >= 0 && in < out, nil
	}}
}

func birthrightStory() Story {
	return Story{Name: "birthright", Title: "A department gives its access by itself, and a move to another one moves it", Steps: []Step{
		{
			Say: "Gaspard moves to the Data team. People Operations change his department in Okta, and nobody raises a ticket.",
			Do:  reprofiles("gaspard", "department", "Data"), Within: soon,
			Expect: []Expectation{inGroup("gaspard", "analytics-readers")},
		},
		{
			Say: "A faulty import empties his department. Nothing is known of it, so nothing is taken.",
			Do:  reprofiles("gaspard", "department", ""), Within: soon, Expect: []Expectation{inGroup("gaspard", "analytics-readers")},
		},
		{
			Say: "So it stays.", Within: 6 * time.Second, Expect: []Expectation{throughout(inGroup("gaspard", "analytics-readers"))},
		},
		{
			Say: "He moves on to Customer Care.",
			Do:  reprofiles("gaspard", "department", "Customer Care"), Within: 2 * soon,
			Expect: []Expectation{
				inGroup("gaspard", "crm-agents"), notInGroup("gaspard", "analytics-readers"),
				neverBetween("gaspard", "crm-agents", "analytics-readers"), inGroup("gaspard", "erp-viewers"),
			},
		},
	}}
}

func breakGlassStory() Story {
	return Story{Name: "break-glass", Title: "Whoever is on call takes emergency access: at once, loud, short, and reviewed", Steps: []Step{
		{
			Say: "At night a table is damaged. Yuki, on call for the platform, takes the admin role in the Production Database for a while.",
			Do: func(w *World) error {
				return breaksGlass("night", AccessRequest{
					By: "yuki", System: "production-db", Role: "admin", Until: w.in(25 * time.Second),
					Justification: "The orders table is damaged and customers cannot pay",
				})(w)
			},
			Within: soon,
			Expect: []Expectation{
				inGroup("yuki", "production-db-admins"), alertAbout("yuki", "production-db-admins"),
				answered("night", "A comment on the ticket tells those whose approval was skipped, and when the review is due",
					"system-owner", "security-operations", "review"),
				hasStatus("night", StatusReview),
			},
		},
		{
			Say: "Tariq of Security Operations reviews it and finds it justified.",
			Do:  approves("tariq", "night"), Within: soon,
			Expect: []Expectation{answered("night", "A comment on the ticket says that it was reviewed", "found justified"), inGroup("yuki", "production-db-admins")},
		},
		{
			Say: "The time is over.", Within: 25*time.Second + soon,
			Expect: []Expectation{notInGroup("yuki", "production-db-admins"), evidenceAttached("night"), hasStatus("night", StatusClosed)},
		},
	}}
}

func unreviewedStory() Story {
	return Story{Name: "break-glass-unreviewed", Title: "Emergency access that nobody reviews is taken away, and that is a breach", Steps: []Step{
		{
			Say: "Yuki takes emergency access to the Production Database for an hour. Paula, who is not on call, tries the same.",
			Do: all(
				breaksGlass("night", AccessRequest{
					By: "yuki", System: "production-db", Role: "admin", Justification: "The orders table is damaged and customers cannot pay",
				}),
				breaksGlass("denied", AccessRequest{
					By: "paula", System: "production-db", Role: "admin", Justification: "Wants to see what is going on as well",
				}),
			),
			Within: soon,
			Expect: []Expectation{
				inGroup("yuki", "production-db-admins"), saysWhy("denied"), throughout(notInGroup("paula", "production-db-admins")),
			},
		},
		{
			Say: "Nobody reviews it in time.", Within: reviewTime + 2*soon,
			Expect: []Expectation{
				notInGroup("yuki", "production-db-admins"), answered("night", "A comment on the ticket says so", "was not reviewed by"),
				alertAbout("yuki", "break-glass-unreviewed"), hasStatus("night", StatusReview),
			},
		},
	}}
}

// reviewTime is how long Maison RMI's policy gives the review of an emergency. A real house takes a day.
const reviewTime = 30 * time.Second

func extensionStory() Story {
	const group = "payments-operators"
	return Story{Name: "extension", Title: "Access that is approved again goes on without a gap", Steps: []Step{
		{
			Say: "Gwen may run payments until a few seconds from now.",
			Do: func(w *World) error {
				return all(requests("first", AccessRequest{By: "gwen", System: "payments", Role: "operator", Until: w.in(12 * time.Second)}),
					approves("odile", "first"))(w)
			},
			Within: 12 * time.Second, Expect: []Expectation{inGroup("gwen", group)},
		},
		{
			Say: "She asks for it until next month, and Odile approves before the first ends.",
			Do: func(w *World) error {
				return all(requests("more", AccessRequest{By: "gwen", System: "payments", Role: "operator", Until: w.in(30 * 24 * time.Hour)}),
					approves("odile", "more"))(w)
			},
			Within: soon,
			Expect: []Expectation{answered("more", "A comment on the ticket says that it is an extension, and of what", "extension"), inGroup("gwen", group)},
		},
		{
			Say: "The first of the two ends.", Within: 12*time.Second + while,
			Expect: []Expectation{throughout(inGroup("gwen", group)), addedOnce("gwen", group)},
		},
	}}
}

func expiryWarningStory() Story {
	return Story{Name: "expiry-warning", Title: "Before access ends, its ticket says so and how to go on", Steps: []Step{{
		Say: "Nadia may operate the build pipeline for one day and a few seconds. Theo, who owns it, approves.",
		Do: func(w *World) error {
			return all(requests("day", AccessRequest{By: "nadia", System: "ci", Role: "operator", Until: w.in(24*time.Hour + 12*time.Second)}),
				approves("theo", "day"))(w)
		},
		Within: 12*time.Second + soon,
		Expect: []Expectation{
			inGroup("nadia", "ci-operators"), answered("day", "One day before the end a comment says how to go on", "raise a new request"),
		},
	}}}
}

func undoStory() Story {
	return Story{Name: "undo", Title: "A removal that was wrong is taken back on a second person's word", Steps: []Step{
		{
			Say: "Anouk adds Oscar to ci-operators by hand. For that system sopd enforces, and takes him out.",
			Do:  func(w *World) error { return w.ConsoleAdd("anouk", "oscar", "ci-operators") }, Within: soon,
			Expect: []Expectation{removedOnce("oscar", "ci-operators"), notInGroup("oscar", "ci-operators")},
		},
		{
			Say: "He was needed there. Anouk asks for the change to be undone, and somebody else lets it through.", Operate: UndoLast,
			Within: soon,
			Expect: []Expectation{inGroup("oscar", "ci-operators")},
		},
		{
			Say: "It stays so for some days, in which a ticket has to be raised.", Within: while,
			Expect: []Expectation{throughout(inGroup("oscar", "ci-operators"))},
		},
	}}
}

// UndoLast is what two people who run the program do: one asks for the last change to be taken back, another approves it.
const UndoLast Operation = "undo-last"

func removedOnce(person, groupName string) Expectation {
	return Expectation{
		Name: fmt.Sprintf("Okta's log shows that %s was taken out of %s", called(person), groupName),
		Held: func(w *World) (bool, error) {
			return w.events("group.user_membership.remove", w.Person(person).OktaID, w.Group(groupName).ID) == 1, nil
		},
	}
}

func renamedStory() Story {
	return Story{Name: "renamed", Title: "Somebody is renamed in Okta and keeps everything", Steps: []Step{{
		Say: "Amara marries. Her login, her e-mail address and her name change in Okta.",
		Do: all(remembers("amara"), func(w *World) error {
			return w.Okta.UpdateProfile(userID(oktaAdmins()[0]), w.Person("amara").OktaID, map[string]any{
				"login": "amara.keita@example.com", "email": "amara.keita@example.com", "lastName": "Keita", "displayName": "Amara Keita",
			})
		}),
		Within: 6 * time.Second,
		Expect: []Expectation{throughout(sameGroups("amara")), throughout(nobodyLost())},
	}, {
		Say: "She asks for something, and it is still her.",
		Do:  all(requests("new", AccessRequest{By: "amara", System: "analytics", Role: "reader"}), approves("cyril", "new")), Within: soon,
		Expect: []Expectation{inGroup("amara", "analytics-readers")},
	}}}
}
