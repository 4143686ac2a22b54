// Package pagers lets the comparison of two pagers take part in every pass, while an organisation crosses from one to the
// other: what they say differently becomes findings.
package pagers

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// Finding says that the two pagers do not say the same.
const Finding finding.Kind = "pager-disagreement"

// Compare returns what the pagers disagree on.
type Compare func(ctx context.Context, now time.Time) ([]crossing.Disagreement, error)

// Stage compares the pagers. Make it with [New]; one goroutine at a time.
type Stage struct {
	compare Compare
	every   time.Duration

	compared time.Time // zero: not yet
	found    []crossing.Disagreement
}

// New returns a stage that compares at most once in every. In between, and while the pagers cannot be compared, what was
// found before stands.
func New(compare Compare, every time.Duration) *Stage { return &Stage{compare: compare, every: every} }

// Name tells the stage from the others.
func (s *Stage) Name() string { return "pagers" }

// Kinds lists the kinds of finding that the stage raises.
func (s *Stage) Kinds() []finding.Kind { return []finding.Kind{Finding} }

// Observe compares the pagers when it is time.
func (s *Stage) Observe(ctx context.Context, w reconcile.Round) error {
	if !s.compared.IsZero() && w.Now.Sub(s.compared) < s.every {
		return nil
	}
	found, err := s.compare(ctx, w.Now)
	if err != nil {
		return fmt.Errorf("comparing: %w", err)
	}
	s.compared, s.found = w.Now, found
	return nil
}

// Demand returns nothing: a disagreement decides nothing about access.
func (s *Stage) Demand(*store.Tx, time.Time) (reconcile.Demand, error) {
	return reconcile.Demand{}, nil
}

// titles say what each kind of disagreement is.
func titles() map[crossing.Kind]string {
	return map[crossing.Kind]string{
		crossing.OnCall:       "the two pagers name different people on call",
		crossing.Person:       "somebody on call is not known, so that nobody can tell whether the two pagers agree",
		crossing.Schedule:     "a schedule is not the same in the two pagers",
		crossing.Unread:       "who is on call could not be read in one of the two pagers",
		crossing.OpenAlert:    "alerts are open in one of the two pagers only",
		crossing.Acknowledged: "alerts are acknowledged in one of the two pagers only",
	}
}

// named bounds how many aliases a finding names.
const named = 5

// Conclude returns one finding for each schedule, and one for all alerts of a kind: the page for a finding is an alert itself,
// which the other side does not have yet.
func (s *Stage) Conclude(*store.Tx, reconcile.Round) ([]finding.Finding, error) {
	var all []finding.Finding
	for _, kind := range crossing.Kinds() {
		var names []string
		for _, d := range s.found {
			if d.Kind == kind {
				names = append(names, d.What)
			}
		}
		switch {
		case len(names) == 0:
		case kind == crossing.OpenAlert, kind == crossing.Acknowledged:
			all = append(all, s.finding(kind, "", names))
		default:
			for _, name := range names {
				all = append(all, s.finding(kind, name, []string{name}))
			}
		}
	}
	return all, nil
}

func (s *Stage) finding(kind crossing.Kind, about string, names []string) finding.Finding {
	f := finding.Finding{
		Key: finding.Key("pager-disagreement/" + string(kind) + "/" + about), Kind: Finding, Title: titles()[kind], Raised: s.compared, Priority: 3,
		Detail: map[string]string{"what": string(kind), "count": strconv.Itoa(len(names)), "names": strings.Join(names[:min(named, len(names))], ", ")},
	}
	if kind == crossing.OnCall || kind == crossing.Schedule {
		f.Priority = 2 // somebody may not be woken
	}
	return f
}
