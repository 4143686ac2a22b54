package policies

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/procedure"
)

// KindProcedure is a procedure that lives in tickets: changes, vendors, vulnerabilities, restore tests, data requests.
const KindProcedure = "Procedure"

// procedureFile is a procedure in tickets.
type procedureFile struct {
	SOP       sop                    `yaml:",inline"`
	Severity  severityYAML           `yaml:"severity"`
	Facts     map[string]triggerYAML `yaml:"facts"`
	Artefacts artefactsYAML          `yaml:"artefacts"`
	Approvals []approvalYAML         `yaml:"approvals"`
	Limits    []limitYAML            `yaml:"limits"`
	Reassess  *reassessYAML          `yaml:"reassess"`
}

type severityYAML struct {
	Field string            `yaml:"field"` // a field's name, or priority
	Map   map[string]string `yaml:"map"`
}

// triggerYAML says when a fact happens: one of these.
type triggerYAML struct {
	Created  bool     `yaml:"created"`
	Status   []string `yaml:"status"`
	Field    string   `yaml:"field"`
	Date     string   `yaml:"date"`
	Approval string   `yaml:"approval"`
	Linked   string   `yaml:"linked"`
	Complete bool     `yaml:"complete"`
}

type artefactsYAML struct {
	Statuses []string       `yaml:"statuses"` // in which everything has to be there
	Coverage string         `yaml:"coverage"` // the KPI that is the share of tickets with everything
	Required []artefactYAML `yaml:"required"`
}

type artefactYAML struct {
	Name       string   `yaml:"name"`
	Field      string   `yaml:"field"`
	Attachment string   `yaml:"attachment"` // a pattern such as "*questionnaire*"
	Linked     string   `yaml:"linked"`     // a project key
	Approval   string   `yaml:"approval"`
	Severities []string `yaml:"severities"`
}

type limitYAML struct {
	Name  string `yaml:"name"`
	Field string `yaml:"field"`
	Unit  string `yaml:"unit"` // of a bare number: hours or minutes
	Most  string `yaml:"most"`
}

type reassessYAML struct {
	After   string `yaml:"after"`
	Months  int    `yaml:"months"`
	Project string `yaml:"project"`
	Type    string `yaml:"type"`
	Summary string `yaml:"summary"`
}

func (c *compiler) proceduralFile(f *file) {
	var in procedureFile
	if !f.decode(&in) {
		return
	}
	d := c.document(f, in.SOP)
	p := procedure.Procedure{
		Name: d.Name, Policy: d.ID(), Owner: d.RACI.Responsible, Gate: in.Artefacts.Statuses, Coverage: in.Artefacts.Coverage,
		Match:    procedure.Match{Projects: in.SOP.Tickets.Projects, Types: in.SOP.Tickets.Types, RequestTypes: in.SOP.Tickets.RequestTypes},
		Severity: procedure.Severity(in.Severity),
	}
	f.pointless(in.SOP, "statuses", "fields")
	f.projects("$.tickets.projects", in.SOP.Tickets.Projects)
	if len(in.Approvals) > 0 {
		p.Approvals = f.approvals(in.Approvals)
	}
	roles := make([]string, 0, len(p.Approvals))
	for i, a := range p.Approvals {
		if a.Owners {
			f.wrong(fmt.Sprintf("$.approvals[%d].owners", i), "these tickets name no system, so no system has owners here; name users or groups")
		}
		roles = append(roles, a.Role)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Facts)) {
		p.Facts = append(p.Facts, c.trigger(f, d.Name, name, in.Facts[name], roles))
	}
	p.Artefacts = f.artefacts(in.Artefacts, roles)
	p.Limits = f.limits(in.Limits)
	p.Reassess = c.reassess(f, in.Reassess, p)
	c.set.Procedures = append(c.set.Procedures, p)
}

// projects checks project keys.
func (f *file) projects(at string, keys []string) {
	if len(keys) == 0 {
		f.wrong(at, "name the Jira projects of these tickets by their keys")
	}
	for i, key := range keys {
		f.project(fmt.Sprintf("%s[%d]", at, i), key)
	}
}

func (f *file) project(at, key string) {
	if key == "" || strings.ToUpper(key) != key || strings.Contains(key, "-") {
		f.wrong(at, "%q is not a project key, such as ACC", key)
	}
}

// factName is what a fact is called: two words parted by a full stop at least.
func validFact(name string) bool {
	parts := strings.Split(name, ".")
	return len(parts) > 1 && !slices.ContainsFunc(parts, func(s string) bool { return !slug.MatchString(s) })
}

func (c *compiler) trigger(f *file, sopName, name string, in triggerYAML, roles []string) procedure.Trigger {
	at := "$.facts.'" + name + "'" // quoted, because of the full stop
	if !validFact(name) {
		f.wrong("$.facts", "fact is called %q; write words parted by a full stop, such as vendor.requested", name)
	}
	c.declare(f, at, sopName, name)
	t := procedure.Trigger{Fact: name, Status: in.Status, Field: in.Field, Date: in.Date, Approval: in.Approval, Link: in.Linked}
	set := 0
	for _, given := range []bool{in.Created, len(in.Status) > 0, in.Field != "", in.Date != "", in.Approval != "", in.Linked != "", in.Complete} {
		if given {
			set++
		}
	}
	if set != 1 {
		f.wrong(at, "fact %q has to say when it happens, by one of: created, status, field, date, approval, linked, complete", name)
	}
	if in.Created {
		t.Created = procedure.On
	}
	if in.Complete {
		t.Complete = procedure.On
	}
	if in.Approval != "" {
		f.oneOf(at, in.Approval, roles...)
	}
	if in.Linked != "" {
		f.project(at, in.Linked)
	}
	return t
}

func (f *file) artefacts(in artefactsYAML, roles []string) []procedure.Artefact {
	if len(in.Required) > 0 && len(in.Statuses) == 0 {
		f.wrong("$.artefacts", "name the statuses in which everything has to be there")
	}
	if in.Coverage != "" && !slug.MatchString(in.Coverage) {
		f.wrong("$.artefacts.coverage", "is %q; write small letters, digits and hyphens", in.Coverage)
	}
	var out []procedure.Artefact
	for i, a := range in.Required {
		at := fmt.Sprintf("$.artefacts.required[%d]", i)
		f.required(at+".name", a.Name)
		set := 0
		for _, text := range []string{a.Field, a.Attachment, a.Linked, a.Approval} {
			if text != "" {
				set++
			}
		}
		if set != 1 {
			f.wrong(at, "artefact %q has to say where it is, by one of: field, attachment, linked, approval", a.Name)
		}
		if _, err := path.Match(a.Attachment, ""); err != nil {
			f.wrong(at+".attachment", "is %q; write a file name in which * stands for any letters", a.Attachment)
		}
		if a.Approval != "" {
			f.oneOf(at+".approval", a.Approval, roles...)
		}
		if a.Linked != "" {
			f.project(at+".linked", a.Linked)
		}
		out = append(out, procedure.Artefact{
			Name: a.Name, Field: a.Field, Attachment: a.Attachment, Link: a.Linked, Approval: a.Approval, Severities: a.Severities,
		})
	}
	return out
}

func (f *file) limits(in []limitYAML) []procedure.Limit {
	units := map[string]time.Duration{"hours": time.Hour, "minutes": time.Minute}
	var out []procedure.Limit
	for i, l := range in {
		at := fmt.Sprintf("$.limits[%d]", i)
		f.required(at+".name", l.Name)
		f.required(at+".field", l.Field)
		f.oneOf(at+".unit", l.Unit, "hours", "minutes")
		most, err := time.ParseDuration(l.Most)
		if err != nil || most <= 0 {
			f.wrong(at+".most", "is %q; write a time such as 4h or 90m", l.Most)
		}
		out = append(out, procedure.Limit{Name: l.Name, Field: l.Field, Unit: units[l.Unit], Most: most})
	}
	return out
}

func (c *compiler) reassess(f *file, in *reassessYAML, p procedure.Procedure) *procedure.Reassess {
	if in == nil {
		return nil
	}
	f.oneOf("$.reassess.after", in.After, p.Names()...)
	if in.Months < 1 || in.Months > 120 {
		f.wrong("$.reassess.months", "is %d; write a number of months from 1 to 120", in.Months)
	}
	f.project("$.reassess.project", in.Project)
	f.required("$.reassess.type", in.Type)
	f.required("$.reassess.summary", in.Summary)
	return &procedure.Reassess{After: in.After, Months: in.Months, Project: in.Project, Type: in.Type, Summary: in.Summary}
}

// target reads a limit such as 2bd.
func (f *file) target(at, text string) kpi.Target {
	t, err := kpi.ParseTarget(text)
	if err != nil {
		f.wrong(at, "is %q; write a whole number and a unit, such as 45m, 24h, 30d or 2bd", text)
	}
	return t
}

// warning reads a warning point; nothing is none.
func (f *file) warning(at, text string) kpi.Warning {
	if text == "" {
		return kpi.Warning{}
	}
	w, err := kpi.ParseWarning(text)
	if err != nil {
		f.wrong(at, "is %q; write a share used up such as 75%%, or a time left such as 30m", text)
	}
	return w
}
