package world

import (
	"fmt"
	"time"
)

// The stories of this file are about what whoever runs the program does: they decide about what was stopped, and start it
// again after it has died.

// closing is the team of an office that closes: more people than leave on a normal day.
func closing() []string {
	return []string{"felix", "greta", "kenji", "lucie", "mateo", "oscar", "priya"}
}

func closes() Step {
	return Step{
		Say: fmt.Sprintf("An office closes: Ivo deactivates %d people in Okta at once. sopd holds what it would remove.", len(closing())),
		Do:  all(remembers(), func(w *World) error { return w.Deactivate(closing()...) }), Within: 6 * time.Second,
		Expect: []Expectation{somebodyPaged(), throughout(nobodyLost())},
	}
}

func holdApproveStory() Story {
	gone := make([]Expectation, 0, len(closing()))
	for _, person := range closing() {
		gone = append(gone, noManagedGroups(person))
	}
	return Story{Name: "hold-approve", Title: "A plan that was stopped is let through by a person, once", Steps: []Step{
		closes(),
		{
			Say:     "Somebody from Security Operations looks at the plan, asks Human Resources, and lets it through.",
			Operate: ApproveHold, Within: soon, Expect: gone,
		},
		{
			Say: "Ivo adds Clara to ci-operators by hand. What was approved was that one plan; everything else is as before.",
			Do:  func(w *World) error { return w.ConsoleAdd("ivo", "clara", "ci-operators") }, Within: soon,
			Expect: []Expectation{notInGroup("clara", "ci-operators")},
		},
	}}
}

func staleHoldStory() Story {
	return Story{Name: "stale-hold", Title: "An approval of a plan that has changed since lets nothing through", Steps: []Step{
		closes(),
		{
			Say: "Before anybody has looked, Tomas is deactivated too. The plan is another one now, and is held on its own.",
			Do:  func(w *World) error { return w.Deactivate("tomas") }, Within: 6 * time.Second,
			Expect: []Expectation{throughout(nobodyLost()), somebodyPaged()},
		},
		{
			Say:     "Somebody lets through the plan that they were paged for first.",
			Operate: ApproveHold, Within: 6 * time.Second,
			Expect: []Expectation{throughout(nobodyLost())},
		},
	}}
}

func crashStory() Story {
	const group = "payments-operators"
	return Story{
		Name:  "crash-between-intent-and-outcome",
		Title: "sopd dies after Okta has done what it was told, and before that is noted: it is found out, not done twice",
		Steps: []Step{{
			Say: "Clara asks for payments, and Odile approves. sopd adds her and dies in the same moment. It is started again.",
			Do: all(
				requests("payments", AccessRequest{By: "clara", System: "payments", Role: "operator"}), approves("odile", "payments"),
			),
			Operate: Crash, Within: late,
			Expect: []Expectation{
				inGroup("clara", group), namesChanges("payments", 1), hasStatus("payments", StatusValidation), addedOnce("clara", group),
			},
		}},
	}
}
