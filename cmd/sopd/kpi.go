package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/spf13/cobra"
)

// kpiPeriod is what sopd kpi looks back on.
const kpiPeriod = 90 * 24 * time.Hour

// kpiLine is one promise and how it was kept.
type kpiLine struct {
	SOP        string     `json:"sop"`
	KPI        string     `json:"kpi"`
	Severity   string     `json:"severity"`
	Target     string     `json:"target"`
	Met        int        `json:"met"`
	Breached   int        `json:"breached"`
	OnTrack    int        `json:"on_track"`
	AtRisk     int        `json:"at_risk"`
	Overdue    int        `json:"overdue"`
	Median     float64    `json:"median_seconds"`
	P95        float64    `json:"p95_seconds"`
	Attainment *float64   `json:"attainment,omitempty"`
	Kept       int        `json:"kept"` // of Measured
	Measured   int        `json:"measured"`
	Backfilled int        `json:"backfilled"` // of the cycles counted here, those that began before sopd
	Next       *dueCycle  `json:"next,omitempty"`
	Late       []dueCycle `json:"late"` // the open ones that are overdue, the first that was due first
	Changes    []string   `json:"change_ids"`
	Coverage   *coverage  `json:"coverage,omitempty"` // set for a share of tickets, which has no times
}

// coverage is the share of tickets that have everything that their procedure asks for, and what the others lack.
type coverage struct {
	Complete int       `json:"complete"`
	Total    int       `json:"total"`
	Lacking  []lacking `json:"lacking"`
}

type lacking struct {
	Ticket  string   `json:"ticket"`
	Missing []string `json:"missing"`
}

// dueCycle is a cycle that is open, when it is or was due, and who has to act.
type dueCycle struct {
	Subject string    `json:"subject"`
	Due     time.Time `json:"due"`
	Waiting string    `json:"waiting_for"`
}

func newKPICommand(c console) *cobra.Command {
	var asJSON, verify bool
	cmd := &cobra.Command{
		Use:   "kpi",
		Short: "Show how every promise was kept in the last 90 days",
		Long: "Show each promise with its target, how often it was met and breached in the last 90 days, what is open, and what\n" +
			"is next to breach and for whom it waits. The figures are computed from the recorded facts.\n\n" +
			"With --verify every stored figure is computed again from the ledger alone; exit code 5 when one differs.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, set, err := load(cmd.Context(), c)
			if err != nil {
				return err
			}
			s, err := openStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			if verify {
				return verifyKPIs(cmd.Context(), c, s, set, asJSON)
			}
			lines, err := kpiLines(cmd.Context(), s, set)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.Out, lines)
			}
			return printKPIs(c.Out, lines)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&verify, "verify", false, "compute every stored figure again from the ledger and compare")
	return cmd
}

func kpiLines(ctx context.Context, s *store.Store, set *policies.Set) ([]kpiLine, error) {
	facts, err := figures.ReadFacts(ctx, s)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	period := kpi.Period{From: now.Add(-kpiPeriod), To: now.Add(time.Microsecond)}
	lines := []kpiLine{}
	for _, p := range figures.Promises(set.Clocks, facts, now) {
		lines = append(lines, lineOf(p, kpi.Summarise(p.Cycles, period, now)))
	}
	shares, err := coverageLines(ctx, s, set)
	return append(lines, shares...), err
}

// coverageLines returns a line for every share of tickets.
func coverageLines(ctx context.Context, s *store.Store, set *policies.Set) ([]kpiLine, error) {
	var lines []kpiLine
	err := s.Read(ctx, func(tx *store.Tx) error {
		shares, err := tx.Coverage()
		if err != nil {
			return err
		}
		open, err := tx.ProceedingsLacking()
		if err != nil {
			return err
		}
		for _, p := range set.Procedures {
			if p.Coverage == "" {
				continue
			}
			c := &coverage{Complete: shares[p.Name].Part, Total: shares[p.Name].Total, Lacking: []lacking{}}
			for _, l := range open {
				if l.SOP == p.Name {
					c.Lacking = append(c.Lacking, lacking{Ticket: string(l.Ticket), Missing: slices.Concat(l.Missing, l.Broken)})
				}
			}
			lines = append(lines, kpiLine{SOP: p.Name, KPI: p.Coverage, Severity: "all", Target: "100%", Late: []dueCycle{}, Changes: []string{}, Coverage: c})
		}
		return nil
	})
	return lines, err
}

func lineOf(p figures.Promise, s kpi.Summary) kpiLine {
	line := kpiLine{
		SOP: p.Definition.SOP, KPI: p.Definition.Name, Severity: or(p.Severity, "all"), Target: p.Target.String(),
		Met: s.Met, Breached: s.Breached, OnTrack: s.Open.OnTrack, AtRisk: s.Open.AtRisk, Overdue: s.Open.Breached,
		Median: s.Median.Seconds(), P95: s.P95.Seconds(), Late: []dueCycle{}, Changes: []string{}, Kept: s.Attainment.Part, Measured: s.Attainment.Total,
	}
	if ratio, ok := s.Attainment.Ratio(); ok {
		line.Attainment = &ratio
	}
	if s.Next != nil {
		line.Next = &dueCycle{Subject: s.Next.Subject, Due: s.Next.Due, Waiting: or(s.Next.Waiting, p.Definition.Owner)}
	}
	for _, c := range p.Cycles {
		if c.Open() && c.Counted() && c.Outcome == kpi.Breached {
			line.Late = append(line.Late, dueCycle{Subject: c.Subject, Due: c.Due, Waiting: or(c.Waiting, p.Definition.Owner)})
		}
		if c.Backfilled && (c.Open() || !c.Stopped.Before(s.Period.From)) {
			line.Backfilled++
		}
		if c.Change != "" && !slices.Contains(line.Changes, c.Change) {
			line.Changes = append(line.Changes, c.Change)
		}
	}
	slices.SortStableFunc(line.Late, func(a, b dueCycle) int { return a.Due.Compare(b.Due) })
	return line
}

// printKPIs prints the promises that something was measured against, each with its change IDs, and counts the others.
func printKPIs(w io.Writer, lines []kpiLine) error {
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PROMISE\tSEVERITY\tTARGET\tMET\tBREACHED\tKEPT\tMEDIAN\tP95\tOPEN: ON TRACK/AT RISK/LATE\tNEXT DUE")
	var shown []kpiLine
	for _, l := range lines {
		if l.Met+l.Breached+l.OnTrack+l.AtRisk+l.Overdue == 0 {
			continue
		}
		next := "-"
		if l.Next != nil {
			next = l.Next.String()
		}
		fmt.Fprintf(t, "%s/%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%d/%d/%d\t%s\n", l.SOP, l.KPI, l.Severity, l.Target, l.Met, l.Breached,
			kept(l), took(l, l.Median), took(l, l.P95), l.OnTrack, l.AtRisk, l.Overdue, next)
		shown = append(shown, l)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	rows := strings.SplitAfter(table.String(), "\n")
	fmt.Fprint(w, rows[0])
	for i, l := range shown {
		fmt.Fprint(w, rows[i+1])
		printLate(w, l.Late)
		for _, id := range l.Changes {
			fmt.Fprintf(w, "    %s\n", id)
		}
	}
	quiet := len(lines) - len(shown)
	for _, l := range lines {
		if l.Coverage == nil {
			continue
		}
		quiet--
		printCoverage(w, l)
	}
	if quiet > 0 {
		fmt.Fprintf(w, "%d more promises have nothing to measure yet.\n", quiet)
	}
	if n := backfilled(lines); n > 0 {
		fmt.Fprintf(w, "%d of these began before sopd, and are told by the vendors' own histories.\n", n)
	}
	_, err := fmt.Fprintln(w, "Times count on each promise's calendar: outside working hours, a clock of business days (bd) stands still.")
	return err
}

// String says what is due, when and whose it is.
func (d dueCycle) String() string {
	return d.Subject + " " + d.Due.UTC().Format("Mon 2 Jan 15:04 UTC") + ", waits for " + d.Waiting
}

// printLate prints the first of those that are late; --json has all.
func printLate(w io.Writer, late []dueCycle) {
	const most = 3
	for _, d := range late[:min(most, len(late))] {
		fmt.Fprintf(w, "    late, was due: %s\n", d)
	}
	if more := len(late) - most; more > 0 {
		fmt.Fprintf(w, "    and %d more\n", more)
	}
}

// backfilled counts the cycles that began before sopd.
func backfilled(lines []kpiLine) (n int) {
	for _, l := range lines {
		n += l.Backfilled
	}
	return n
}

// printCoverage prints a share of tickets, with what the others lack.
func printCoverage(w io.Writer, l kpiLine) {
	if l.Coverage.Total == 0 {
		fmt.Fprintf(w, "%s/%s: no ticket has come so far yet\n", l.SOP, l.KPI)
		return
	}
	fmt.Fprintf(w, "%s/%s: %d of %d tickets have everything\n", l.SOP, l.KPI, l.Coverage.Complete, l.Coverage.Total)
	for _, x := range l.Coverage.Lacking {
		fmt.Fprintf(w, "    %s lacks: %s\n", x.Ticket, strings.Join(x.Missing, "; "))
	}
}

// kept writes how many of those that were measured were kept: months may have a handful, and a share alone hides that.
func kept(l kpiLine) string {
	if l.Measured == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d", l.Kept, l.Measured)
}

// took writes a time of the promise's calendar. It never has days: those of an office are not of 24 hours.
func took(l kpiLine, seconds float64) string {
	if l.Met+l.Breached == 0 {
		return "-"
	}
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return d.Round(time.Millisecond).String()
	}
}
