// Package report tells how the procedures went in a period: every promise, what was done, what stands open, and samples that
// anybody can draw again.
//
// A report is computed from the ledger, the recorded facts and the tickets as they were last read. It proves nothing by itself;
// each figure names the list of an evidence export in which the records behind it stand.
package report

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Options say what to report on.
type Options struct {
	Store   *store.Store     // holds ledger, facts and tickets
	Period  Period           // what to report on
	Clocks  []kpi.Definition // the promises
	SOP     string           // only the promises of this procedure; empty for all
	Samples []Draw           // what an auditor asked for
	Seed    uint64           // of random samples
}

// Report is how a period went.
type Report struct {
	Period Period    `json:"period"` // that is reported on
	Made   time.Time `json:"made"`   // when it was computed
	// Running is true when the period has not ended: the figures are those until now.
	Running  bool      `json:"running,omitempty"`
	SOP      string    `json:"sop,omitempty"`     // to which the promises are narrowed; empty for all
	Promises []Promise `json:"promises"`          // sorted by procedure, promise and severity
	Figures  []Figure  `json:"figures"`           // of the operations review
	Lists    []Count   `json:"lists"`             // records behind each list of an evidence export
	Findings []Count   `json:"findings"`          // raised in the period, by kind
	Open     []Count   `json:"open"`              // findings that stand now, by kind
	Changes  []Count   `json:"changes"`           // writes to Okta intended in the period, by kind and reason
	Volume   []Count   `json:"volume"`            // tickets raised in the period, by project and type
	Days     []Day     `json:"days"`              // each day of the period, until now
	Samples  []Sample  `json:"samples,omitempty"` // in the order in which they were asked for
}

// Promise is how one promise was kept.
type Promise struct {
	SOP        string   `json:"sop"`                  // the procedure
	KPI        string   `json:"kpi"`                  // its name in the procedure
	Severity   string   `json:"severity"`             // empty for every one that the policy does not name
	Target     string   `json:"target"`               // as the policy writes it, such as "2bd"
	Met        int      `json:"met"`                  // ended in time in the period
	Breached   int      `json:"breached"`             // ended late in the period
	Open       int      `json:"open"`                 // not past due
	Overdue    int      `json:"overdue"`              // open and past due
	Median     string   `json:"median,omitempty"`     // of the time taken; empty when nothing ended
	P95        string   `json:"p95,omitempty"`        // 95th percentile of it
	Attainment *float64 `json:"attainment,omitempty"` // 0 to 1; absent when nothing was due
}

// Figure is a number with what it means.
type Figure struct {
	Name  string `json:"name"`  // for people
	Value string `json:"value"` // "-" when there is nothing to compute it of
	Means string `json:"means"` // how it is computed
}

// Count is a number of things.
type Count struct {
	Name string `json:"name"` // of what is counted
	N    int    `json:"n"`    // at least 1
}

// Day is what happened on one day.
type Day struct {
	Date     string `json:"date"`     // such as "2026-10-01"
	Grants   int    `json:"grants"`   // approved
	Changes  int    `json:"changes"`  // intended
	Findings int    `json:"findings"` // raised
}

// Make computes a report.
//
// Errors: [access.ErrInvalid] for a period that has not begun, and for a sample of a list that there is not;
// [access.ErrNotFound] for a procedure without promises.
func Make(ctx context.Context, o Options) (Report, error) {
	now := o.Store.Now()
	if !o.Period.From.Before(now) {
		return Report{}, fmt.Errorf("the period %s has not begun: %w", o.Period.Name, access.ErrInvalid)
	}
	facts, err := figures.ReadFacts(ctx, o.Store)
	if err != nil {
		return Report{}, err
	}
	m := maker{options: o, report: Report{Period: o.Period, Made: now, Running: now.Before(o.Period.To), SOP: o.SOP}, counts: make(map[string]map[string]int)}
	if err := m.promises(facts); err != nil {
		return Report{}, err
	}
	if m.draws, err = newDraws(o.Samples); err != nil {
		return Report{}, err
	}
	err = o.Store.Read(ctx, func(tx *store.Tx) error {
		m.begin()
		if err := tx.EachRecord(0, m.record); err != nil {
			return err
		}
		if err := m.open(tx); err != nil {
			return err
		}
		return m.tickets(tx)
	})
	if err != nil {
		return Report{}, err
	}
	m.finish(facts)
	return m.report, nil
}

// maker collects one report.
type maker struct {
	options Options
	report  Report
	counts  map[string]map[string]int // by sort of count, by name
	days    map[string]*Day
	draws   []draw
	rated   []float64 // satisfaction of tickets that carry it
}

// begin starts anew: a read may be tried twice.
func (m *maker) begin() {
	m.counts, m.days, m.rated = make(map[string]map[string]int), make(map[string]*Day), nil
	for i := range m.draws {
		m.draws[i].lines = nil
	}
	end := m.options.Period.To
	if m.report.Made.Before(end) {
		end = m.report.Made
	}
	m.report.Days = nil
	for at := m.options.Period.From; at.Before(end); at = at.AddDate(0, 0, 1) {
		date := at.Format(time.DateOnly)
		m.report.Days = append(m.report.Days, Day{Date: date})
	}
	for i := range m.report.Days {
		m.days[m.report.Days[i].Date] = &m.report.Days[i]
	}
}

// The sorts of count.
const (
	ofLists    = "lists"
	ofFindings = "findings"
	ofOpen     = "open"
	ofChanges  = "changes"
	ofVolume   = "volume"
)

func (m *maker) count(sort, name string) {
	if m.counts[sort] == nil {
		m.counts[sort] = make(map[string]int)
	}
	m.counts[sort][name]++
}

// promises computes how each promise was kept.
func (m *maker) promises(facts []kpi.Fact) error {
	known := m.options.SOP == ""
	m.report.Promises = []Promise{}
	for _, p := range figures.Promises(m.options.Clocks, facts, m.report.Made) {
		if m.options.SOP != "" && p.Definition.SOP != m.options.SOP {
			continue
		}
		known = true
		s := kpi.Summarise(p.Cycles, kpi.Period{From: m.options.Period.From, To: m.options.Period.To}, m.report.Made)
		line := Promise{
			SOP: p.Definition.SOP, KPI: p.Definition.Name, Severity: p.Severity, Target: p.Target.String(), Met: s.Met, Breached: s.Breached,
			Open: s.Open.OnTrack + s.Open.AtRisk, Overdue: s.Open.Breached,
		}
		if s.Met+s.Breached > 0 {
			line.Median, line.P95 = short(s.Median), short(s.P95)
		}
		if ratio, ok := s.Attainment.Ratio(); ok {
			line.Attainment = &ratio
		}
		m.report.Promises = append(m.report.Promises, line)
	}
	if !known {
		return fmt.Errorf("no procedure %q has promises: %w", m.options.SOP, access.ErrNotFound)
	}
	return nil
}

// short is a duration for people.
func short(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1fd", d.Hours()/24)
	case d >= time.Minute:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	default:
		return d.Round(time.Millisecond).String()
	}
}

// record counts a record of the period.
func (m *maker) record(r ledger.Record) error {
	if !m.options.Period.in(r.At) {
		return nil
	}
	for _, view := range evidence.Views() {
		held, err := view.Holds(r)
		if err != nil {
			return err
		}
		if held {
			m.count(ofLists, listName(view))
		}
		for i := range m.draws {
			if held && m.draws[i].Of == listName(view) {
				m.draws[i].lines = append(m.draws[i].lines, lineOf(r))
			}
		}
	}
	day := m.days[r.At.UTC().Format(time.DateOnly)]
	switch {
	case day == nil:
	case r.Kind == ledger.GrantApproved:
		day.Grants++
	case r.Kind == ledger.ChangeIntended:
		day.Changes++
	case r.Kind == ledger.FindingRaised:
		day.Findings++
	}
	return m.body(r)
}

// body counts what a record's body tells.
func (m *maker) body(r ledger.Record) error {
	switch r.Kind {
	case ledger.FindingRaised:
		var f finding.Finding
		err := evidence.DecodeBody(r, &f)
		m.count(ofFindings, string(f.Kind))
		return err
	case ledger.ChangeIntended:
		var c change.Change
		err := evidence.DecodeBody(r, &c)
		m.count(ofChanges, string(c.Kind)+" because of "+string(c.Reason))
		return err
	default:
		return nil
	}
}

// listName is the list's name for people: its file's without the ending.
func listName(v evidence.View) string { return strings.TrimSuffix(v.File, ".csv") }

func (m *maker) open(tx *store.Tx) error {
	all, err := tx.OpenFindings()
	for _, f := range all {
		m.count(ofOpen, string(f.Kind))
	}
	return err
}

// tickets counts the tickets that were raised in the period.
func (m *maker) tickets(tx *store.Tx) error {
	return tx.EachTicket(store.TicketFilter{UpdatedSince: m.options.Period.From}, func(t ticket.Ticket) error {
		if !m.options.Period.in(t.Created) {
			return nil
		}
		sort := t.RequestType
		if sort == "" {
			sort = t.Type
		}
		m.count(ofVolume, t.Project+": "+sort)
		for name, value := range t.Fields {
			if strings.Contains(strings.ToLower(name), "satisfaction") && len(value.Texts) == 1 {
				if rating, err := strconv.ParseFloat(value.Texts[0], 64); err == nil {
					m.rated = append(m.rated, rating)
				}
			}
		}
		return nil
	})
}

// finish sorts the counts and computes the figures.
func (m *maker) finish(facts []kpi.Fact) {
	r := &m.report
	for sort, into := range map[string]*[]Count{ofLists: &r.Lists, ofFindings: &r.Findings, ofOpen: &r.Open, ofChanges: &r.Changes, ofVolume: &r.Volume} {
		*into = []Count{}
		for name, n := range m.counts[sort] {
			*into = append(*into, Count{Name: name, N: n})
		}
		slices.SortFunc(*into, func(a, b Count) int { return strings.Compare(a.Name, b.Name) })
	}
	r.Figures = m.figures(facts)
	for i := range m.draws {
		r.Samples = append(r.Samples, m.draws[i].sample(m.options.Seed))
	}
}

// lineOf is a record in a sample.
func lineOf(r ledger.Record) Line {
	line := Line{Seq: r.Seq, At: r.At, Kind: string(r.Kind), Change: string(r.Change), Ticket: string(r.Ticket), User: string(r.User), Group: string(r.Group)}
	var fact struct {
		Subject string `json:"subject"`
	}
	if raw, ok := r.Body.(json.RawMessage); ok && json.Unmarshal(raw, &fact) == nil {
		line.Subject = fact.Subject
	}
	return line
}
