package policies

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// Facts lists what clocks can start, pause and stop on whatever the policies say; the access procedures record it. A policy
// of another kind declares the facts that it gives, see [compiler.declare]. A clock on anything else would never run.
func Facts() []string {
	return append([]string{
		"request.requested", "request.approved", "request.provisioned", "request.validated", "leaver.left", "leaver.removed", "leaver.returned",
		"revocation.requested", "revocation.removed", "break-glass.granted", "break-glass.reviewed",
	}, incident.Facts()...)
}

// defaultTarget is how a policy writes the target of every severity that it does not name.
const defaultTarget = "default"

// clock compiles a promise.
func (c *compiler) clock(f *file, at, sopName string, in clockYAML) {
	if !slug.MatchString(in.KPI) {
		f.wrong(at+".kpi", "kpi is %q; write small letters, digits and hyphens", in.KPI)
	}
	d := kpi.Definition{
		SOP: sopName, Name: in.KPI, Subject: in.Subject, Start: in.Start, Pause: in.Pause, Resume: in.Resume, Stop: in.Stop,
		Cancel: in.Cancel, Reopen: in.Reopen, Owner: in.Owner, Escalate: in.Escalate, Targets: f.targets(at, in.Target),
	}
	for _, list := range []struct {
		name  string
		facts []string
	}{{"start", in.Start}, {"pause", in.Pause}, {"resume", in.Resume}, {"stop", in.Stop}, {"cancel", in.Cancel}, {"reopen", in.Reopen}} {
		for i, fact := range list.facts {
			c.later = append(c.later, func() { f.oneOf(fmt.Sprintf("%s.%s[%d]", at, list.name, i), fact, c.facts()...) })
		}
	}
	for i, text := range in.Warn {
		w, err := kpi.ParseWarning(text)
		if err != nil {
			f.wrong(fmt.Sprintf("%s.warn[%d]", at, i), "is %q; write a share used up such as 75%%, or a time left such as 30m", text)
		}
		d.Warn = append(d.Warn, w)
	}
	if in.Calendar != "" {
		known, ok := c.set.Calendars[in.Calendar]
		if !ok {
			f.wrong(at+".calendar", "there is no calendar %q; write a file of kind Calendar, or leave it out to count every hour", in.Calendar)
		}
		d.Calendar = known
	}
	f.validate(at, append(slices.Clone(c.clocksOf(sopName)), d))
	c.set.Clocks = append(c.set.Clocks, d)
	c.paging(f, at, d, in)
}

func (c *compiler) clocksOf(sopName string) []kpi.Definition {
	var same []kpi.Definition
	for _, d := range c.set.Clocks {
		if d.SOP == sopName {
			same = append(same, kpi.Definition{SOP: d.SOP, Name: d.Name})
		}
	}
	return same
}

// validate lets the engine say what else is wrong with the last of the clocks; the others are there for their names.
func (f *file) validate(at string, clocks []kpi.Definition) {
	last := clocks[len(clocks)-1]
	var found *kpi.ProblemsError
	if errors.As(kpi.Validate(last), &found) {
		for _, p := range found.Problems {
			f.wrong(at+"."+yamlPath(p.Path), "%s %s", strings.Replace(yamlPath(p.Path), "target.", "target for ", 1), p.What)
		}
	}
	for _, other := range clocks[:len(clocks)-1] {
		if other.Name == last.Name {
			f.wrong(at+".kpi", "clock %q stands twice in %s", last.Name, last.SOP)
		}
	}
}

// yamlPath turns the engine's word for a place into the file's.
func yamlPath(path string) string {
	severity, of := strings.CutPrefix(path, "targets[")
	if severity = strings.TrimSuffix(severity, "]"); of && severity == "" {
		severity = defaultTarget
	}
	if of {
		return "target." + severity
	}
	return strings.Replace(path, "targets", "target", 1)
}

func (f *file) targets(at string, in map[string]string) map[string]kpi.Target {
	out := make(map[string]kpi.Target, len(in))
	for severity, text := range in {
		t, err := kpi.ParseTarget(text)
		if err != nil {
			f.wrong(at+".target."+severity, "is %q; write a whole number and a unit, such as 45m, 24h, 30d or 2bd", text)
			continue
		}
		if severity == defaultTarget {
			severity = ""
		}
		out[severity] = t
	}
	return out
}

var weekdays = map[string]time.Weekday{
	"monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday, "thursday": time.Thursday,
	"friday": time.Friday, "saturday": time.Saturday, "sunday": time.Sunday,
}

func (c *compiler) calendar(f *file) {
	var in calendarFile
	if !f.decode(&in) {
		return
	}
	if _, taken := c.set.Calendars[in.Name]; taken {
		f.wrong("$.name", "calendar %q stands twice", in.Name)
		return
	}
	d := calendar.Definition{Name: in.Name, Zone: in.Zone}
	for i, v := range in.Versions {
		d.Versions = append(d.Versions, f.version(fmt.Sprintf("$.versions[%d]", i), v))
	}
	made, err := calendar.New(d)
	var found *calendar.ProblemsError
	switch {
	case errors.As(err, &found):
		for _, p := range found.Problems {
			path := strings.NewReplacer(".week", ".hours", ".regions", ".holidays").Replace(p.Path)
			f.wrong("$."+path, "%s %s", path, p.What)
		}
	case err != nil:
		f.wrong("$", "%v", err)
	}
	if err != nil { // whoever names it is not told that it does not exist
		made = standIn()
	}
	c.set.Calendars[in.Name] = made
}

// standIn takes the place of a calendar that is not sound, in a set that is refused for it.
func standIn() *calendar.Calendar {
	week := calendar.Weekdays([]calendar.Interval{{From: 9 * 60, To: 17 * 60}}, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
	c, err := calendar.New(calendar.Definition{Name: "stand-in", Zone: "UTC", Versions: []calendar.Version{{Week: week}}})
	if err != nil {
		return nil // no calendar counts every hour; nothing above can be wrong
	}
	return c
}

func (f *file) version(at string, in calendarVersion) calendar.Version {
	v := calendar.Version{Regions: in.Holidays}
	if in.Effective != "" {
		v.From = calendar.DateOf(f.day(at+".effective", in.Effective))
	}
	for i, d := range in.Closed {
		v.Closed = append(v.Closed, calendar.DateOf(f.day(fmt.Sprintf("%s.closed[%d]", at, i), d)))
	}
	for day, hours := range in.Hours {
		weekday, ok := weekdays[day]
		if !ok {
			f.wrong(at+".hours."+day, "%q is not a weekday; write monday to sunday", day)
			continue
		}
		for i, text := range hours {
			interval, err := calendar.ParseInterval(text)
			if err != nil {
				f.wrong(fmt.Sprintf("%s.hours.%s[%d]", at, day, i), "is %q; write hours such as 09:00-17:30", text)
				continue
			}
			v.Week[weekday] = append(v.Week[weekday], interval)
		}
	}
	return v
}
