package store

import (
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// markStale notes that the cycles of the subject have to be computed anew.
func (t *Tx) markStale(subject string) error {
	_, err := t.exec("INSERT INTO stale_subjects (subject) VALUES ($1) ON CONFLICT DO NOTHING", subject)
	return err
}

// StaleSubjects returns at most limit subjects whose cycles are not those of their facts, after the given one in order.
func (t *Tx) StaleSubjects(after string, limit int) ([]string, error) {
	return column[string](t, "SELECT subject FROM stale_subjects WHERE "+t.binary("subject")+" > $1 ORDER BY "+t.binary("subject")+" LIMIT $2", after, limit)
}

// AllStale marks every subject as stale and forgets the figures: the definitions of the clocks have changed.
func (t *Tx) AllStale() error {
	for _, statement := range []string{
		"INSERT INTO stale_subjects (subject) SELECT DISTINCT subject FROM facts WHERE subject NOT IN (SELECT subject FROM stale_subjects)",
		"DELETE FROM kpi_days", "DELETE FROM kpi_spread", "DELETE FROM cycles",
	} {
		if _, err := t.exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// Fresh notes that the cycles of the subject are those of its facts.
func (t *Tx) Fresh(subject string) error {
	_, err := t.exec("DELETE FROM stale_subjects WHERE subject = $1", subject)
	return err
}

// Cycles returns the cycles of the subject as they were last kept, ordered by SOP, KPI and number.
func (t *Tx) Cycles(subject string) ([]kpi.Cycle, error) {
	return docs[kpi.Cycle](t, "SELECT doc FROM cycles WHERE subject = $1 ORDER BY "+t.binary("sop")+", "+t.binary("kpi")+", number", subject)
}

// Tally is the promise that a counted cycle belongs to.
type Tally struct {
	SOP      string // that makes the promise
	KPI      string // name of the clock
	Severity string // as the facts gave it, empty for none
}

// Cell is where an ended cycle is counted.
type Cell struct {
	Tally
	Day     int64       // of the end, in days since 1970 in UTC
	Outcome kpi.Outcome // met or breached
	Bound   int64       // index of the histogram's bound that it falls under
	Native  int64       // index of its bucket in the native histogram
}

// Ended is ended cycles of one cell, and the taking back of others.
type Ended struct {
	Cell
	N      int64         // how many more, negative for fewer
	Micros int64         // how much more they took together, in microseconds
	Change string        // a change ID for the exemplar, empty for none
	Took   time.Duration // of the cycle with that change ID
}

// Count adds ended cycles to the figures.
func (t *Tx) Count(e Ended) error {
	_, err := t.exec(`INSERT INTO kpi_days (sop, kpi, severity, day, outcome, n) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (sop, kpi, severity, day, outcome) DO UPDATE SET n = kpi_days.n + excluded.n`,
		e.SOP, e.KPI, e.Severity, e.Day, string(e.Outcome), e.N)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO kpi_spread (sop, kpi, severity, bound, native, n, total, change_id, took) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (sop, kpi, severity, bound, native) DO UPDATE SET n = kpi_spread.n + excluded.n, total = kpi_spread.total + excluded.total,
			change_id = CASE WHEN excluded.change_id <> '' THEN excluded.change_id ELSE kpi_spread.change_id END,
			took = CASE WHEN excluded.change_id <> '' THEN excluded.took ELSE kpi_spread.took END`,
		e.SOP, e.KPI, e.Severity, e.Bound, e.Native, e.N, e.Micros, e.Change, e.Took.Microseconds())
	return err
}

// CompletedSince returns how many cycles of each promise ended on or after the day, by outcome.
func (t *Tx) CompletedSince(day int64) (map[Tally]map[kpi.Outcome]int64, error) {
	out := make(map[Tally]map[kpi.Outcome]int64)
	err := t.rows(func(scan func(...any) error) error {
		var k Tally
		var outcome string
		var n int64
		if err := scan(&k.SOP, &k.KPI, &k.Severity, &outcome, &n); err != nil {
			return t.store.cause("read", err)
		}
		if out[k] == nil {
			out[k] = make(map[kpi.Outcome]int64)
		}
		out[k][kpi.Outcome(outcome)] = n
		return nil
	}, "SELECT sop, kpi, severity, outcome, CAST(SUM(n) AS BIGINT) FROM kpi_days WHERE day >= $1 GROUP BY sop, kpi, severity, outcome", day)
	return out, err
}

// Spread is one cell of the histogram of a promise.
type Spread struct {
	Tally
	Bound  int64         // as in [Cell]
	Native int64         // as in [Cell]
	N      int64         // how many cycles
	Micros int64         // sum of what they took, in microseconds
	Change string        // of the last cycle that had one
	Took   time.Duration // of that cycle
}

// Spreads returns every cell of every histogram that holds something.
func (t *Tx) Spreads() ([]Spread, error) {
	var all []Spread
	err := t.rows(func(scan func(...any) error) error {
		var s Spread
		var took int64
		if err := scan(&s.SOP, &s.KPI, &s.Severity, &s.Bound, &s.Native, &s.N, &s.Micros, &s.Change, &took); err != nil {
			return t.store.cause("read", err)
		}
		s.Took = time.Duration(took) * time.Microsecond
		all = append(all, s)
		return nil
	}, "SELECT sop, kpi, severity, bound, native, n, total, change_id, took FROM kpi_spread WHERE n > 0")
	return all, err
}
