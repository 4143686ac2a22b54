package figures

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Passes shows whether the loop itself is alive. The last attempt and the last success are two figures: a loop that
// attempts and never succeeds is blind.
type Passes struct {
	attempt, success prometheus.Gauge
	duration         prometheus.Histogram
	results          *prometheus.CounterVec
	memberships      *prometheus.GaugeVec
}

// NewPasses registers the figures, one series for each result.
func NewPasses(r prometheus.Registerer, results []string) *Passes {
	p := &Passes{
		attempt: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sopd_pass_last_attempt_timestamp_seconds", Help: "When a pass last began."}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sopd_pass_last_success_timestamp_seconds", Help: "When a pass last ended that had read everything; 0 before the first."}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sopd_pass_duration_seconds", Help: "How long passes take.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}, NativeHistogramBucketFactor: 1.1}),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sopd_passes_total", Help: "Passes by result."}, []string{"result"}),
		memberships: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sopd_memberships", Help: "Memberships of managed groups by what speaks for them, as the last pass saw them."}, []string{"state"}),
	}
	r.MustRegister(p.attempt, p.success, p.duration, p.results, p.memberships)
	for _, result := range results {
		p.results.WithLabelValues(result)
	}
	for _, state := range []string{"granted", "baseline", "drift", "foreign"} {
		p.memberships.WithLabelValues(state)
	}
	return p
}

// Pass is one round of the loop, for its figures.
type Pass struct {
	Began, Ended time.Time
	Result       string // one of those that the figures were made with
	// Succeeded: everything was read. A pass that a guard stopped has succeeded: it sees.
	Succeeded bool
	// Memberships by state; nil when the pass did not get that far.
	Memberships map[string]int
}

// Record counts a pass.
func (p *Passes) Record(pass Pass) {
	p.attempt.Set(seconds(pass.Began))
	p.results.WithLabelValues(pass.Result).Inc()
	if !pass.Ended.IsZero() {
		p.duration.Observe(pass.Ended.Sub(pass.Began).Seconds())
	}
	if pass.Succeeded {
		p.success.Set(seconds(pass.Ended))
	}
	for state, n := range pass.Memberships {
		p.memberships.WithLabelValues(state).Set(float64(n))
	}
}
