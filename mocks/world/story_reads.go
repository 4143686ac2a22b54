package world

import (
	"time"

	"github.com/maisonrmi/sopd/mocks/oktamock"
)

// The stories of this file are about reads that are not whole, or not of now: nothing is decided on them.

// spoiledReads tells a story in which lists of members are spoiled while somebody leaves, and are good again afterwards.
func spoiledReads(name, title, say string, fault oktamock.Fault) Story {
	const group = "payments-operators"
	fault.Endpoint = "GET /api/v1/groups/{groupId}/users"
	return Story{Name: name, Title: title, Steps: []Step{
		{
			Say: say,
			Do: all(remembers(), func(w *World) error {
				w.Okta.Fail(fault)
				return w.ConsoleAdd("ivo", "tessa", "crm-managers")
			}),
			Within: while + time.Second, Expect: []Expectation{throughout(nobodyLost())},
		},
		{
			Say: "Okta is itself again. Clara asks for payments, and Odile approves.",
			Do: all(
				func(w *World) error { w.Okta.ClearFaults(); return nil },
				requests("payments", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "payments"),
			),
			Within: late, Expect: []Expectation{inGroup("clara", group), inGroup("tessa", "crm-managers"), nobodyLost()},
		},
	}}
}

func emptyReadStory() Story {
	return spoiledReads("empty-read", "Okta shows every group as empty: nobody loses anything",
		"Okta begins to answer every question about members with an empty list. At the same time Ivo adds Tessa to crm-managers by hand.",
		oktamock.Fault{Answer: oktamock.AnswerEmptyList, Times: -1})
}

func shortReadStory() Story {
	return spoiledReads("short-read", "A list of members breaks off: it is no list, and nobody loses anything",
		"Okta's lists of members break off in the middle. At the same time Ivo adds Tessa to crm-managers by hand.",
		oktamock.Fault{Answer: oktamock.AnswerTruncated, Times: -1})
}

func repeatedPageStory() Story {
	return spoiledReads("repeated-page", "A list of members gives the same page again and again: it is no list, and nobody loses anything",
		"Okta's lists of members repeat their first page and never end. At the same time Ivo adds Tessa to crm-managers by hand.",
		oktamock.Fault{Answer: oktamock.AnswerRepeatedPage, Times: -1})
}

func throttledReadStory() Story {
	return spoiledReads("rate-limit", "Okta's rate limit is reached in the middle of a read: nothing is decided on the half",
		"Okta answers questions about members with its rate limit. At the same time Ivo adds Tessa to crm-managers by hand.",
		oktamock.Fault{Answer: oktamock.AnswerThrottled, Times: 12})
}

func groupDeletedStory() Story {
	return Story{Name: "group-deleted", Title: "A group goes while it is read: nothing is done about it, and everything else goes on", Steps: []Step{{
		Say: "Ivo deletes the group crm-managers. At the same time Clara asks for payments, and Odile approves.",
		Do: all(remembers(), func(w *World) error {
			return w.Okta.DeleteGroup(userID(oktaAdmins()[0]), w.Group("crm-managers").ID)
		}, requests("payments", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "payments")),
		Within: late, Expect: []Expectation{inGroup("clara", "payments-operators"), somebodyPaged()},
	}}}
}

func missingRoleStory() Story {
	const group = "payments-operators"
	return Story{Name: "missing-role", Title: "sopd loses its role in Okta and is shown empty lists: nothing is done on them", Steps: []Step{
		{
			Say: "Somebody takes sopd's admin role in Okta away: its lists are empty from now on. Clara asks for payments, and Odile approves.",
			Do: all(
				remembers(), func(w *World) error { w.Okta.DropRoles(); return nil },
				requests("payments", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "payments"),
			),
			Within: while, Expect: []Expectation{throughout(notInGroup("clara", group)), throughout(nobodyLost())},
		},
		{
			Say: "The role is given back.",
			Do:  func(w *World) error { w.Okta.RestoreRoles(); return nil }, Within: late,
			Expect: []Expectation{inGroup("clara", group), addedOnce("clara", group), nobodyLost()},
		},
	}}
}

// indexLag is how far behind lists and search are in the story about it: longer than a pass of the program takes.
const indexLag = 8 * time.Second

func indexLagStory() Story {
	const group = "payments-operators"
	return Story{Name: "index-lag", Title: "Lists and search show late what is so already: nothing is done twice, and nothing is undone", Steps: []Step{
		{
			Say: "Okta's lists and Jira's search fall some seconds behind. Clara asks for payments, and Odile approves.",
			Do: all(
				remembers(), func(w *World) error { w.Okta.SetLag(indexLag); w.Jira.SetIndexLag(indexLag); return nil },
				requests("payments", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "payments"),
			),
			Within: late, Expect: []Expectation{inGroup("clara", group), hasStatus("payments", StatusValidation)},
		},
		{
			Say:    "Nothing happens while the lists still show her outside the group, nor when they show her in it.",
			Within: indexLag + while,
			Expect: []Expectation{
				throughout(inGroup("clara", group)), throughout(addedOnce("clara", group)), throughout(namesChanges("payments", 1)),
				throughout(notAlertedAbout("clara", group)), throughout(nobodyLost()),
			},
		},
		{
			Say: "Her access is taken away again: Tariq asks for it, and Odile approves.",
			Do: all(
				revokes("revocation", AccessRequest{By: "tariq", For: "clara", System: "payments", Role: "operator"}), approves("odile", "revocation"),
			),
			Within: late, Expect: []Expectation{notInGroup("clara", group), hasStatus("revocation", StatusClosed)},
		},
		{
			Say:    "Nothing happens while the lists still show her in the group, nor when they show her outside it.",
			Within: indexLag + while,
			Expect: []Expectation{
				throughout(notInGroup("clara", group)), throughout(removedOnce("clara", group)), throughout(notAlertedAbout("clara", group)),
			},
		},
	}}
}
