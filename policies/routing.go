package policies

import (
	"strconv"
	"strings"

	"github.com/maisonrmi/sopd/internal/paging"
)

// routingFile says whom alerts go to, and which may wait for working hours.
type routingFile struct {
	Header  header              `yaml:",inline"`
	Owners  map[string][]string `yaml:"owners"`     // names of teams in the pager by the role that owns what is wrong
	Default []string            `yaml:"default"`    // the teams of every other owner; empty: the integration's own
	Quiet   quietYAML           `yaml:"quietHours"` // when alerts that are not urgent wait
	Silence string              `yaml:"silence"`    // how long no pass may succeed before somebody is paged, such as 15m
}

type quietYAML struct {
	Calendar string `yaml:"calendar"` // outside of whose hours alerts wait; empty: no alert waits
	Urgent   string `yaml:"urgent"`   // the least urgent priority that does not wait, such as P2
}

func (c *compiler) routing(f *file) {
	var in routingFile
	if !f.decode(&in) {
		return
	}
	r := &c.set.Routing
	r.Teams, r.Default = in.Owners, in.Default
	for owner, teams := range in.Owners {
		if !slug.MatchString(owner) {
			f.wrong("$.owners", "owner is %q; write the role as the clocks do, in small letters, digits and hyphens", owner)
		}
		if len(teams) == 0 {
			f.wrong("$.owners."+owner, "names no team; leave the owner out, or name one")
		}
	}
	r.Silence = f.duration("$.silence", in.Silence, 0)
	if in.Quiet.Calendar == "" {
		if in.Quiet.Urgent != "" {
			f.wrong("$.quietHours.calendar", "name the calendar of the working hours, or leave quietHours out")
		}
		return
	}
	known, ok := c.set.Calendars[in.Quiet.Calendar]
	if !ok {
		f.wrong("$.quietHours.calendar", "there is no calendar %q; write a file of kind Calendar, or leave quietHours out", in.Quiet.Calendar)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(in.Quiet.Urgent, "P"))
	if err != nil || n < 1 || n > 5 || !strings.HasPrefix(in.Quiet.Urgent, "P") {
		f.wrong("$.quietHours.urgent", "is %q; write the least urgent priority that does not wait, P1 to P5", in.Quiet.Urgent)
	}
	r.Hours, r.Urgent = known, paging.Priority(n)
}
