package world

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/mocks/oktamock"
)

// The stories of this file are about safety: what goes wrong outside must not cost anybody their access.

func massLeaverStory() Story {
	leavers := []string{
		"felix", "greta", "kenji", "lucie", "mateo", "oscar", "priya", "rafael", "sofia", "tomas", "rosa", "samir", "tessa",
	}
	return Story{Name: "mass-leaver", Title: "Far too many people leave at once: nothing is removed, somebody is paged", Steps: []Step{{
		Say: fmt.Sprintf("A faulty import deactivates %d people in Okta at once.", len(leavers)),
		Do:  all(remembers(), func(w *World) error { return w.Deactivate(leavers...) }), Within: 6 * time.Second,
		Expect: []Expectation{somebodyPaged(), throughout(nobodyLost())},
	}}}
}

func smallGroupStory() Story {
	return Story{Name: "small-group", Title: "A privileged group of three is not emptied by two leavers at once", Steps: []Step{{
		Say: "Two of the three administrators of the Secrets Vault are deactivated in Okta at once.",
		Do:  all(remembers(), func(w *World) error { return w.Deactivate("piotr", "wen") }), Within: 6 * time.Second,
		Expect: []Expectation{somebodyPaged(), throughout(nobodyLost())},
	}}}
}

func expiredTokenStory() Story {
	const group = "payments-operators"
	return Story{Name: "expired-token", Title: "Jira forgets who sopd is and answers with nothing: nothing is done on it", Steps: []Step{
		{
			Say: "sopd's Jira token expires. From now on Jira answers every search with an empty list. Clara asks for payments, and Odile approves.",
			Do: all(
				remembers(), func(w *World) error { w.Jira.ExpireToken(jiraToken); return nil },
				requests("payments", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "payments"),
			),
			Within: while, Expect: []Expectation{throughout(notInGroup("clara", group)), throughout(nobodyLost())},
		},
		{
			Say: "The token is renewed.",
			Do:  func(w *World) error { w.Jira.RenewToken(jiraToken); return nil }, Within: late,
			Expect: []Expectation{inGroup("clara", group), hasStatus("payments", StatusValidation), nobodyLost()},
		},
	}}
}

func answerLostStory() Story {
	const group = "payments-operators"
	return Story{Name: "answer-lost", Title: "Okta does what it was told, but its answer is lost: the change is looked up, not repeated", Steps: []Step{{
		Say: "Clara asks for payments, and Odile approves. Okta adds her, and the connection breaks before it can say so.",
		Do: all(
			func(w *World) error {
				w.Okta.Fail(oktamock.Fault{
					Endpoint: "PUT /api/v1/groups/{groupId}/users/{userId}", Match: w.Group(group).ID, Applied: true, Answer: oktamock.AnswerReset,
				})
				return nil
			},
			requests("payments", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "payments"),
		),
		Within: late,
		Expect: []Expectation{
			inGroup("clara", group), namesChanges("payments", 1), hasStatus("payments", StatusValidation), addedOnce("clara", group),
		},
	}}}
}
