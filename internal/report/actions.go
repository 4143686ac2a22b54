package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// The facts that reports name. Package reconcile records them.
const (
	factRequested   = "request.requested"
	factApproved    = "request.approved"
	factProvisioned = "request.provisioned"
	factLeft        = "leaver.left"
	factRemoved     = "leaver.removed"
)

func (c *composer) group(id string) string {
	if c.in.Group == nil || id == "" {
		return id
	}
	return or(c.in.Group(id), id)
}

// changes lists every write that was intended in the period.
func (c *composer) changes() Section {
	t := Table{Columns: []string{"change", "at", "what", "reason", "user", "group", "ticket", "state"}}
	for _, ch := range c.in.Found.Changes {
		t.Rows = append(t.Rows, []Cell{
			text(string(ch.ID)), instant(ch.Intended), text(string(ch.Kind)), text(string(ch.Reason)), text(string(ch.User)),
			text(c.group(string(ch.Group))), text(string(ch.Ticket)), text(string(ch.State)),
		})
	}
	return Section{Name: "changes", Title: "Changes of access", Table: t}
}

// changesByReason counts the writes of the period.
func (c *composer) changesByReason() Section {
	type kind struct {
		change.Kind
		change.Reason
	}
	type states struct{ confirmed, refused, open int }
	by := make(map[kind]states)
	for _, ch := range c.in.Found.Changes {
		k := kind{ch.Kind, ch.Reason}
		s := by[k]
		switch ch.State {
		case change.Confirmed:
			s.confirmed++
		case change.Refused:
			s.refused++
		default:
			s.open++
		}
		by[k] = s
	}
	t := Table{Columns: []string{"what", "reason", "read back", "refused", "not confirmed yet"}}
	kinds := slices.SortedFunc(maps.Keys(by), func(a, b kind) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
	})
	for _, k := range kinds {
		t.Rows = append(t.Rows, []Cell{text(string(k.Kind)), text(string(k.Reason)), count(by[k].confirmed), count(by[k].refused), count(by[k].open)})
	}
	return Section{Name: "changes", Title: "Changes of access by reason", Table: t}
}

// leavers lists who left in the period and when the access was gone.
func (c *composer) leavers() Section {
	t := Table{Columns: []string{"subject", "left", "access gone", "took"}}
	gone := c.times(factRemoved)
	for _, f := range c.facts(factLeft) {
		if !c.in.Period.in(f.At) {
			continue
		}
		row := []Cell{text(f.Subject), instant(f.At), instant(gone[f.Subject]), text("–")}
		if at, known := gone[f.Subject]; known {
			row[3] = took(max(at.Sub(f.At), 0), 1)
		}
		t.Rows = append(t.Rows, row)
	}
	return Section{Name: "leavers", Title: "People who left", Table: t, Text: "By ticket, or by Okta's user ID and the time of the deactivation."}
}

func (p Period) in(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// facts returns the facts of one name as they count, in the order in which they happened.
func (c *composer) facts(name string) []kpi.Fact { return c.named[name] }

// counted sorts out the facts that count, by name: not those that were corrected, and of several corrections of one fact the
// one that was recorded last.
func counted(facts []kpi.Fact) map[string][]kpi.Fact {
	latest := make(map[string]kpi.Fact) // the correction of each fact that was corrected
	for _, f := range facts {
		if last, known := latest[f.Corrects]; !known || f.Recorded.After(last.Recorded) {
			latest[f.Corrects] = f
		}
	}
	named := make(map[string][]kpi.Fact)
	for _, f := range facts {
		_, replaced := latest[f.ID]
		if !replaced && (f.Corrects == "" || latest[f.Corrects].ID == f.ID) {
			named[f.Name] = append(named[f.Name], f)
		}
	}
	for _, all := range named {
		slices.SortFunc(all, func(a, b kpi.Fact) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	}
	return named
}

// times returns when the named fact first happened to each subject.
func (c *composer) times(name string) map[string]time.Time {
	at := make(map[string]time.Time)
	for _, f := range c.facts(name) {
		if _, known := at[f.Subject]; !known {
			at[f.Subject] = f.At
		}
	}
	return at
}

// operations is the figures of the service desk.
func (c *composer) operations() Section {
	requested, approved, provisioned := c.times(factRequested), c.times(factApproved), c.times(factProvisioned)
	var waits []time.Duration
	raised, fulfilled, byItself := 0, 0, 0
	for subject, at := range requested {
		if c.in.Period.in(at) {
			raised++
		}
		if yes, known := approved[subject]; known && c.in.Period.in(yes) {
			waits = append(waits, max(yes.Sub(at), 0))
		}
	}
	touched := c.stopped()
	for subject, at := range provisioned {
		if !c.in.Period.in(at) {
			continue
		}
		fulfilled++
		if !touched[subject] {
			byItself++
		}
	}
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	slices.Sort(waits)
	t := Table{Columns: []string{"figure", "value"}}
	row := func(what string, v Cell) { t.Rows = append(t.Rows, []Cell{text(what), v}) }
	row("requests raised", count(raised))
	row("requests approved", count(len(waits)))
	average, middle := text("–"), text("–")
	if n := len(waits); n > 0 {
		average, middle = took(sum/time.Duration(n), n), took(waits[(n-1)/2], n)
	}
	row("average approval time, by the wall clock", average)
	row("median approval time, by the wall clock", middle)
	row("requests fulfilled", count(fulfilled))
	row("self-service rate: fulfilled without a refused or held change", share(kpi.Share{Part: byItself, Total: fulfilled}))
	row("requests refused", count(c.in.Found.Refusals))
	row("comments, moves and attachments made on tickets", count(c.in.Found.Told))
	row("tickets opened by sopd", count(c.in.Found.Opened))
	return Section{Name: "operations", Title: "Operations", Table: t}
}

// stopped returns the tickets on which something did not go by itself: a write was refused, or a person let it through.
func (c *composer) stopped() map[string]bool {
	held := make(map[string]bool)
	for _, h := range c.in.Found.Holds {
		held[h.PlanHash] = true
	}
	stopped := make(map[string]bool)
	for _, ch := range c.in.Found.Changes {
		if ch.State == change.Refused || held[ch.Plan] {
			stopped[string(ch.Ticket)] = true
		}
	}
	return stopped
}

// findings lists what was raised in the period or open when it began.
func (c *composer) findings() Section {
	return Section{
		Name: "findings", Title: "Findings", Table: c.findingTable(c.in.Found.Raised),
		Text: "Those raised in the period, and those that were open when it began.",
	}
}

// standing lists the findings that were open at the end of the period.
func (c *composer) standing() Section {
	open := slices.DeleteFunc(slices.Clone(c.in.Found.Raised), func(f finding.Finding) bool { return !f.Cleared.IsZero() })
	return Section{Name: "standing", Title: "Findings open at the end", Table: c.findingTable(open)}
}

func (c *composer) findingTable(found []finding.Finding) Table {
	t := Table{Columns: []string{"kind", "what", "user", "group", "ticket", "raised", "cleared"}}
	for _, f := range found {
		t.Rows = append(t.Rows, []Cell{
			text(string(f.Kind)), text(f.Title), text(string(f.User)), text(c.group(string(f.Group))), text(string(f.Ticket)),
			instant(f.Raised), instant(f.Cleared),
		})
	}
	return t
}

// findingsByKind counts the findings of the period.
func (c *composer) findingsByKind() Section {
	type counts struct{ before, raised, cleared, open int }
	by := make(map[finding.Kind]counts)
	for _, f := range c.in.Found.Raised {
		n := by[f.Kind]
		if f.Raised.Before(c.in.Period.From) {
			n.before++
		} else {
			n.raised++
		}
		if f.Cleared.IsZero() {
			n.open++
		} else {
			n.cleared++
		}
		by[f.Kind] = n
	}
	t := Table{Columns: []string{"kind", "open before", "raised", "cleared", "open at the end"}}
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		n := by[kind]
		t.Rows = append(t.Rows, []Cell{text(string(kind)), count(n.before), count(n.raised), count(n.cleared), count(n.open)})
	}
	return Section{Name: "findings", Title: "Findings by kind", Table: t}
}

// holds lists the plans that guards stopped and who decided what about them.
func (c *composer) holds() Section {
	t := Table{Columns: []string{"hold", "made", "guards", "why", "state", "decided by", "in their words"}}
	for _, h := range c.in.Found.Holds {
		t.Rows = append(t.Rows, []Cell{
			text(string(h.ID)), instant(h.Made), text(strings.Join(h.Guards, " ")), text(strings.Join(h.Reasons, "; ")), text(string(h.State)),
			text(or(h.ApprovedBy, h.CancelledBy)), text(h.Reason),
		})
	}
	return Section{Name: "holds", Title: "Plans that a guard stopped", Table: t}
}

// privileges counts the grants of the period by system and role.
func (c *composer) privileges() Section {
	type role struct{ system, role string }
	given, ended := make(map[role]int), make(map[role]int)
	for _, g := range c.in.Found.Grants {
		given[role{g.System, g.Role}]++
	}
	for _, g := range c.in.Found.Ended {
		r := role{g.System, g.Role}
		ended[r]++
		given[r] += 0
	}
	t := Table{Columns: []string{"system", "role", "grants approved", "grants ended"}}
	roles := slices.SortedFunc(maps.Keys(given), func(a, b role) int {
		return cmp.Or(cmp.Compare(a.system, b.system), cmp.Compare(a.role, b.role))
	})
	for _, r := range roles {
		t.Rows = append(t.Rows, []Cell{text(r.system), text(r.role), count(given[r]), count(ended[r])})
	}
	return Section{Name: "grants", Title: "Grants by system and role", Table: t}
}
