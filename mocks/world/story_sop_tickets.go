package world

import (
	"fmt"
	"slices"
	"time"
)

// The stories of this file are procedures that live in tickets: changes, vendors, vulnerabilities, data requests.

func unapprovedAdminStory() Story {
	return Story{
		Name: "change-unapproved-admin", Title: "An administrator changes something in Okta without an approved change",
		Policies: with("change-management", "watch-admins"),
		Steps: []Step{
			{
				Say: "Anouk makes Oscar an administrator in Okta's console. There is no change for it.",
				Do:  grantsRole("anouk", "oscar", "HELP_DESK_ADMIN"), Within: soon,
				Expect: []Expectation{paged("An alert of the kind admin-change names Oscar and the event", "admin-change", userID("oscar"), "user.account.privilege.grant")},
			},
			{
				Say: "She raises an emergency change for it, which says since when, and Salome of Security Operations approves.",
				Do: all(
					func(w *World) error { return raises("late", emergency(w, "anouk", "salome"))(w) },
					drags("anouk", "late", StatusWaiting), approves("salome", "late"),
				),
				Within: soon,
				Expect: []Expectation{unpaged("The alert is closed", "admin-change", userID("oscar"))},
			},
		},
	}
}

// grantsRole is an administrator giving somebody a role in Okta's console.
func grantsRole(admin, person, role string) func(*World) error {
	return func(w *World) error { return w.Okta.GrantRole(userID(admin), userID(person), role) }
}

// emergency is a change that was made a moment ago.
func emergency(w *World, by string, approver string) Ticket {
	return Ticket{
		Project: projectChanges, Type: typeEmergency, By: by, Summary: "Somebody had to be able to unlock accounts tonight",
		Fields: map[string]any{
			"Change start": w.now().Add(-2 * time.Hour), "Change end": w.now().Add(2 * time.Hour), fieldApprovers: []string{approver},
		},
	}
}

func emergencyChangeStory() Story {
	return Story{
		Name: "emergency-change", Title: "An emergency change is documented afterwards, or somebody asks for it", Policies: with("change-management"),
		Steps: []Step{
			{
				Say: "Hugo closes an emergency change. Salome had approved it; what was learnt is not written down.",
				Do: all(
					func(w *World) error { return raises("night", emergency(w, "hugo", "salome"))(w) },
					drags("hugo", "night", StatusWaiting), approves("salome", "night"), drags("hugo", "night", StatusDone),
				),
				Within: soon,
				Expect: []Expectation{
					answered("night", "A comment names what is missing, and nothing else", "Retrospective"),
					throughout(seen("night", "No comment asks for the approval, which is there", func(w *World, key Key) bool { return !said(w, key, "Approval by") })),
					pagedFor("night", "incomplete"),
				},
			},
			{
				Say: "Hugo writes it down.",
				Do:  edits("hugo", "night", "Retrospective", "The certificate is watched now"), Within: soon,
				Expect: []Expectation{unpagedFor("night", "incomplete")},
			},
		},
	}
}

func vendorStory() Story {
	missing := []string{"Data classification", "Penetration test", "Acceptance of the risk"}
	return Story{
		Name: "vendor-onboarding", Title: "A vendor is taken in too early: everything that is missing is named", Policies: with("vendor-onboarding"),
		Steps: []Step{
			{
				Say: "Gaspard closes the onboarding of a high-risk vendor with half of the papers.",
				Do: all(
					raises("vendor", Ticket{Project: projectVendors, Type: typeVendor, By: "gaspard", Summary: "Freight forecasts", Fields: map[string]any{
						"Vendor risk": "High", "Questionnaire": "answered", "Security review": "done by Piotr", "Data processing agreement": "signed",
						"Register entry": "V-114", fieldApprovers: []string{"tariq"},
					}}),
					drags("gaspard", "vendor", StatusDone),
				),
				Within: soon,
				Expect: []Expectation{
					answered("vendor", "One comment names each of the three that are missing", missing...),
					throughout(seen("vendor", "No comment asks for what is there", func(w *World, key Key) bool { return !said(w, key, "Questionnaire") })),
					pagedFor("vendor", "incomplete"),
				},
			},
			{
				Say: "He brings the rest, and Tariq of Security Operations accepts the risk.",
				Do: all(
					edits("gaspard", "vendor", "Data classification", "confidential"), edits("gaspard", "vendor", "Penetration test", "passed"),
					drags("gaspard", "vendor", StatusWaiting), approves("tariq", "vendor"), drags("gaspard", "vendor", StatusDone),
				),
				Within: soon, Expect: []Expectation{unpagedFor("vendor", "incomplete")},
			},
			{
				Say: "Another vendor was entered in the register thirteen months ago.",
				Do: all(
					raises("old", Ticket{Project: projectVendors, Type: typeVendor, By: "heloise", Summary: "Parcel tracking", Ago: 395 * 24 * time.Hour, Fields: map[string]any{
						"Vendor risk": "Standard", "Questionnaire": "answered", "Data classification": "internal", "Security review": "done",
						"Data processing agreement": "signed", "Register entry": "V-031",
					}}),
					// Somebody has to touch it, or nobody who looks at what changed sees it.
					edits("heloise", "old", "Security review", "done, and read again"),
				),
				Within: soon, Expect: []Expectation{openedOnce(projectVendors, "Assess the vendor again")},
			},
		},
	}
}

func vulnerabilityStory() Story {
	const limit = 30 * 24 * time.Hour
	return Story{
		Name: "vulnerability", Title: "A critical vulnerability is not fixed in time", Policies: with("vulnerabilities"),
		Steps: []Step{
			{
				Say: "A critical vulnerability was found thirty days ago, less a few seconds. It is still open.",
				Do: all(
					raises("flaw", Ticket{Project: projectFlaws, Type: typeFlaw, By: "piotr", Summary: "An image library can be made to run code", Ago: limit - 8*time.Second,
						Fields: map[string]any{"Severity": "Critical"}}),
					edits("piotr", "flaw", "labels", []string{"internet-facing"}),
				),
				Within: late, Expect: []Expectation{pagedFor("flaw", "clock-at-risk"), pagedFor("flaw", "clock-breached")},
			},
			{
				Say: "Marek fixes it and says how.",
				Do:  all(edits("marek", "flaw", "Fix", "Updated everywhere"), drags("marek", "flaw", StatusDone)), Within: soon,
				Expect: []Expectation{unpagedFor("flaw", "clock-breached"), unpagedFor("flaw", "clock-at-risk")},
			},
		},
	}
}

func dataReturnStory() Story {
	const limit = 30 * 24 * time.Hour
	return Story{
		Name: "data-return", Title: "A customer asks for the return of their data", Policies: with("data-return"),
		Steps: []Step{
			{
				Say: "A customer asked for their data twenty-six days ago. Nothing was delivered.",
				Do: all(
					raises("data", Ticket{Project: projectData, Type: typeData, By: "xavier", Summary: "Return of data at the end of the contract", Ago: limit - 4*24*time.Hour}),
					edits("xavier", "data", "Identity check", "by phone, with the number in the contract"),
				),
				Within: soon, Expect: []Expectation{pagedFor("data", "clock-at-risk")},
			},
			{
				Say: "Leila delivers, and Xavier closes the ticket before the customer has confirmed.",
				Do:  all(edits("leila", "data", "Delivery", "encrypted disk, received"), drags("xavier", "data", StatusDone)), Within: soon,
				Expect: []Expectation{
					unpagedFor("data", "clock-at-risk"), answered("data", "A comment asks for the confirmation", "Confirmation by the customer"),
				},
			},
			{
				Say: "The customer confirms.",
				Do:  edits("xavier", "data", "Confirmation", "by letter"), Within: soon,
				Expect: []Expectation{unpagedFor("data", "incomplete")},
			},
		},
	}
}

func unusualHoursStory() Story {
	return Story{
		Name: "watch-unusual-hours", Title: "Somebody administers Okta at an unusual hour",
		Policies: func(start time.Time) map[string]string {
			// Hours of the day before yesterday and no other: now is never among them.
			day := start.AddDate(0, 0, -3)
			return withPolicies(map[string]string{"weekday": weekdayName(day), "from": "09:00", "to": "17:00"}, "watch-hours", "closed-now")
		},
		Steps: []Step{
			{
				Say: "Ivo gives Blaise a role in Okta's console at an hour at which nobody works.",
				Do:  grantsRole("ivo", "blaise", "READ_ONLY_ADMIN"), Within: soon,
				Expect: []Expectation{paged("An alert of the kind unusual-hours names who did it", "unusual-hours", userID("ivo"))},
			},
		},
	}
}

func weekdayName(t time.Time) string {
	names := []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	return names[t.Weekday()]
}

// numberOf returns the number under which a review's list has the person.
func (w *World) numberOf(key Key, person string) (string, error) {
	for _, f := range w.Attachments(key) {
		for _, row := range csvRows(f.Data) {
			if slices.Contains(row, userID(person)) {
				return row[0], nil
			}
		}
	}
	return "", fmt.Errorf("%w: %s is in no list on %s", ErrUnknown, person, key)
}
