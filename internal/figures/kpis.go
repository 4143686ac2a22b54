package figures

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/prometheus/client_golang/prometheus"
)

// Promise is one clock at one severity: its cycles, and how it was kept in a period.
type Promise struct {
	Definition kpi.Definition
	Severity   string // "" for the target of all severities that the policy does not name
	Target     kpi.Target
	Cycles     []kpi.Cycle
}

// Promises sorts all recorded facts into the promises of the clocks, in the order of SOP, name and severity. Every
// severity that has a target or a cycle is there.
func Promises(clocks []kpi.Definition, facts []kpi.Fact, now time.Time) []Promise {
	var all []Promise
	for _, d := range clocks {
		by := make(map[string][]kpi.Cycle)
		for severity := range d.Targets {
			by[severity] = nil
		}
		for _, c := range kpi.Compute(d, facts, now) {
			by[c.Severity] = append(by[c.Severity], c)
		}
		for _, severity := range slices.Sorted(maps.Keys(by)) {
			target, named := d.Targets[severity]
			if !named {
				target = d.Targets[""]
			}
			all = append(all, Promise{Definition: d, Severity: severity, Target: target, Cycles: by[severity]})
		}
	}
	slices.SortStableFunc(all, func(a, b Promise) int {
		return cmp.Or(cmp.Compare(a.Definition.SOP, b.Definition.SOP), cmp.Compare(a.Definition.Name, b.Definition.Name), cmp.Compare(a.Severity, b.Severity))
	})
	return all
}

// ReadFacts returns every fact of the store.
func ReadFacts(ctx context.Context, s *store.Store) ([]kpi.Fact, error) {
	var facts []kpi.Fact
	err := s.Read(ctx, func(tx *store.Tx) error {
		return tx.EachFact(func(f kpi.Fact) error {
			facts = append(facts, f)
			return nil
		})
	})
	return facts, err
}

// windows are the periods of sopd_kpi_attainment_ratio. Each ends now and begins at midnight UTC so many days ago.
var windows = [...]struct {
	name string
	days int
}{{"30d", 30}, {"90d", 90}, {"365d", 365}}

// KPIs exports how the promises of the policies are kept. Its figures come from the cycles that the store keeps, which are
// computed from the recorded facts alone: they survive a restart, and a late fact corrects them. The empty severity is
// shown as "all".
type KPIs struct {
	clocks []kpi.Definition
	shares []Coverage

	target, completed, open, oldest, attainment, duration, coverage *prometheus.Desc

	mu    sync.Mutex
	shown shown
}

// Coverage is a KPI that is a share of subjects, such as vendors with every document there.
type Coverage struct {
	SOP string // the procedure's name
	KPI string // the share's name
}

// shown is what the figures are drawn from, as of a time.
type shown struct {
	now      time.Time
	ever     map[store.Tally]map[kpi.Outcome]int64
	windows  []map[store.Tally]map[kpi.Outcome]int64 // as in the list windows
	spreads  map[store.Tally][]store.Spread
	open     map[store.Tally][]kpi.Cycle
	coverage map[string]kpi.Share
}

// NewKPIs registers the figures for the clocks, and the shares.
func NewKPIs(r prometheus.Registerer, clocks []kpi.Definition, shares ...Coverage) *KPIs {
	labels := []string{"sop", "kpi", "severity"}
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("sopd_kpi_"+name, help, append(slices.Clone(labels), more...), nil)
	}
	k := &KPIs{
		clocks:     clocks,
		shares:     shares,
		target:     desc("target_seconds", "What is promised, in seconds of the clock's calendar; a business day is the calendar's usual day."),
		completed:  desc("completed_total", "Cycles of the clock that ended, by how.", "outcome"),
		open:       desc("open", "Cycles of the clock that are under way, by how they stand.", "state"),
		oldest:     desc("oldest_open_seconds", "Age of the oldest cycle under way, by the wall clock; 0 with none."),
		attainment: desc("attainment_ratio", "Share of promises kept in the window, open breaches counted; absent when there was none.", "window"),
		duration:   desc("duration_seconds", "How long ended cycles took, in seconds of the clock's calendar; bounds at the promised limits."),
		coverage: prometheus.NewDesc("sopd_kpi_coverage_ratio",
			"Share of subjects of the procedure that have everything that it asks for; absent when there is none.", []string{"sop", "kpi"}, nil),
	}
	r.MustRegister(k)
	return k
}

// Update brings the stored cycles up to date and reads the figures anew. What it costs grows with what has changed and
// what is open, not with what has ended.
func (k *KPIs) Update(ctx context.Context, s *store.Store) error {
	if err := Refresh(ctx, s, k.clocks); err != nil {
		return err
	}
	next := shown{now: s.Now()}
	if err := s.Read(ctx, func(tx *store.Tx) error { return next.read(tx, k.clocks) }); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shown = next
	return nil
}

func (v *shown) read(tx *store.Tx, clocks []kpi.Definition) error {
	var err error
	if v.ever, err = tx.CompletedSince(math.MinInt64); err != nil {
		return err
	}
	v.windows = nil
	for _, w := range windows {
		n, err := tx.CompletedSince(day(v.now.AddDate(0, 0, -w.days)))
		if err != nil {
			return err
		}
		v.windows = append(v.windows, n)
	}
	spreads, err := tx.Spreads()
	if err != nil {
		return err
	}
	v.spreads = make(map[store.Tally][]store.Spread)
	for _, s := range spreads {
		v.spreads[s.Tally] = append(v.spreads[s.Tally], s)
	}
	if v.coverage, err = tx.Coverage(); err != nil {
		return err
	}
	v.open = make(map[store.Tally][]kpi.Cycle)
	open, err := OpenCycles(tx, clocks, v.now)
	for _, c := range open {
		t := store.Tally{SOP: c.SOP, KPI: c.KPI, Severity: c.Severity}
		v.open[t] = append(v.open[t], c)
	}
	return err
}

// OpenCycles returns every cycle of the clocks that has not ended, as it stands at now.
func OpenCycles(tx *store.Tx, clocks []kpi.Definition, now time.Time) ([]kpi.Cycle, error) {
	byName := make(map[[2]string]kpi.Definition, len(clocks))
	for _, d := range clocks {
		byName[[2]string{d.SOP, d.Name}] = d
	}
	var all []kpi.Cycle
	err := tx.EachOpenCycle(func(c kpi.Cycle) error {
		if d, known := byName[[2]string{c.SOP, c.KPI}]; known {
			all = append(all, d.At(c, now))
		}
		return nil
	})
	return all, err
}

func severityLabel(severity string) string {
	if severity == "" {
		return "all"
	}
	return severity
}

// Describe sends nothing: the histograms of different clocks have different bounds, which the registry would refuse to
// know beforehand.
func (k *KPIs) Describe(chan<- *prometheus.Desc) {}

// Collect sends the figures as they were last read.
func (k *KPIs) Collect(ch chan<- prometheus.Metric) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.shown.now.IsZero() {
		return
	}
	for _, d := range k.clocks {
		for _, severity := range k.severities(d) {
			k.collect(ch, d, severity)
		}
	}
	for _, c := range k.shares {
		if ratio, ok := k.shown.coverage[c.SOP].Ratio(); ok {
			ch <- prometheus.MustNewConstMetric(k.coverage, prometheus.GaugeValue, ratio, c.SOP, c.KPI)
		}
	}
}

// severities returns those that the clock has a target for. A cycle of any other is counted under "": the label is a closed
// set whatever tickets say.
func (k *KPIs) severities(d kpi.Definition) []string { return slices.Sorted(maps.Keys(d.Targets)) }

// tallies returns the promise's own tally and, for the one of all others, those of every severity that has no target.
func tallies[V any](d kpi.Definition, severity string, all map[store.Tally]V) []store.Tally {
	var out []store.Tally
	for t := range all {
		if t.SOP != d.SOP || t.KPI != d.Name {
			continue
		}
		_, named := d.Targets[t.Severity]
		if t.Severity == severity || severity == "" && !named {
			out = append(out, t)
		}
	}
	return out
}

func (k *KPIs) collect(ch chan<- prometheus.Metric, d kpi.Definition, severity string) {
	labels := []string{d.SOP, d.Name, severityLabel(severity)}
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, v float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, v, append(slices.Clone(labels), more...)...)
	}
	on := d.Calendar
	if on == nil {
		on = calendar.Always()
	}
	send(k.target, prometheus.GaugeValue, d.Targets[severity].Nominal(on).Seconds())
	var cells []store.Spread
	for _, t := range tallies(d, severity, k.shown.spreads) {
		cells = append(cells, k.shown.spreads[t]...)
	}
	ch <- histogram{desc: k.duration, labels: labelsOf(d, severity), bounds: d.Buckets(), cells: cells}
	met, breached := sum(k.shown.ever, tallies(d, severity, k.shown.ever))
	send(k.completed, prometheus.CounterValue, float64(met), string(kpi.Met))
	send(k.completed, prometheus.CounterValue, float64(breached), string(kpi.Breached))
	var open []kpi.Cycle
	for _, t := range tallies(d, severity, k.shown.open) {
		open = append(open, k.shown.open[t]...)
	}
	now := kpi.Summarise(open, kpi.Period{To: k.shown.now.Add(time.Microsecond)}, k.shown.now)
	send(k.open, prometheus.GaugeValue, float64(now.Open.OnTrack), "on_track")
	send(k.open, prometheus.GaugeValue, float64(now.Open.AtRisk), "at_risk")
	send(k.open, prometheus.GaugeValue, float64(now.Open.Breached), "breached")
	age := 0.0
	if now.Oldest != nil {
		age = k.shown.now.Sub(now.Oldest.Started).Seconds()
	}
	send(k.oldest, prometheus.GaugeValue, age)
	for i, w := range windows {
		met, breached := sum(k.shown.windows[i], tallies(d, severity, k.shown.windows[i]))
		share := kpi.Share{Part: int(met), Total: int(met+breached) + now.Open.Breached}
		if ratio, ok := share.Ratio(); ok {
			send(k.attainment, prometheus.GaugeValue, ratio, w.name)
		}
	}
}

func sum(all map[store.Tally]map[kpi.Outcome]int64, of []store.Tally) (met, breached int64) {
	for _, t := range of {
		met += all[t][kpi.Met]
		breached += all[t][kpi.Breached]
	}
	return met, breached
}
