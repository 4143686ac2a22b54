package draft

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/policies"
)

// sample is a policy that is drafted after the example of the same name: what the site calls otherwise is replaced.
type sample struct {
	Name  string         // of the file, without its extension
	looks *regexp.Regexp // what its request types and issue types are called; nil: no vendor shows it
	// aside says why the file stays commented out whatever is found; empty: it does not.
	aside     string
	approvers string // what the group is called that approves or may act
}

// samples lists the policies that are drafted so.
func samples() []sample {
	const begins = "it makes work for people; take the comment signs away when its names, days and owners are yours"
	look := func(pattern string) *regexp.Regexp { return regexp.MustCompile("(?i)" + pattern) }
	return []sample{
		{Name: "incident-response", looks: look(`^(security )?incident$|security incident|^major incident$`), approvers: "security|secops|infosec"},
		{Name: "change-management", looks: look(`\bchanges?\b`), approvers: "change|\\bcab\\b"},
		{Name: "vendor-onboarding", looks: look(`vendor|supplier|third.party`), approvers: "vendor|procure"},
		{Name: "vulnerability-management", looks: look(`vulnerab|security flaw|patch`)},
		{Name: "recovery", looks: look(`restore|recovery|disaster`)},
		{Name: "data-return", looks: look(`data (return|export|subject|request)|\bdsa?r\b|portability`)},
		{Name: "access-reviews", aside: begins, approvers: "security|secops|infosec"},
		{Name: "operations-calendar", aside: begins},
		{Name: "recovery-tests", aside: begins},
		{Name: "sop-control", aside: begins},
		{Name: "watchfulness", aside: "it pages people; take the comment signs away when its rules and owners are yours"},
		{Name: "separation-of-duties", aside: "which duties are kept apart, no vendor shows: name your systems and roles"},
	}
}

// place is where tickets of a sample are.
type place struct {
	project  string
	key      string   // requestTypes or types
	names    []string // of the request types or issue types
	statuses []Status
}

// find returns where tickets of the sample seem to be: the request types of one desk or else the issue types of one
// project. Incidents are told apart by issue type alone.
func (d *drafter) find(s sample) (place, bool) {
	if s.looks == nil {
		return place{}, false
	}
	for _, desk := range d.site.Desks {
		p := place{project: desk.Project, key: "requestTypes"}
		for _, r := range desk.Requests {
			if s.Name != "incident-response" && s.looks.MatchString(r.Name) && !taken(r.Name) {
				p.names, p.statuses = append(p.names, r.Name), append(p.statuses, r.Statuses...)
			}
		}
		if len(p.names) > 0 {
			return p, true
		}
	}
	for _, project := range d.site.Projects {
		p := place{project: project.Key, key: "types"}
		for _, t := range project.Types {
			if s.looks.MatchString(t.Name) && !taken(t.Name) {
				p.names, p.statuses = append(p.names, t.Name), append(p.statuses, t.Statuses...)
			}
		}
		if len(p.names) > 0 {
			return p, true
		}
	}
	return place{}, false
}

// taken reports whether a procedure of access takes requests that are called so.
func taken(name string) bool {
	return slices.ContainsFunc(procedures(), func(k kind) bool { return k.request.MatchString(name) })
}

// sample drafts one file. It is commented out, with what is open above it, unless everything that it needs was seen.
func (d *drafter) sample(s sample) File {
	text, err := fs.ReadFile(policies.Example(), s.Name+".yaml")
	if err != nil {
		panic(fmt.Sprintf("drafting: %v", err)) // the names are constants, and a test drafts each
	}
	at, seen := d.find(s)
	a := &adapter{drafter: d, sample: s, at: at, seen: seen}
	var body strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if adapted, keep := a.line(line); keep {
			body.WriteString(adapted + "\n")
		}
	}
	head := fmt.Sprintf("# Drafted on %s after the example of this name.\n", d.Day())
	switch {
	case s.aside != "":
		a.open = []string{s.aside}
	case !seen:
		a.open = []string{"no request type and no issue type is called like it; name your own and take the comment signs away"}
	}
	if len(a.open) == 0 {
		return File{s.Name + ".yaml", head + "# guess: severities, limits, owners of clocks and all else without a mark are those of the example\n" + body.String()}
	}
	for _, question := range a.open {
		head += "# open: " + question + "\n"
	}
	return File{s.Name + ".yaml", head + regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(body.String(), "# $1")}
}

// adapter replaces the example's names by the site's, line by line, and notes what the site does not seem to have.
type adapter struct {
	*drafter
	sample sample
	at     place
	seen   bool
	open   []string
	raci   bool // within the block of that name
	ended  bool // the line means work that is over, which is called otherwise here
}

func (a *adapter) miss(format string, args ...any) {
	if question := fmt.Sprintf(format, args...); !slices.Contains(a.open, question) {
		a.open = append(a.open, question)
	}
}

var (
	headLine   = regexp.MustCompile(`^(version|effective|owner|reviewer|nextReview|controls|backfill|raci):`)
	typesLine  = regexp.MustCompile(`^  (requestTypes|types): \[`)
	groupIDs   = regexp.MustCompile(`groups: \[00g1example\w*\](?: *#.*)?`)
	fieldName  = regexp.MustCompile(`\b(field|date|rootCause|policyUpdates|due): ([^,}#\n]*[^,}# \n])`)
	statusList = regexp.MustCompile(`\b(statuses|status|acknowledged|contained|resolved|closed): \[([^\]]*)\]`)
	linkedKey  = regexp.MustCompile(`linked: ([A-Z]+)`)
	otherType  = regexp.MustCompile(`(project: [A-Z]+, )?\btype: ([^,}#\n]*[^,}# \n])`)
	teamsList  = regexp.MustCompile(`teams: \[[^\]]*\]`)
)

// line returns the line in the site's words; keep is false for one that is left out.
func (a *adapter) line(line string) (adapted string, keep bool) {
	if a.raci = a.raci && strings.HasPrefix(line, "  "); a.raci {
		return "", false
	}
	if m := headLine.FindStringSubmatch(line); m != nil {
		return a.head(m[1], line), true
	}
	if strings.HasPrefix(line, "#") || !a.seen {
		return line, true
	}
	switch {
	case strings.HasPrefix(line, "  projects: ["):
		return fmt.Sprintf("  projects: [%s]", a.at.project), true
	case typesLine.MatchString(line):
		return fmt.Sprintf("  %s: %s # guess: by name", a.at.key, quoteAll(a.at.names)), true
	}
	if line = a.names(line); a.ended {
		a.ended = false
		line = strings.SplitN(line, " #", 2)[0] + " # guess: the statuses in which work is over"
	}
	return line, true
}

// head replaces a line of what every procedure has.
func (a *adapter) head(key, line string) string {
	switch key {
	case "version":
		return "version: 0.1.0"
	case "effective":
		return "effective: " + a.Day() + " # open: the day from which it holds"
	case "owner":
		return "owner: to be named # open: the role that answers for the procedure"
	case "reviewer":
		return "reviewer: to be named # open: the role that reviews it"
	case "nextReview":
		return "nextReview: " + a.site.Day.AddDate(1, 0, 0).Format(time.DateOnly) + " # guess: a year from the draft"
	case "raci":
		a.raci = true
		return "# open: raci: {responsible: …, accountable: …, consulted: …, informed: …}"
	case "controls":
		return line + " # guess: those of the example"
	}
	return line
}

// names replaces names of fields, statuses, groups, projects, types and teams.
func (a *adapter) names(line string) string {
	if strings.HasPrefix(line, "  link: ") && a.Pager() != "Opsgenie" {
		return "  # open: link: where people see an alert, with {id} for its ID"
	}
	line = groupIDs.ReplaceAllStringFunc(line, func(string) string { return a.group() })
	line = fieldName.ReplaceAllStringFunc(line, func(m string) string {
		key, name, _ := strings.Cut(m, ": ")
		return key + ": " + a.called("field", strings.Trim(name, `"`), a.site.Fields)
	})
	line = statusList.ReplaceAllStringFunc(line, func(m string) string {
		part := statusList.FindStringSubmatch(m)
		return part[1] + ": " + a.statuses(strings.Split(part[2], ", "))
	})
	line = linkedKey.ReplaceAllStringFunc(line, func(m string) string {
		if key := strings.TrimPrefix(m, "linked: "); !slices.ContainsFunc(a.site.Projects, func(p Project) bool { return p.Key == key }) {
			a.miss("the project whose tickets are linked; there is none with the key %s", key)
		}
		return m
	})
	line = otherType.ReplaceAllStringFunc(line, func(m string) string {
		part, project := otherType.FindStringSubmatch(m), ""
		if part[1] != "" {
			project = "project: " + a.at.project + ", "
		}
		return project + "type: " + a.called("issue type", part[2], a.typesThere())
	})
	line = teamsList.ReplaceAllStringFunc(line, func(string) string { return "teams: " + a.teams() })
	return strings.Replace(line, "mode: enforce", "mode: observe # enforce signs out and suspends", 1)
}

// called returns the name as the site writes it, and notes when it has none like it.
func (a *adapter) called(what, name string, known []string) string {
	if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) }); i >= 0 {
		return quote(known[i])
	}
	a.miss("what the %s is called that the example calls %q", what, name)
	return quote(name)
}

// typesThere are the issue types of the project that the tickets are in.
func (a *adapter) typesThere() (names []string) {
	for _, p := range a.site.Projects {
		for _, t := range p.Types {
			if p.Key == a.at.project {
				names = append(names, t.Name)
			}
		}
	}
	return names
}

// statuses keeps those that the workflow has. For the end it takes whatever the workflow calls it.
func (a *adapter) statuses(names []string) string {
	var kept []string
	for _, s := range a.at.statuses {
		known := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, s.Name) })
		ends := slices.Contains(names, "Done") && s.Done && closeWords.MatchString(s.Name)
		if (known || ends) && !slices.Contains(kept, s.Name) {
			kept, a.ended = append(kept, s.Name), a.ended || !known
		}
	}
	if len(kept) == 0 {
		a.miss("which of your statuses the example means by %s", strings.Join(names, ", "))
		return quoteAll(names)
	}
	return quoteAll(kept)
}

// group refers to the group that approves: the one whose name looks right, or who approves until that is answered.
func (a *adapter) group() string {
	found := a.approvers
	if a.sample.approvers != "" {
		if g := a.drafter.group("", a.sample.approvers); g != nil {
			found = g
		}
	}
	if found == nil {
		a.miss("the Okta ID of the group that approves")
		return "groups: []"
	}
	return "groups: " + found.reference()
}

// teams guesses the team from the on-call schedules: the teams themselves are not read.
func (a *adapter) teams() string {
	for _, s := range a.Schedules() {
		if securityWords.MatchString(s.Name + "\n" + s.Team) {
			team, comment := s.team()
			return quoteAll([]string{team}) + " # guess: " + comment
		}
	}
	a.miss("the team in the pager that is paged for the two highest severities")
	return "[]"
}
