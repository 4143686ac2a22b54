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
	SOP        string      `json:"sop"`
	KPI        string      `json:"kpi"`
	Severity   string      `json:"severity"`
	Target     string      `json:"target"`
	Met        int         `json:"met"`
	Breached   int         `json:"breached"`
	OnTrack    int         `json:"on_track"`
	AtRisk     int         `json:"at_risk"`
	Overdue    int         `json:"overdue"`
	Median     float64     `json:"median_seconds"`
	P95        float64     `json:"p95_seconds"`
	Attainment *float64    `json:"attainment,omitempty"`
	Next       *nextBreach `json:"next,omitempty"`
	Changes    []string    `json:"change_ids"`
}

// nextBreach is the cycle that will be late first, and who has to act.
type nextBreach struct {
	Subject string    `json:"subject"`
	Due     time.Time `json:"due"`
	Waiting string    `json:"waiting_for"`
}

func newKPICommand(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "kpi",
		Short: "Show how every promise was kept in the last 90 days",
		Long: "Show each promise with its target, how often it was met and breached in the last 90 days, what is open, and what\n" +
			"is next to breach and for whom it waits. The figures are computed from the recorded facts.",
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
	return lines, nil
}

func lineOf(p figures.Promise, s kpi.Summary) kpiLine {
	line := kpiLine{
		SOP: p.Definition.SOP, KPI: p.Definition.Name, Severity: or(p.Severity, "all"), Target: p.Target.String(),
		Met: s.Met, Breached: s.Breached, OnTrack: s.Open.OnTrack, AtRisk: s.Open.AtRisk, Overdue: s.Open.Breached,
		Median: s.Median.Seconds(), P95: s.P95.Seconds(), Changes: []string{},
	}
	if ratio, ok := s.Attainment.Ratio(); ok {
		line.Attainment = &ratio
	}
	if s.Next != nil {
		line.Next = &nextBreach{Subject: s.Next.Subject, Due: s.Next.Due, Waiting: or(s.Next.Waiting, p.Definition.Owner)}
	}
	for _, c := range p.Cycles {
		if c.Change != "" && !slices.Contains(line.Changes, c.Change) {
			line.Changes = append(line.Changes, c.Change)
		}
	}
	return line
}

// printKPIs prints the promises that something was measured against, each with its change IDs, and counts the others.
func printKPIs(w io.Writer, lines []kpiLine) error {
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PROMISE\tSEVERITY\tTARGET\tMET\tBREACHED\tOPEN\tMEDIAN\tNEXT DUE")
	var shown []kpiLine
	for _, l := range lines {
		open := l.OnTrack + l.AtRisk + l.Overdue
		if l.Met+l.Breached+open == 0 {
			continue
		}
		next := "-"
		if l.Next != nil {
			next = l.Next.Subject + " " + l.Next.Due.UTC().Format("Mon 2 Jan 15:04 UTC")
		}
		fmt.Fprintf(t, "%s/%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", l.SOP, l.KPI, l.Severity, l.Target, l.Met, l.Breached, open, took(l), next)
		shown = append(shown, l)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	rows := strings.SplitAfter(table.String(), "\n")
	fmt.Fprint(w, rows[0])
	for i, l := range shown {
		fmt.Fprint(w, rows[i+1])
		for _, id := range l.Changes {
			fmt.Fprintf(w, "    %s\n", id)
		}
	}
	if quiet := len(lines) - len(shown); quiet > 0 {
		fmt.Fprintf(w, "%d more promises have nothing to measure yet.\n", quiet)
	}
	_, err := fmt.Fprintln(w, "Times count on each promise's calendar: outside working hours, a clock of business days (bd) stands still.")
	return err
}

func took(l kpiLine) string {
	if l.Met+l.Breached == 0 {
		return "-"
	}
	return (time.Duration(l.Median * float64(time.Second))).Round(time.Millisecond).String()
}
