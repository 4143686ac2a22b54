package kpi

import (
	"slices"
	"time"
)

// Buckets returns the upper bounds, in seconds, for a histogram of how long a promise with these limits took: each limit
// itself, so that the share kept can be read off exactly (a bound counts what is at most it, as met does), a quarter, a
// half and three quarters of it, and half as much again, twice and four times it. Sorted, each once.
func Buckets(limits ...time.Duration) []float64 {
	var out []float64
	for _, limit := range limits {
		if limit <= 0 {
			continue
		}
		for _, quarters := range []time.Duration{1, 2, 3, 4, 6, 8, 16} {
			out = append(out, (limit * quarters / 4).Seconds())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Buckets returns the bounds for the histogram of the clock, see [Buckets]. The limit of a target in business days is its
// [Target.Nominal].
func (d Definition) Buckets() []float64 {
	var limits []time.Duration
	for _, t := range d.Targets {
		limits = append(limits, t.Nominal(d.calendar()))
	}
	return Buckets(limits...)
}
