package figures

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// cursorClocks holds the fingerprint of the clocks that the stored cycles were computed with.
const cursorClocks = "kpi.clocks"

// projectBatch is how many subjects are computed in one transaction: some tens of milliseconds.
const projectBatch = 500

// Refresh brings the stored cycles and figures up to date with the recorded facts: only subjects that have something new,
// or all of them when the clocks are defined differently than before. It works in transactions of its own.
func Refresh(ctx context.Context, s *store.Store, clocks []kpi.Definition) error {
	var other, due bool
	err := s.Read(ctx, func(tx *store.Tx) error {
		var err error
		other, due, err = stale(tx, clocks)
		return err
	})
	if err == nil && other {
		err = s.Write(ctx, func(tx *store.Tx) error { return renew(tx, clocks) })
	}
	if err != nil || !due && !other {
		return err
	}
	after := ""
	for more := true; more && err == nil; {
		err = s.Write(ctx, func(tx *store.Tx) error {
			var err error
			after, more, err = project(tx, clocks, after)
			return err
		})
	}
	return err
}

// stale reports whether the clocks are defined differently than before, and whether any subject has to be computed: most
// often neither is so, and then nothing is written.
func stale(tx *store.Tx, clocks []kpi.Definition) (other, due bool, err error) {
	was, _, _, err := tx.Cursor(cursorClocks)
	if err != nil {
		return false, false, err
	}
	subjects, err := tx.StaleSubjects("", 1)
	return string(was) != fingerprint(clocks), len(subjects) > 0, err
}

// Project is [Refresh] for what has become stale in the transaction under way, in one batch; the rest is left.
func Project(tx *store.Tx, clocks []kpi.Definition) error {
	if err := renew(tx, clocks); err != nil {
		return err
	}
	_, _, err := project(tx, clocks, "")
	return err
}

// renew forgets all cycles when the clocks have changed.
func renew(tx *store.Tx, clocks []kpi.Definition) error {
	print := access.Cursor(fingerprint(clocks))
	was, _, _, err := tx.Cursor(cursorClocks)
	if err != nil || was == print {
		return err
	}
	if was != "" {
		if err := tx.AllStale(); err != nil {
			return err
		}
	}
	return tx.SetCursor(cursorClocks, print, tx.Now())
}

// fingerprint tells definitions apart that give other figures.
func fingerprint(clocks []kpi.Definition) string {
	type line struct {
		kpi.Definition
		Calendar string
		Targets  map[string]string
		Hours    []string
	}
	var lines []line
	for _, d := range clocks {
		l := line{Definition: d, Targets: make(map[string]string)}
		for severity, t := range d.Targets {
			l.Targets[severity] = t.String()
		}
		if d.Calendar != nil {
			l.Calendar = d.Calendar.Name() + " " + d.Calendar.Zone()
			for month := range 24 { // two years of working time tell one set of hours from another well enough
				from := time.Date(2026, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC)
				l.Hours = append(l.Hours, d.Calendar.Between(from, from.AddDate(0, 1, 0)).String())
			}
		}
		l.Definition.Calendar, l.Definition.Targets = nil, nil
		lines = append(lines, l)
	}
	text, err := json.Marshal(lines)
	if err != nil {
		panic("figures: marshal of clocks: " + err.Error()) // structs of texts always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// project computes one batch of stale subjects. more says whether there may be others after the last.
func project(tx *store.Tx, clocks []kpi.Definition, after string) (last string, more bool, err error) {
	subjects, err := tx.StaleSubjects(after, projectBatch)
	if err != nil {
		return "", false, err
	}
	counts := make(counting)
	for _, subject := range subjects {
		if err := projectSubject(tx, clocks, subject, counts); err != nil {
			return "", false, err
		}
		last = subject
	}
	return last, len(subjects) == projectBatch, counts.keep(tx)
}

// counting gathers what a batch changes in the figures: many cycles fall into few cells.
type counting map[store.Cell]store.Ended

// take counts the cycles that have ended, or takes them back with -1.
func (n counting) take(clocks []kpi.Definition, cycles []kpi.Cycle, sign int64) {
	for _, c := range cycles {
		i := slices.IndexFunc(clocks, func(d kpi.Definition) bool { return d.SOP == c.SOP && d.Name == c.KPI })
		if i >= 0 && c.Ended() {
			n.add(clocks[i], c, sign)
		}
	}
}

func (n counting) add(d kpi.Definition, c kpi.Cycle, sign int64) {
	cell := store.Cell{
		Tally: store.Tally{SOP: c.SOP, KPI: c.KPI, Severity: c.Severity}, Day: day(c.Stopped), Outcome: c.Outcome,
		Bound: int64(d.Bound(c.Elapsed)), Native: nativeBucket(c.Elapsed.Seconds()),
	}
	e := n[cell]
	e.Cell, e.N, e.Micros = cell, e.N+sign, e.Micros+sign*c.Elapsed.Microseconds()
	if sign > 0 && c.Change != "" {
		e.Change, e.Took = c.Change, c.Elapsed
	}
	n[cell] = e
}

// keep writes what was gathered, in an order that does not depend on the run.
func (n counting) keep(tx *store.Tx) error {
	all := slices.SortedFunc(maps.Values(n), func(a, b store.Ended) int {
		return cmp.Or(cmp.Compare(a.SOP, b.SOP), cmp.Compare(a.KPI, b.KPI), cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Day, b.Day), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Bound, b.Bound), cmp.Compare(a.Native, b.Native))
	})
	for _, e := range all {
		if e.N == 0 && e.Micros == 0 && e.Change == "" {
			continue
		}
		if err := tx.Count(e); err != nil {
			return err
		}
	}
	return nil
}

// projectSubject computes the cycles of one subject, corrects the figures by what changed, and records the change of a
// figure that had been final.
func projectSubject(tx *store.Tx, clocks []kpi.Definition, subject string, counts counting) error {
	now := tx.Now()
	facts, err := tx.Facts(subject)
	if err != nil {
		return err
	}
	before, err := tx.Cycles(subject)
	if err != nil {
		return err
	}
	var after []kpi.Cycle
	for _, d := range clocks {
		after = append(after, kpi.Compute(d, facts, now)...)
	}
	counts.take(clocks, before, -1)
	counts.take(clocks, after, 1)
	if err := recordCorrections(tx, subject, before, after); err != nil {
		return err
	}
	if err := tx.PutCycles(subject, after); err != nil {
		return err
	}
	if slices.ContainsFunc(facts, func(f kpi.Fact) bool { return f.At.After(now) }) {
		return nil // it has to be computed again when that has happened
	}
	return tx.Fresh(subject)
}

// day returns the day of an instant, in days since 1970 in UTC.
func day(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / (24 * 60 * 60))) }

// correction is the body of a ledger record that tells how figures that were final have changed.
type correction struct {
	Subject string           `json:"subject"`
	Changes []kpi.Difference `json:"changes"`
}

// recordCorrections records how the figures of cycles that had ended changed, and which facts changed them. A cycle that
// goes on, or is new, is no correction.
func recordCorrections(tx *store.Tx, subject string, before, after []kpi.Cycle) error {
	var changed []kpi.Difference
	for _, b := range before {
		if b.Open() {
			continue
		}
		same := func(c kpi.Cycle) bool { return c.SOP == b.SOP && c.KPI == b.KPI && c.Number == b.Number }
		var now []kpi.Cycle
		if i := slices.IndexFunc(after, same); i >= 0 {
			now = after[i : i+1]
		}
		for _, d := range kpi.Differences([]kpi.Cycle{b}, now) {
			d.Figure = b.SOP + "/" + b.KPI + " " + d.Figure
			changed = append(changed, d)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	_, err := tx.Append(ledger.Entry{Kind: ledger.FiguresChanged, At: tx.Now(), Body: correction{Subject: subject, Changes: changed}})
	return err
}
