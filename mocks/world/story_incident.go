package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// The stories of this file are about incidents: what monitoring raises, what people do about it, and what the program does
// beside them.

// alarms raises an alert and keeps its ID under a nickname.
func alarms(nick string, i Incident) func(*World) error {
	return func(w *World) error {
		id, err := w.Alarm(i)
		w.Note("alert "+nick, id)
		return err
	}
}

// onAlert does something with the alert of the nickname.
func onAlert(nick string, do func(*World, string) string) func(*World) error {
	return func(w *World) error {
		id, ok := w.Noted("alert " + nick)
		if _, awaited := w.Noted("awaited " + nick); !ok && awaited {
			return nil
		}
		if !ok {
			return fmt.Errorf("%w alert %q", ErrUnknown, nick)
		}
		if objection := do(w, id); objection != "" {
			return fmt.Errorf("alert %q: %s", nick, objection)
		}
		return nil
	}
}

func acknowledges(as, nick string) func(*World) error {
	return onAlert(nick, func(w *World, id string) string { return w.Opsgenie.Acknowledge(id, login(as)) })
}

func notes(as, nick, text string) func(*World) error {
	return onAlert(nick, func(w *World, id string) string { return w.Opsgenie.AddNote(id, login(as), text) })
}

func comments(as, nick, text string) func(*World) error {
	return onTicket(nick, func(w *World, key Key) error { return w.Comment(as, key, text) })
}

// newTicket: exactly one ticket of the security project holds the text, and it is kept under the nickname.
func newTicket(nick, name, text string) Expectation {
	return Expectation{Name: name, Held: func(w *World) (bool, error) {
		found := w.SecurityTickets(text)
		if len(found) != 1 {
			return false, nil
		}
		w.Note("ticket "+nick, string(found[0]))
		return true, nil
	}}
}

func noted(nick, name string, words ...string) Expectation {
	return Expectation{Name: name, Held: func(w *World) (bool, error) {
		id, _ := w.Noted("alert " + nick)
		a, _ := w.Alert(id)
		for _, n := range a.Notes {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(n.Text, word) }) {
				return true, nil
			}
		}
		return false, nil
	}}
}

func alertClosed(nick string) Expectation {
	return Expectation{Name: "The alert is closed", Held: func(w *World) (bool, error) {
		id, _ := w.Noted("alert " + nick)
		a, ok := w.Alert(id)
		return ok && a.Closed, nil
	}}
}

func linkedTo(nick, alert string) Expectation {
	return seen(nick, "The ticket links to the alert", func(w *World, key Key) bool {
		id, _ := w.Noted("alert " + alert)
		issue, _ := w.Jira.Issue(key)
		return slices.Contains(issue.Links, "sopd-alert-"+id)
	})
}

// marekAlarm is the alarm of most stories: somebody does with Marek's account what Marek does not.
func marekAlarm(ago time.Duration) Incident {
	return Incident{Message: "Production data copied from an unknown device", Priority: "P1", About: "marek", Ago: ago}
}

const sevOne = "Sev 1: Production data copied"

func incidentSev1Story() Story {
	return Story{Name: "incident-sev1", Title: "A Sev 1 from the alert to its reviewed end, contained by a playbook", Steps: slices.Concat(
		[]Step{
			{
				Say: "Monitoring raises a P1: production data is being copied by an unknown device that uses Marek's account.",
				Do:  all(awaits("incident", "review"), remembers("marek"), alarms("copy", marekAlarm(0))), Within: soon,
				Expect: []Expectation{
					newTicket("incident", "One ticket is opened for the incident", sevOne), sameGroups("marek"),
				},
			},
			{
				Say: "Wen, who is on call, acknowledges the alert.",
				Do:  acknowledges("wen", "copy"), Within: soon,
				Expect: []Expectation{
					noted("copy", "A note on the alert names the ticket", "Sev 1", projectSec+"-"), linkedTo("incident", "copy"),
					answered("incident", "A comment on the ticket says how severe it is and why", "critical", "paged as P1"),
				},
			},
		},
		containSteps(), endSteps())}
}

func containSteps() []Step {
	return []Step{
		{
			Say: "Tariq of Security Operations confirms the playbook lock-out, in a comment on the ticket.",
			Do:  comments("tariq", "incident", "It is not him, I have him on the phone.\nsopd: contain lock-out"), Within: late,
			Expect: []Expectation{
				noManagedGroups("marek"), signedOut("marek"),
				{Name: "Marek's account is suspended", Held: func(w *World) (bool, error) { return w.OktaStatus("marek") == "SUSPENDED", nil }},
				namesGroupsOf("incident", "marek"),
				noted("copy", "The alert's timeline names a change by its ID", "CHG-", "lock-out"),
				answered("incident", "A comment on the ticket says what Okta cannot do", "Sessions inside applications"),
			},
		},
		{
			Say: "Noor tells those with a stake, and Tariq corrects when it was detected: the first sign had come a little before the alert.",
			Do: func(w *World) error {
				at := w.now().UTC().Truncate(time.Minute).Format("2006-01-02T15:04Z")
				return all(comments("noor", "incident", "sopd: update Data access is cut, we look at what was copied"),
					comments("tariq", "incident", "sopd: detected at "+at))(w)
			},
			Within: soon,
			Expect: []Expectation{answered("incident", "The corrected time is confirmed on the ticket", "Done: detected is at")},
		},
	}
}

func endSteps() []Step {
	return []Step{
		{
			Say: "The incident is resolved, then closed in Jira.",
			Do:  all(drags("noor", "incident", StatusResolved), drags("noor", "incident", StatusClosed)), Within: late,
			Expect: []Expectation{
				alertClosed("copy"), newTicket("review", "One ticket is opened for the review, with its due date", "Post-incident review of"),
				{Name: "The review has its due date", Held: func(w *World) (bool, error) {
					found := w.SecurityTickets("Post-incident review of")
					if len(found) == 0 {
						return false, nil
					}
					issue, _ := w.Jira.Issue(found[0])
					return issue.Values[fieldDue] != nil, nil
				}},
			},
		},
		{
			Say: "Noor closes the review at once, without anything in it.",
			Do:  drags("noor", "review", StatusClosed), Within: soon,
			Expect: []Expectation{
				answered("review", "A comment names each thing that is missing", fieldRootCause, fieldPolicyUpdates, "follow-up tickets"),
			},
		},
		{
			Say: "Then she writes down root cause and policy updates, and links a follow-up ticket.",
			Do: all(
				edits("noor", "review", fieldRootCause, "A token had been left in a build log"),
				edits("noor", "review", fieldPolicyUpdates, "Build logs are scanned for tokens"),
				onTicket("review", func(w *World, key Key) error { return w.FollowUp("noor", key, "Scan build logs for tokens") }),
			),
			Within: soon,
			Expect: []Expectation{answered("review", "A comment says that the review is complete", "complete since")},
		},
	}
}

func incidentFromTicketStory() Story {
	return Story{Name: "incident-from-ticket", Title: "An incident that somebody raises in Jira pages who is on call", Steps: []Step{
		{
			Say: "Odile of Finance raises an incident in Jira: a file of customers' data lies open on the web.",
			Do: func(w *World) error {
				w.Note("awaited leak", "the page")
				return w.keep("incident")(w.RaiseIncident("odile", "A file of customers' data lies open on the web", "data-leak"))
			},
			Within: soon,
			Expect: []Expectation{
				answered("incident", "A comment on the ticket says how severe it is and why", "critical", "data may have left the house"),
				{Name: "Security Operations is paged, once, and the page names the ticket", Held: func(w *World) (bool, error) {
					key, err := w.ticket("incident")
					found := w.AlertsAbout(string(key))
					if err != nil || len(found) != 1 {
						return false, err
					}
					w.Note("alert leak", found[0].ID)
					return slices.ContainsFunc(found[0].Responders, func(r opsgeniemock.Responder) bool { return r.Name == ScheduleSecurity }), nil
				}},
				linkedTo("incident", "leak"),
			},
		},
		{
			Say: "Wen acknowledges the page, and writes on it that the file is gone.",
			Do:  all(acknowledges("wen", "leak"), notes("wen", "leak", "/contained the file is gone")), Within: while,
			Expect: []Expectation{throughout(seen("incident", "No second ticket is opened", func(w *World, _ Key) bool {
				return len(w.SecurityTickets("Sev 1")) == 0
			}))},
		},
		{
			Say: "The ticket is closed.",
			Do:  drags("odile", "incident", StatusClosed), Within: late,
			Expect: []Expectation{alertClosed("leak"), newTicket("review", "One ticket is opened for the review", "Post-incident review of")},
		},
	}}
}

func incidentLateUpdateStory() Story {
	return Story{Name: "incident-late-update", Title: "Those with a stake have to be told every half hour: a reminder goes out before", Steps: []Step{
		{
			Say: "Monitoring shows a P1 that began 22 minutes ago. Nobody has told those with a stake how it stands.",
			Do:  all(awaits("incident"), alarms("copy", marekAlarm(22*time.Minute))), Within: late,
			Expect: []Expectation{
				newTicket("incident", "One ticket is opened for the incident", sevOne),
				noted("copy", "A note on the alert reminds of the update", "next update", "is due at"),
				{Name: "A comment on the ticket reminds of the update", Held: func(w *World) (bool, error) {
					found := w.SecurityTickets(sevOne)
					return len(found) == 1 && slices.ContainsFunc(w.Answers(found[0]), func(text string) bool {
						return strings.Contains(text, "next update")
					}), nil
				}},
			},
		},
		{
			Say: "Noor tells them, in a comment on the ticket.",
			Do:  comments("noor", "incident", "sopd: update we know the device, it is being cut off"), Within: 6 * time.Second,
			Expect: []Expectation{throughout(seen("incident", "No second reminder goes out", func(w *World, key Key) bool {
				n := 0
				for _, text := range w.Answers(key) {
					n += strings.Count(text, "The next update")
				}
				return n <= 1
			}))},
		},
	}}
}

func pirOverdueStory() Story {
	const days = 24 * time.Hour
	return Story{Name: "pir-overdue", Title: "A review that nobody has done by its day is chased", Steps: []Step{
		{
			Say: "A P1 of three weeks ago was never looked after in Jira. A ticket is opened for it now.",
			Do:  all(awaits("incident", "review"), alarms("copy", marekAlarm(21*days))), Within: soon,
			Expect: []Expectation{newTicket("incident", "One ticket is opened for the incident", sevOne)},
		},
		{
			Say: "Tariq writes down when it was resolved and closed: twenty days ago.",
			Do: func(w *World) error {
				at := w.in(-20 * days).Format("2006-01-02T15:04Z")
				return all(comments("tariq", "incident", "sopd: resolved at "+at), comments("tariq", "incident", "sopd: closed at "+at))(w)
			},
			Within: late,
			Expect: []Expectation{
				newTicket("review", "One ticket is opened for the review", "Post-incident review of"),
				{Name: "Somebody is paged for the review that is overdue", Held: func(w *World) (bool, error) {
					found := w.SecurityTickets("Post-incident review of")
					return len(found) == 1 && len(w.AlertsAbout(string(found[0]), "review")) > 0, nil
				}},
			},
		},
		{
			Say: "The review is done.",
			Do: all(
				edits("noor", "review", fieldRootCause, "A token had been left in a build log"), edits("noor", "review", fieldPolicyUpdates, "None"),
				onTicket("review", func(w *World, key Key) error { return w.FollowUp("noor", key, "Scan build logs for tokens") }),
				drags("noor", "review", StatusClosed),
			),
			Within: late,
			Expect: []Expectation{{Name: "The page is closed by itself", Held: func(w *World) (bool, error) {
				key, err := w.ticket("review")
				return err == nil && len(w.AlertsAbout(string(key), "review")) == 0, nil
			}}},
		},
	}}
}

func playbookUnauthorisedStory() Story {
	const patience = "Let us reach him first."
	return Story{Name: "playbook-unauthorised", Title: "A playbook is not run on the word of somebody who may not confirm it", Steps: []Step{
		{
			Say: "Monitoring raises a P1 about Marek's account.",
			Do:  all(awaits("incident", "protected"), remembers("marek"), alarms("copy", marekAlarm(0))), Within: soon,
			Expect: []Expectation{newTicket("incident", "One ticket is opened for the incident", sevOne)},
		},
		{
			Say: "Clara, an accountant, asks for the playbook in a comment, and somebody without a name in a note on the alert.",
			Do: all(comments("clara", "incident", "sopd: contain lock-out"),
				onAlert("copy", func(w *World, id string) string { return w.Opsgenie.AddNote(id, "nobody@example.org", "/contain") })),
			Within: 6 * time.Second,
			Expect: []Expectation{
				throughout(sameGroups("marek")),
				throughout(Expectation{Name: "Marek's account stays active", Held: func(w *World) (bool, error) { return w.OktaStatus("marek") == "ACTIVE", nil }}),
				answered("incident", "A comment on the ticket says why nothing was done", "Not done", "authorises"),
				namesNoChange("incident"),
			},
		},
		{
			Say: "Tariq, who may, asks for patience. Ivo, who administers Jira, puts the order into Tariq's comment.",
			Do: all(comments("tariq", "incident", patience), onTicket("incident", func(w *World, key Key) error {
				return w.Jira.Rewrite(account("ivo"), key, patience, "sopd: contain lock-out")
			})),
			Within: 6 * time.Second,
			Expect: []Expectation{
				throughout(sameGroups("marek")),
				answered("incident", "A comment on the ticket says that the comment was changed", "Not done", "was changed"),
				namesNoChange("incident"),
			},
		},
		{
			Say: "Monitoring raises another P1, about the emergency account, which policy protects.",
			Do:  alarms("second", Incident{Message: "The emergency account signs in at night", Priority: "P1", About: breakGlass}), Within: soon,
			Expect: []Expectation{newTicket("protected", "One ticket is opened for the second incident", "Sev 1: The emergency account")},
		},
		{
			Say: "Tariq, who may, confirms the playbook for it.",
			Do:  comments("tariq", "protected", "sopd: contain"), Within: soon,
			Expect: []Expectation{
				answered("protected", "A comment on the ticket says that the account is protected", "Not done", "protected by policy"),
				namesNoChange("protected"),
			},
		},
	}}
}

// onCallAlert: an alert about who is on call for the schedule is open, or none is.
func onCallAlert(name string, open int) Expectation {
	return Expectation{Name: name, Held: func(w *World) (bool, error) {
		return len(w.AlertsAbout("pager-disagreement", ScheduleSecurity)) == open, nil
	}}
}

func pagersDisagreeStory() Story {
	return Story{
		Name: "pagers-disagree", Title: "While a house moves from Opsgenie to JSM Operations, both have to name the same people",
		Env: map[string]string{"SOPD_PAGING": "both"},
		Steps: []Step{
			{
				Say:    "Both pagers are read. They name the same people, one by address, the other by account.",
				Within: 6 * time.Second, Expect: []Expectation{throughout(onCallAlert("Nobody is paged about who is on call", 0))},
			},
			{
				Say: "In JSM Operations, somebody puts Wen on call for Security Operations. In Opsgenie it is still Tariq.",
				Do:  func(w *World) error { return w.OnCall(ScheduleSecurity, "wen") }, Within: late,
				Expect: []Expectation{onCallAlert("Somebody is paged in Opsgenie, and the page names the schedule", 1)},
			},
			{
				Say: "It is put right.",
				Do:  func(w *World) error { return w.OnCall(ScheduleSecurity, "tariq") }, Within: late,
				Expect: []Expectation{onCallAlert("The page is closed by itself", 0)},
			},
		},
	}
}
