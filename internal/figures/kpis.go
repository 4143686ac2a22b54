package figures

import (
	"cmp"
	"context"
	"maps"
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

// windows are the periods of sopd_kpi_attainment_ratio.
var windows = [...]struct {
	name string
	days int
}{{"30d", 30}, {"90d", 90}, {"365d", 365}}

// KPIs exports how the promises of the policies are kept. Its figures are computed from the recorded facts, so they
// survive a restart and a late fact corrects them. The zero severity is shown as "all".
type KPIs struct {
	clocks []kpi.Definition

	target, completed, open, oldest, attainment *prometheus.Desc

	mu       sync.Mutex
	promises []Promise
	now      time.Time
	hist     []prometheus.Histogram
	facts    int // how many the histograms were made of
}

// NewKPIs registers the figures for the clocks.
func NewKPIs(r prometheus.Registerer, clocks []kpi.Definition) *KPIs {
	labels := []string{"sop", "kpi", "severity"}
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("sopd_kpi_"+name, help, append(slices.Clone(labels), more...), nil)
	}
	k := &KPIs{
		clocks:     clocks,
		target:     desc("target_seconds", "What is promised, in seconds of the clock's calendar; a business day is the calendar's usual day."),
		completed:  desc("completed_total", "Cycles of the clock that ended, by how.", "outcome"),
		open:       desc("open", "Cycles of the clock that are under way, by how they stand.", "state"),
		oldest:     desc("oldest_open_seconds", "Age of the oldest cycle under way, by the wall clock; 0 with none."),
		attainment: desc("attainment_ratio", "Share of promises kept in the window, open breaches counted; absent when there was none.", "window"),
	}
	r.MustRegister(k)
	return k
}

// Update computes the figures anew from the store.
func (k *KPIs) Update(ctx context.Context, s *store.Store) error {
	facts, err := ReadFacts(ctx, s)
	if err != nil {
		return err
	}
	now := s.Now()
	promises := Promises(k.clocks, facts, now)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.hist == nil || len(facts) != k.facts {
		k.hist = histograms(promises) // facts are only ever added, also by corrections
	}
	k.promises, k.now, k.facts = promises, now, len(facts)
	return nil
}

func histograms(promises []Promise) []prometheus.Histogram {
	var all []prometheus.Histogram
	for _, p := range promises {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sopd_kpi_duration_seconds",
			Help: "How long ended cycles took, in seconds of the clock's calendar; bounds at the promised limits.",
			ConstLabels: prometheus.Labels{
				"sop": p.Definition.SOP, "kpi": p.Definition.Name, "severity": severityLabel(p.Severity),
			},
			Buckets: p.Definition.Buckets(), NativeHistogramBucketFactor: 1.1,
		})
		for _, c := range p.Cycles {
			observe(h, c)
		}
		all = append(all, h)
	}
	return all
}

// observe counts an ended cycle, with its change ID as exemplar.
func observe(h prometheus.Histogram, c kpi.Cycle) {
	if c.Open() || !c.Counted() || c.State == kpi.Cancelled {
		return
	}
	exemplar, ok := h.(prometheus.ExemplarObserver)
	if c.Change == "" || !ok {
		h.Observe(c.Elapsed.Seconds())
		return
	}
	exemplar.ObserveWithExemplar(c.Elapsed.Seconds(), prometheus.Labels{"change_id": c.Change})
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

// Collect sends the figures as they were last computed.
func (k *KPIs) Collect(ch chan<- prometheus.Metric) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.hist {
		h.Collect(ch)
	}
	for _, p := range k.promises {
		k.collect(ch, p)
	}
}

func (k *KPIs) collect(ch chan<- prometheus.Metric, p Promise) {
	labels := []string{p.Definition.SOP, p.Definition.Name, severityLabel(p.Severity)}
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, append(slices.Clone(labels), more...)...)
	}
	on := p.Definition.Calendar
	if on == nil {
		on = calendar.Always()
	}
	send(k.target, prometheus.GaugeValue, p.Target.Nominal(on).Seconds())
	ever := kpi.Summarise(p.Cycles, kpi.Period{To: k.now.Add(time.Microsecond)}, k.now)
	send(k.completed, prometheus.CounterValue, float64(ever.Met), string(kpi.Met))
	send(k.completed, prometheus.CounterValue, float64(ever.Breached), string(kpi.Breached))
	send(k.open, prometheus.GaugeValue, float64(ever.Open.OnTrack), "on_track")
	send(k.open, prometheus.GaugeValue, float64(ever.Open.AtRisk), "at_risk")
	send(k.open, prometheus.GaugeValue, float64(ever.Open.Breached), "breached")
	age := 0.0
	if ever.Oldest != nil {
		age = k.now.Sub(ever.Oldest.Started).Seconds()
	}
	send(k.oldest, prometheus.GaugeValue, age)
	for _, w := range windows {
		s := kpi.Summarise(p.Cycles, kpi.Period{From: k.now.AddDate(0, 0, -w.days), To: k.now.Add(time.Microsecond)}, k.now)
		if ratio, ok := s.Attainment.Ratio(); ok {
			send(k.attainment, prometheus.GaugeValue, ratio, w.name)
		}
	}
}
