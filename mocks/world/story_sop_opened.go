package world

import (
	"bytes"
	"encoding/csv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// The stories of this file are tickets that open by themselves: recurring tasks, restore tests, reviews of procedures and of
// access.

func recurringTaskStory() Story {
	const title = "Daily security check"
	return Story{
		Name: "recurring-task", Title: "A daily task is opened once, and done",
		Policies: func(start time.Time) map[string]string {
			return withPolicies(map[string]string{"at": noonAgo(start)}, "tasks")
		},
		Steps: []Step{
			{
				Say: "A day begins. The daily security check is due.", Within: soon,
				Expect: []Expectation{openedOnce(projectOps, title), atMostOnce(projectOps, title)},
			},
			{
				Say: "Blaise does it and closes the ticket.",
				Do:  onOpened(projectOps, title, func(w *World, key Key) error { return w.Drag("blaise", key, StatusDone) }), Within: 6 * time.Second,
				Expect: []Expectation{
					atMostOnce(projectOps, title),
					throughout(unpaged("Nobody is paged for it", "task-overdue")),
				},
			},
		},
	}
}

// noonAgo returns the time of day twelve hours ago, so that nothing daily begins anew while a story is played.
func noonAgo(start time.Time) string { return start.UTC().Add(-12 * time.Hour).Format("15:04") }

// atMostOnce: no second ticket is ever opened under the title.
func atMostOnce(project, title string) Expectation {
	return throughout(Expectation{
		Name: "No second ticket is opened for it", Held: func(w *World) (bool, error) { return len(w.Opened(project, title)) < 2, nil },
	})
}

func restoreTestStory() Story {
	const title = "Weekly restore test"
	return Story{
		Name: "restore-test", Title: "A restore test is done, and its result does not keep what is promised", Policies: with("restore-tests", "recovery"),
		Steps: []Step{
			{
				Say: "The weekly restore test is opened.", Within: soon, Expect: []Expectation{openedOnce(projectOps, title)},
			},
			{
				Say: "Marek restores in six hours, writes that down, and closes the ticket.",
				Do: onOpened(projectOps, title, func(w *World, key Key) error {
					return all(
						edits("marek", title, "Recovery time (h)", 6.0), edits("marek", title, "Data loss (h)", 0.5), drags("marek", title, StatusDone),
					)(w.nicknamed(title, key))
				}),
				Within: soon,
				Expect: []Expectation{
					onTheOpened(projectOps, title, "A comment says what was promised, and how long it took", func(w *World, key Key) bool { return said(w, key, "the recovery was 6h") }),
					onTheOpened(projectOps, title, "An alert names the ticket", func(w *World, key Key) bool { return len(w.AlertsAbout("incomplete", string(key))) > 0 }),
				},
			},
			{
				Say: "He had read the wrong line of the log: it was three hours.",
				Do:  onOpened(projectOps, title, func(w *World, key Key) error { return w.EditField("marek", key, "Recovery time (h)", 3.0) }), Within: soon,
				Expect: []Expectation{
					onTheOpened(projectOps, title, "The alert is closed", func(w *World, key Key) bool { return len(w.AlertsAbout("incomplete", string(key))) == 0 }),
				},
			},
		},
	}
}

// nicknamed keeps a ticket under a name and returns the world.
func (w *World) nicknamed(nick string, key Key) *World {
	w.Note("ticket "+nick, string(key))
	return w
}

func sopReviewStory() Story {
	const title = "Review the procedure Control of procedures"
	return Story{
		Name: "sop-review-overdue", Title: "The review of a procedure is overdue",
		Policies: func(start time.Time) map[string]string {
			return withPolicies(map[string]string{"yesterday": start.UTC().AddDate(0, 0, -2).Format(time.DateOnly)}, "sop-control")
		},
		Steps: []Step{
			{
				Say: "A procedure was to be reviewed two days ago, and nobody has.", Within: soon,
				Expect: []Expectation{
					openedOnce(projectOps, title),
					onTheOpened(projectOps, title, "A comment says that it is overdue", func(w *World, key Key) bool { return said(w, key, "was to be done by") }),
					onTheOpened(projectOps, title, "An alert of the kind task-overdue names the ticket", func(w *World, key Key) bool {
						return len(w.AlertsAbout("task-overdue", string(key))) > 0
					}),
				},
			},
			{
				Say: "Ivo reviews it.",
				Do:  onOpened(projectOps, title, func(w *World, key Key) error { return w.Drag("ivo", key, StatusDone) }), Within: soon,
				Expect: []Expectation{unpaged("The alert is closed", "task-overdue", "sop-control")},
			},
		},
	}
}

func accessReviewStory() Story {
	const title, group = "for Theo Lambert", "ci-operators"
	return Story{
		Name: "access-review", Title: "An owner reviews who has access: one is taken away, the others stay",
		Policies: func(start time.Time) map[string]string {
			return withPolicies(map[string]string{"at": noonAgo(start)}, "access-review")
		},
		Steps: []Step{
			{
				Say: "A campaign begins. Theo, who owns the Build Pipeline, gets a list; his own access is on the list of Ines.", Within: soon,
				Expect: []Expectation{
					openedOnce(projectOps, title), openedOnce(projectOps, "for Ines Carvalho"),
					onTheOpened(projectOps, title, "The list is attached, and Theo is not on it", func(w *World, key Key) bool {
						_, self := w.numberOf(key, "theo")
						_, other := w.numberOf(key, "marek")
						return self != nil && other == nil
					}),
				},
			},
			{
				Say: "Amara, whose access it is, answers in his place.",
				Do:  answersReview("amara", title, "revoke %s", "marek"), Within: 6 * time.Second,
				Expect: []Expectation{
					onTheOpened(projectOps, title, "A comment says that it is not hers to decide", func(w *World, key Key) bool { return said(w, key, "not yours to decide") }),
					throughout(inGroup("marek", group)),
				},
			},
			{
				Say: "Theo revokes the access of Marek and certifies the rest.",
				Do:  all(remembers("amara", "jonas", "yuki"), answersReview("theo", title, "revoke %s\ncertify rest", "marek")), Within: soon,
				Expect: []Expectation{
					notInGroup("marek", group), sameGroups("amara"), sameGroups("jonas"), sameGroups("yuki"),
					onTheOpened(projectOps, title, "The ticket is closed, with the decisions attached", func(w *World, key Key) bool {
						return w.Status(key) == StatusDone && len(w.Attachments(key)) > 1
					}),
				},
			},
		},
	}
}

// answersReview comments on the review's ticket, with the number of a person in its list.
func answersReview(as, title, text, person string) func(*World) error {
	return onOpened(projectOps, title, func(w *World, key Key) error {
		by, err := find(as)
		if err != nil {
			return err
		}
		number, err := w.numberOf(key, person)
		if err != nil {
			return err
		}
		return w.Jira.Comment(by.Account, key, jiramock.NewComment{Body: strings.ReplaceAll(text, "%s", number)})
	})
}

// csvRows returns the rows of a file, none for a file that is no table.
func csvRows(data []byte) [][]string {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil
	}
	return rows
}
