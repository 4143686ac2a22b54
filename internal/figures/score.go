package figures

import (
	"context"

	"github.com/maisonrmi/sopd/internal/score"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/prometheus/client_golang/prometheus"
)

// ScoreOptions are what the score is drawn from.
type ScoreOptions struct {
	Store *store.Store
	// Tallies returns the score of each system that is only observed. Systems are those of the policies, a closed set.
	Tallies func(*store.Tx) (map[string]score.Tally, error)
}

// Scores is a collector of how far people and sopd agree where it only observes. Register it once.
type Scores struct {
	ctx     context.Context // ends when the program stops
	options ScoreOptions

	decisions, agreement *prometheus.Desc
}

// NewScores returns the collector. Its reads end with the context.
func NewScores(ctx context.Context, o ScoreOptions) *Scores {
	return &Scores{
		ctx: ctx, options: o,
		decisions: prometheus.NewDesc("sopd_observe_decisions",
			"What sopd would have done where it only observes and what people did, by what came of it.", []string{"system", "outcome"}, nil),
		agreement: prometheus.NewDesc("sopd_observe_agreement_ratio",
			"Share of what is decided in which people did what sopd would have done; none while nothing is decided.", []string{"system"}, nil),
	}
}

// Describe sends the descriptions of the figures.
func (s *Scores) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.decisions
	ch <- s.agreement
}

// Collect reads the store. Where it cannot be read there are no figures, and sopd_store_up says so.
func (s *Scores) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(s.ctx, readTime)
	defer cancel()
	var tallies map[string]score.Tally
	err := s.options.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		tallies, err = s.options.Tallies(tx)
		return err
	})
	if err != nil {
		return
	}
	for system, t := range tallies {
		for _, outcome := range score.Outcomes() {
			ch <- prometheus.MustNewConstMetric(s.decisions, prometheus.GaugeValue, float64(t[outcome]), system, string(outcome))
		}
		if ratio, ok := t.Agreement(); ok {
			ch <- prometheus.MustNewConstMetric(s.agreement, prometheus.GaugeValue, ratio, system)
		}
	}
}
