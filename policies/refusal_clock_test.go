package policies_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/policies"
)

func TestWhatIsWrongInAClockIsToldAtItsPlace(t *testing.T) {
	const access, calendar, incidents = "access.yaml", "calendar.yaml", "incident-response.yaml"
	const targets, target = "target: {default: 2bd, high: 4h}", "write a whole number and a unit, such as 45m, 24h, 30d or 2bd"
	clock := func(name string) string {
		return fmt.Sprintf("  - kpi: %s\n    subject: ticket\n    start: [request.requested]\n    stop: [request.approved]\n    target: {default: 4h}\n    owner: a\n", name)
	}
	const known = "write one of: break-glass.granted, break-glass.reviewed, control.done…"
	for _, c := range []refusal{
		{"an unknown event that starts", access, "start: [request.requested]", "start: [^request.wished]", `is "request.wished"; ` + known},
		{"an unknown event that stops, the second of two", access, "stop: [request.provisioned]", "stop: [request.provisioned, ^request.done]", `is "request.done"; ` + known},
		{"an unknown event that pauses", access, "stop: [request.provisioned]", "stop: [request.provisioned]\n    pause: [^nap]\n    resume: [request.approved]", `is "nap"; ` + known},
		{"an unknown event of an incident", incidents, "reopen: [incident.reopened]", "reopen: [^incident.undead]", `is "incident.undead"; ` + known},
		{"a target of nothing", access, targets, "target: {default: ^0bd, high: 4h}", `is "0bd"; ` + target},
		{"a negative target", access, targets, "target: {default: 2bd, high: ^-4h}", `is "-4h"; ` + target},
		{"a target of half an hour too much", access, targets, "target: {default: 2bd, high: ^1.5h}", `is "1.5h"; ` + target},
		{"a target without a unit", access, targets, "target: {default: 2bd, high: ^4}", `is "4"; ` + target},
		{"a target of eleven years", access, targets, "target: {default: 2bd, high: ^4015d}", `is "4015d"; ` + target},
		{"business days without a calendar", access, targets + "\n    calendar: office", "target: {default: ^2bd, high: 4h}", "target for default 2bd needs a calendar with working hours; name one, or write 2d"},
		{"days on a calendar of hours", access, targets, "target: {default: 2bd, high: ^4d}", "target for high 4d is 96 working hours on calendar office; write 4bd, or name no calendar"},
		{"no target", access, targets, "target: ^{}", "target is missing: nothing is promised"},
		{"a calendar that does not exist", access, "calendar: office", "calendar: ^beach", `there is no calendar "beach"; write a file of kind Calendar, or leave it out to count every hour`},
		{"a warning that comes when it is too late", access, "warn: [75%]", "warn: [^100%]", `is "100%"; write a share used up such as 75%, or a time left such as 30m`},
		{"a warning before the start", access, "warn: [75%]", "warn: [^4h]", `warn[0] 4h left is not before the whole target of 4h under "high"`},
		{"one event that starts and stops", access, "stop: [request.provisioned]", "stop: [^request.requested]", `stop[0] "request.requested" already stands in start`},
		{"two clocks of one name", access, "clocks:\n  - kpi: fulfilment", "clocks:\n" + clock("fulfilment") + "  - kpi: ^fulfilment", `clock "fulfilment" stands twice in access-provisioning`},
		{"a calendar without hours", calendar, "  - hours:\n      monday: [\"09:00-12:30\", \"13:30-18:00\"]\n      tuesday: [\"09:00-18:00\"]\n", "  - hours: ^{}\n", "versions[0].hours has no working hours: no clock on this calendar would ever move"},
		{"a calendar whose days are all empty", calendar, "      monday: [\"09:00-12:30\", \"13:30-18:00\"]\n      tuesday: [\"09:00-18:00\"]\n", "      monday^: []\n", "versions[0].hours has no working hours: no clock on this calendar would ever move"},
		{"hours that end before they begin", calendar, `["09:00-18:00"]`, `[^"18:00-09:00"]`, `is "18:00-09:00"; write hours such as 09:00-17:30`},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, world(t), c) })
	}
}

func TestACalendarThatIsWrongIsToldOnceAndNotByWhoNamesIt(t *testing.T) {
	files := world(t)
	files["calendar.yaml"] = strings.Replace(files["calendar.yaml"], "zone: Europe/Paris", "zone: Europe/Atlantis", 1)
	_, err := policies.Load(folder(files))
	var all *policies.Error
	if !errors.As(err, &all) || len(all.Problems) != 1 || !strings.HasPrefix(all.Problems[0].String(), "calendar.yaml:4:7: ") {
		t.Errorf("problems:\n%v\nwant the one", err)
	}
}
