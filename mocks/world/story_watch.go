package world

import (
	"time"

	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// The stories of this file are about watching: what people do is compared, and what is about to break is said before.

func agreementStory() Story {
	return Story{Name: "agreement", Title: "Where sopd only observes it keeps score: what it would have done, against what people do", Steps: []Step{
		{
			Say: "Clara asks to read the contract archive, and Valerie, who owns it, approves. For that system sopd only observes.",
			Do: all(
				remembers(), requests("archive", AccessRequest{By: "clara", System: "contracts", Role: "reader"}), approves("valerie", "archive"),
			),
			Within: while, Expect: []Expectation{throughout(notInGroup("clara", "contracts-readers")), namesNoChange("archive")},
		},
		{
			Say: "Ivo adds her by hand, as people have always done.",
			Do:  func(w *World) error { return w.ConsoleAdd("ivo", "clara", "contracts-readers") }, Within: while,
			Expect: []Expectation{throughout(inGroup("clara", "contracts-readers")), nobodyLost()},
		},
		{
			Say:     "Whoever decides whether sopd may do it by itself looks at the score.",
			Operate: Score, Within: time.Second, Expect: []Expectation{nobodyLost()},
		},
	}}
}

func onCallGapStory() Story {
	return Story{Name: "on-call-gap", Title: "Somebody leaves who is alone on call: people are paged before the last day", Steps: []Step{
		{
			Say: "Rosa is the only one on call at night. She leaves in three days, and the offboarding ticket is approved today.",
			Do: all(func(w *World) error {
				w.Opsgenie.AddSchedule(opsgeniemock.Schedule{ID: uuid("Night"), Name: "Night", Timezone: paris, OnCall: []string{login("rosa")}})
				return nil
			}, remembers("rosa"), offboards("rosa", 3*24*time.Hour)),
			Within: soon, Expect: []Expectation{
				somebodyPaged(), answered("leaver", "A comment on the ticket says when the access ends"), sameGroups("rosa"),
			},
		},
		{
			Say: "Tessa leaves today. She takes turns on call with others, and has made an API token in Okta.",
			Do: all(func(w *World) error {
				w.Opsgenie.AddSchedule(opsgeniemock.Schedule{
					ID: uuid("Weekend"), Name: "Weekend", Timezone: paris, OnCall: []string{login("yuki")}, Rotation: []string{login("yuki"), login("tessa")},
				})
				w.Okta.AddAPIToken(oktamock.APIToken{Name: "nightly-export", UserID: userID("tessa")})
				return nil
			}, offboards("tessa", 0)),
			Within: soon, Expect: []Expectation{
				noManagedGroups("tessa"),
				answered("leaver", "A comment on the ticket names the turns on call that somebody has to take over", "Weekend"),
				answered("leaver", "A comment on the ticket names the API token", "nightly-export"),
			},
		},
	}}
}
