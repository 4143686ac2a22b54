package draft

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
)

// render fills a template. The templates are ours and tested, so a failure is a mistake in this package.
func (d *drafter) render(text string, data any) string {
	t := template.New("file").Funcs(template.FuncMap{"q": quote, "list": quoteAll, "say": comment, "group": (*Group).reference})
	var w strings.Builder
	if err := template.Must(t.Parse(text)).Execute(&w, data); err != nil {
		panic(fmt.Sprintf("drafting: %v", err))
	}
	return w.String()
}

// plain is text that YAML reads as itself.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 _./()-]*[A-Za-z0-9_)]$`)

// words are plain texts that YAML does not read as text.
var words = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off)$`)

// quote writes text as a YAML scalar.
func quote(text string) string {
	if plain.MatchString(text) && !words.MatchString(text) && !strings.Contains(text, " #") {
		return text
	}
	// JSON's strings are YAML's, and a string always has one.
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// quoteAll writes texts as a YAML list on one line.
func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// comment keeps text from a vendor on its line.
func comment(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
}

// reference writes a group by its ID with its name beside it.
func (g *Group) reference() string {
	return fmt.Sprintf("[%s] # guess: group %q, %s", g.ID, comment(g.Name), g.size())
}

// group returns the group that a person chose by name or ID or, without a choice, the first whose name looks right.
func (d *drafter) group(chosen, pattern string) *Group {
	looks := regexp.MustCompile("(?i)" + pattern)
	i := slices.IndexFunc(d.site.Groups, func(g Group) bool {
		if chosen != "" {
			return g.Name == chosen || string(g.ID) == chosen
		}
		return looks.MatchString(g.Name) && g.Members != 0
	})
	if i < 0 {
		return nil
	}
	return &d.site.Groups[i]
}

// Day is the day of the draft.
func (d *drafter) Day() string { return d.site.Day.Format(time.DateOnly) }

// Systems are the guessed systems.
func (d *drafter) Systems() []system { return d.systems }

// Approvers is the group that approves until each system has its owner; nil when none was found.
func (d *drafter) Approvers() *Group { return d.approvers }

// Chosen reports whether a person chose the approvers.
func (d *drafter) Chosen() bool { return d.site.Approvers != "" }

// Self is sopd's own account; empty for a service app.
func (d *drafter) Self() string { return string(d.site.Self) }

// Size says how many members a group has.
func (g Group) Size() string { return g.size() }

// Foreign are the groups that sopd can only report, with the reason.
func (d *drafter) Foreign() []line {
	var all []line
	for _, g := range d.site.Groups {
		switch {
		case g.managed():
		case len(g.Rules) > 0:
			all = append(all, line{string(g.ID), g.Name, fmt.Sprintf("%s, %s, fed by rule %q", g.Type, g.size(), g.Rules[0])})
		default:
			all = append(all, line{string(g.ID), g.Name, fmt.Sprintf("%s, %s", g.Type, g.size())})
		}
	}
	return all
}

var accountWords = regexp.MustCompile(`(?i)jira|atlassian`)

// Attribute is the profile attribute that seems to hold the Jira account; empty when none does.
func (d *drafter) Attribute() string {
	names := slices.Clone(d.site.Attributes)
	slices.Sort(names)
	if i := slices.IndexFunc(names, accountWords.MatchString); i >= 0 {
		return names[i]
	}
	return ""
}

// Missing are the procedures that nothing at the desks looks like.
func (d *drafter) Missing() []kind { return d.missing }

// Unused are the request types that no procedure took.
func (d *drafter) Unused() []match {
	var all []match
	for _, desk := range d.site.Desks {
		for _, r := range desk.Requests {
			sampled := slices.ContainsFunc(samples(), func(s sample) bool { return s.looks != nil && s.looks.MatchString(r.Name) })
			if !sampled && !taken(r.Name) {
				all = append(all, match{desk.Project, r})
			}
		}
	}
	return all
}

// Pager is what the paging system is called; empty when none was asked.
func (d *drafter) Pager() string { return d.site.Pager }

// Schedules are the on-call schedules, sorted by name.
func (d *drafter) Schedules() []Schedule {
	all := slices.Clone(d.site.Schedules)
	slices.SortFunc(all, func(a, b Schedule) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}

var securityWords = regexp.MustCompile(`(?i)security|secops|infosec`)

// escalation is the schedule that promises are escalated to; empty when none looks like it.
func (d *drafter) escalation() string {
	all := d.Schedules()
	if i := slices.IndexFunc(all, func(s Schedule) bool { return securityWords.MatchString(s.Name) }); i >= 0 {
		return slug(all[i].Name, "")
	}
	return ""
}

// team is the name of the team that a schedule belongs to, and where the name comes from.
func (s Schedule) team() (name, comment string) {
	if s.Team != "" {
		return s.Team, "the team of the on-call schedule " + s.Name
	}
	return s.Name, "the team that is called like the on-call schedule"
}

// Routes are the owners of findings with the team whose schedule, or whose own name, is like theirs.
func (d *drafter) Routes() []line {
	var all []line
	for _, owner := range []struct{ role, looks string }{
		{"security-operations", securityWords.String()}, {"it-operations", "(?i)platform|it.?op|infra|operations"},
	} {
		looks := regexp.MustCompile(owner.looks)
		found := slices.DeleteFunc(d.Schedules(), func(s Schedule) bool {
			names := s.Name + "\n" + s.Team
			return !looks.MatchString(names) || owner.role == "it-operations" && securityWords.MatchString(names)
		})
		if len(found) > 0 {
			team, comment := found[0].team()
			all = append(all, line{Key: owner.role, Value: team, Comment: comment})
		}
	}
	return all
}
