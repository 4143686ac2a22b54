package store

import (
	"fmt"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// PutFacts keeps facts and returns those that were not known before, in the given order. The same ID is the same fact, and
// the first stays: facts are never edited.
//
// Errors: [access.ErrInvalid] for a fact without an ID.
func (t *Tx) PutFacts(facts []kpi.Fact) (fresh []kpi.Fact, err error) {
	for _, f := range facts {
		if f.ID == "" {
			return nil, fmt.Errorf("fact %s without an ID: %w", f.Name, access.ErrInvalid)
		}
		text, err := toDoc(f)
		if err != nil {
			return nil, err
		}
		n, err := t.exec(`INSERT INTO facts (id, subject, name, at, recorded, doc) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT DO NOTHING`, f.ID, f.Subject, f.Name, micros(f.At), micros(f.Recorded), text)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		fresh = append(fresh, f)
		if err := t.markStale(f.Subject); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// Facts returns what is known of the subject, in the order in which it happened, then by ID.
func (t *Tx) Facts(subject string) ([]kpi.Fact, error) {
	return docs[kpi.Fact](t, "SELECT doc FROM facts WHERE subject = $1 ORDER BY at, "+t.binary("id"), subject)
}

// EachFact calls fn for every fact, ordered by subject, then by when it happened, then by ID. fn must not use the
// transaction.
//
// Errors: what fn returns.
func (t *Tx) EachFact(fn func(kpi.Fact) error) error {
	return eachDoc(t, fn, "SELECT doc FROM facts ORDER BY "+t.binary("subject")+", at, "+t.binary("id"))
}

// PutCycles replaces the cycles of the subject by those that its facts give now: a projection, kept so that figures need
// not be computed from all facts again.
//
// Errors: [access.ErrInvalid] for a cycle of another subject.
func (t *Tx) PutCycles(subject string, cycles []kpi.Cycle) error {
	rows := make([][]any, 0, len(cycles))
	for _, c := range cycles {
		if c.Subject != subject {
			return fmt.Errorf("cycle of another subject: %w", access.ErrInvalid)
		}
		text, err := toDoc(c)
		if err != nil {
			return err
		}
		rows = append(rows, []any{subject, c.SOP, c.KPI, c.Number, flag(c.Open()), text})
	}
	if _, err := t.exec("DELETE FROM cycles WHERE subject = $1", subject); err != nil {
		return err
	}
	return t.insertMany("INSERT INTO cycles (subject, sop, kpi, number, open, doc) VALUES ", rows, "")
}

// EachCycle calls fn for every cycle, ordered by subject, SOP, KPI and number. fn must not use the transaction.
//
// Errors: what fn returns.
func (t *Tx) EachCycle(fn func(kpi.Cycle) error) error {
	return eachDoc(t, fn, "SELECT doc FROM cycles ORDER BY "+t.binary("subject")+", "+t.binary("sop")+", "+t.binary("kpi")+", number")
}

// EachOpenCycle is [Tx.EachCycle] for cycles that have not ended, at a cost that does not grow with those that have.
//
// Errors: what fn returns.
func (t *Tx) EachOpenCycle(fn func(kpi.Cycle) error) error {
	return eachDoc(t, fn, "SELECT doc FROM cycles WHERE open = 1 ORDER BY "+t.binary("subject")+", "+t.binary("sop")+", "+t.binary("kpi")+", number")
}
