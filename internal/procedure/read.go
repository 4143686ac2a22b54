package procedure

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// The names that histories give to what is no custom field.
//
// Source: Jira REST API, GET /rest/api/2/issue with expand=changelog: items of transitions and links have these fields.
const (
	priorityField = "priority"
	statusField   = "status"
	linkField     = "Link"
)

// reader reads one ticket.
type reader struct {
	procedure Procedure
	ticket    ticket.Ticket
	approvals []ticket.Approval
	world     World
}

// fact returns the nth fact of a name.
func (r reader) fact(name string, at time.Time, n int) kpi.Fact {
	id := string(r.ticket.Key) + "/" + name
	if n > 1 {
		id += "/" + strconv.Itoa(n)
	}
	return kpi.Fact{ID: id, Subject: string(r.ticket.Key), Name: name, At: at.UTC(), Source: "jira"}
}

// moments returns when the trigger's fact happened, oldest first.
func (r reader) moments(t Trigger) []time.Time {
	one := func(at time.Time, ok bool) []time.Time {
		if !ok || at.IsZero() {
			return nil
		}
		return []time.Time{at}
	}
	switch {
	case t.Created == On:
		return []time.Time{r.ticket.Created}
	case len(t.Status) > 0:
		return r.entered(t.Status)
	case t.Field != "":
		return one(r.filled(t.Field))
	case t.Date != "":
		v, ok := r.ticket.Fields[t.Date]
		return one(v.Time, ok)
	case t.Approval != "":
		return one(r.approved(t.Approval))
	case t.Link != "":
		return one(r.linked(t.Link))
	default:
		return nil
	}
}

// entered returns each time at which the ticket came into one of the statuses from another one. A ticket that was raised in
// one came into it then.
func (r reader) entered(statuses []string) []time.Time {
	in := func(name string) bool {
		return slices.ContainsFunc(statuses, func(s string) bool { return strings.EqualFold(s, name) })
	}
	var out []time.Time
	first := r.ticket.Status
	for i, e := range r.edits(statusField) {
		if i == 0 {
			first = e.FromText
		}
		if in(e.ToText) && !in(e.FromText) {
			out = append(out, e.At)
		}
	}
	if in(first) {
		out = append([]time.Time{r.ticket.Created}, out...)
	}
	return out
}

// edits returns the history of one field, oldest first.
func (r reader) edits(field string) []ticket.Edit {
	var out []ticket.Edit
	for _, e := range r.ticket.History {
		if strings.EqualFold(e.Field, field) {
			out = append(out, e)
		}
	}
	return out
}

// filled returns since when the field is filled without a gap.
func (r reader) filled(field string) (at time.Time, ok bool) {
	if _, ok := r.ticket.Fields[field]; !ok {
		return time.Time{}, false
	}
	at = r.ticket.Created
	for _, e := range r.edits(field) {
		if e.From == "" && e.FromText == "" {
			at = e.At
		}
	}
	return at, true
}

// linked returns when the first link with a ticket of the project was made that is still there.
//
// The history tells when, except of links that came with the ticket itself: those have been there since it was raised. A
// link that is there under no key of the history has been so too, unless the ticket behind one of the history has moved to
// another project and is that one now: then it is as old as the oldest such link.
func (r reader) linked(project string) (at time.Time, ok bool) {
	told := r.linkEdits()
	since := r.ticket.Created
	for _, e := range told {
		if !slices.Contains(r.ticket.Links, ticket.Key(e.To)) {
			since = e.At
			break
		}
	}
	for _, key := range r.ticket.Links {
		if key.Project() == project && !slices.ContainsFunc(told, func(e ticket.Edit) bool { return ticket.Key(e.To) == key }) {
			at, ok = since, true
		}
	}
	for _, e := range told {
		if ticket.Key(e.To).Project() == project && (!ok || e.At.Before(at)) {
			at, ok = e.At, true
		}
	}
	return at, ok
}

// linkEdits returns the edits that made the links which no later one took away, oldest first.
func (r reader) linkEdits() []ticket.Edit {
	var there []ticket.Edit
	for _, e := range r.edits(linkField) {
		switch {
		case e.To != "":
			there = append(there, e)
		case e.From != "":
			there = slices.DeleteFunc(there, func(x ticket.Edit) bool { return x.To == e.From })
		}
	}
	return there
}

// attached returns when the first file that fits and is still there was attached.
func (r reader) attached(pattern string) (at time.Time, there bool) {
	for _, f := range r.ticket.Files {
		if fits(pattern, f.Name) && (!there || f.Added.Before(at)) {
			at, there = f.Added, true
		}
	}
	return at, there
}

// artefact returns since when the artefact is there.
func (r reader) artefact(a Artefact) (at time.Time, there bool) {
	switch {
	case a.Field != "":
		return r.filled(a.Field)
	case a.Attachment != "":
		return r.attached(a.Attachment)
	case a.Link != "":
		return r.linked(a.Link)
	default:
		return r.approved(a.Approval)
	}
}

// approved returns when the approval of the role was given, judged as access is: by an active person who may give it and who
// is not the reporter, and not against a later no.
func (r reader) approved(role string) (at time.Time, ok bool) {
	i := slices.IndexFunc(r.procedure.Approvals, func(a authority.Approval) bool { return a.Role == role })
	if i < 0 || r.world.People == nil {
		return time.Time{}, false
	}
	rules := authority.Rules{Policy: r.procedure.Policy, Approvals: []authority.Approval{r.procedure.Approvals[i]}}
	verdict := authority.Judge(r.ticket, r.approvals, rules, authority.World{Catalog: catalog.Catalog{}, People: r.world.People, Now: r.world.Now})
	return verdict.Approved, verdict.Outcome == authority.Proven
}

// value returns what stands in the field as text.
func (r reader) value(field string) string {
	if strings.EqualFold(field, priorityField) {
		return r.ticket.Priority
	}
	v, ok := r.ticket.Fields[field]
	if !ok {
		return ""
	}
	return strings.Join(v.Texts, ", ")
}

func (r reader) severity() string {
	if r.procedure.Severity.Field == "" {
		return ""
	}
	return r.procedure.Severity.of(r.value(r.procedure.Severity.Field))
}

// severities tells the clocks of each severity that the ticket has had.
func (r reader) severities() []kpi.Fact {
	field := r.procedure.Severity.Field
	if field == "" {
		return nil
	}
	edits := r.edits(field)
	first := r.value(field)
	if len(edits) > 0 {
		first = edits[0].FromText
	}
	var out []kpi.Fact
	add := func(text string, at time.Time) {
		if text == "" {
			return
		}
		f := r.fact("severity", at, len(out)+1)
		f.Severity = r.procedure.Severity.of(text)
		out = append(out, f)
	}
	add(first, r.ticket.Created)
	for _, e := range edits {
		add(e.ToText, e.At)
	}
	return out
}

// limit says how the result exceeds the limit, empty when it does not or there is none yet.
func (r reader) limit(l Limit) string {
	text := r.value(l.Field)
	if text == "" {
		return ""
	}
	took, err := duration(text, l.Unit)
	if err != nil {
		return fmt.Sprintf("%s: %q in the field %q is no time; write a number or a time such as 3h30m", l.Name, text, l.Field)
	}
	if took <= l.Most {
		return ""
	}
	return fmt.Sprintf("%s was %s and may be at most %s", l.Name, took, l.Most)
}

// duration reads a time: "3h30m", or a number of units.
func duration(text string, unit time.Duration) (time.Duration, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 0 && n < 1e6 {
		return time.Duration(n * float64(cmp.Or(unit, time.Hour))), nil
	}
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err == nil && d < 0 {
		return 0, fmt.Errorf("negative time: %w", access.ErrInvalid)
	}
	return d, err
}
