package kpi

import (
	"slices"
	"time"
)

// Period is the half-open time from From to To.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// contains reports whether t lies in the period.
func (p Period) contains(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// Share is a share in whole numbers: Part of Total. Of nothing there is no share: Total is 0 then.
type Share struct {
	Part  int `json:"part"`
	Total int `json:"total"`
}

// Ratio returns the share as a number from 0 to 1; false when Total is 0.
func (s Share) Ratio() (float64, bool) {
	if s.Total == 0 {
		return 0, false
	}
	return float64(s.Part) / float64(s.Total), true
}

// OpenCount counts open cycles, each in one of the first three.
type OpenCount struct {
	OnTrack  int `json:"onTrack"`  // before every warning point
	AtRisk   int `json:"atRisk"`   // past a warning point, not past the limit
	Breached int `json:"breached"` // past the limit
	Paused   int `json:"paused"`   // how many of all the above are paused
}

// Summary is how a promise went in a period: as it stood at the end of the period, or at now when that is earlier.
type Summary struct {
	Period Period    `json:"period"`
	At     time.Time `json:"at"` // the instant as of which open cycles are counted
	// Met and Breached count the cycles that ended in the period.
	Met      int       `json:"met"`
	Breached int       `json:"breached"`
	Open     OpenCount `json:"open"` // at At
	// Attainment is Met of Met, Breached and the open cycles that are breached: what is past due counts before it ends.
	Attainment Share `json:"attainment"`
	Cancelled  int   `json:"cancelled"` // ended in the period without a result; in no other count
	// Uncounted is the cycles that [Cycle.Counted] keeps out and that ended in the period or were open at its end.
	Uncounted int `json:"uncounted"`
	// Flagged is the cycles with any flag among all those of the counts above.
	Flagged int `json:"flagged"`
	// Median and P95 are of Elapsed over Met and Breached, by nearest rank: the smallest value that at least half, or 95
	// in a hundred, of the values do not exceed. Zero when there are none.
	Median time.Duration `json:"medianNanoseconds"`
	P95    time.Duration `json:"p95Nanoseconds"`
	// Oldest is the open cycle that started first, Next the running one that is next to breach; nil when there is none.
	Oldest *Cycle `json:"oldest,omitempty"`
	Next   *Cycle `json:"next,omitempty"`
}

// Summarise counts cycles, computed as of now, over the period. Cycles of several severities or clocks may be given
// together; their order makes no difference, but between cycles that tie.
func Summarise(cycles []Cycle, period Period, now time.Time) Summary {
	s := Summary{Period: period, At: period.To}
	if now.Before(period.To) {
		s.At = now
	}
	sorted := slices.Clone(cycles)
	slices.SortStableFunc(sorted, compareCycles)
	var elapsed []time.Duration
	for i := range sorted {
		c := &sorted[i]
		ended := !c.Stopped.IsZero() && period.contains(c.Stopped) && !c.Stopped.After(s.At)
		switch {
		case ended && s.end(c):
			elapsed = append(elapsed, c.Elapsed)
		case !ended && c.openAt(s.At) && c.began().Before(period.To):
			s.open(c)
		}
	}
	slices.Sort(elapsed)
	s.Median, s.P95 = nearestRank(elapsed, 50), nearestRank(elapsed, 95)
	s.Attainment = Share{Part: s.Met, Total: s.Met + s.Breached + s.Open.Breached}
	return s
}

// began returns the start; of a cycle without one, its first fact.
func (c Cycle) began() time.Time {
	if c.Started.IsZero() && len(c.Trail) > 0 {
		return c.Trail[0].At
	}
	return c.Started
}

// openAt reports whether a cycle that has not ended before t had begun by t. An end at t itself is the next period's.
func (c Cycle) openAt(t time.Time) bool {
	ended := !c.Stopped.IsZero() && c.Stopped.Before(t)
	return !ended && !c.began().After(t) && !slices.Contains(c.Flags, EndBeforeStart)
}

// end counts a cycle that ended in the period, and reports whether its time counts.
func (s *Summary) end(c *Cycle) bool {
	s.flag(c)
	switch {
	case !c.Counted():
		s.Uncounted++
	case c.State == Cancelled:
		s.Cancelled++
	case c.Outcome == Met:
		s.Met++
		return true
	default:
		s.Breached++
		return true
	}
	return false
}

// open counts a cycle that was open at s.At, whatever came after.
func (s *Summary) open(c *Cycle) {
	s.flag(c)
	if !c.Counted() {
		s.Uncounted++
		return
	}
	by := func(t time.Time) bool { return !t.IsZero() && t.Before(s.At) }
	paused := slices.ContainsFunc(c.Pauses, func(p Span) bool {
		return !p.From.After(s.At) && (p.To.IsZero() || p.To.After(s.At))
	})
	if paused {
		s.Open.Paused++
	}
	if s.Oldest == nil || c.Started.Before(s.Oldest.Started) {
		s.Oldest = c
	}
	switch {
	case by(c.Overdue):
		s.Open.Breached++
		return
	case !c.AtRisk.IsZero() && !c.AtRisk.After(s.At):
		s.Open.AtRisk++
	default:
		s.Open.OnTrack++
	}
	if !paused && !c.Due.IsZero() && (s.Next == nil || c.Due.Before(s.Next.Due)) {
		s.Next = c
	}
}

// flag counts a cycle with flags.
func (s *Summary) flag(c *Cycle) {
	if len(c.Flags) > 0 {
		s.Flagged++
	}
}

// nearestRank returns the percentile of sorted values: the one at rank ceil(percent/100 x n), counted from 1.
func nearestRank(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (percent*len(sorted) + 99) / 100
	return sorted[max(rank, 1)-1]
}
