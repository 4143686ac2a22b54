package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/reports"
	"github.com/spf13/cobra"
)

// reportFlags are the flags of sopd report.
type reportFlags struct {
	period, sop, format, out string
	sample, last             int
	of                       string
	seed                     uint64
}

func newReportCommand(c console) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report --period PERIOD",
		Short: "Report on a day, a week, a month, a quarter or a year, or draw an auditor's sample",
		Long: "Report how every promise was kept and what was done in a period, from the ledger's records. The period chooses the\n" +
			"report: 2026-10-24 the daily security check, 2026-W43 the weekly operations metrics, 2026-10 the monthly compliance\n" +
			"report, 2026-Q4 the quarterly security review, 2026 the year. Days are UTC.\n\n" +
			"--sample 25 --of leavers draws members of a population of the period at random; the seed is printed, and with --seed\n" +
			"anybody draws the same again. --last 3 --of incidents takes the newest instead.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return makeReport(cmd, c, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.period, "period", "", "such as 2026-10, 2026-Q4, 2026-W43, 2026-10-24 or 2026")
	flags.StringVar(&f.sop, "sop", "", "only the promises of this procedure, by its name")
	flags.StringVar(&f.format, "format", string(report.Markdown), "md, html, csv, json or xlsx")
	flags.StringVar(&f.out, "out", "", "file to write; it must not exist. Default: the terminal")
	flags.IntVar(&f.sample, "sample", 0, "draw so many at random instead")
	flags.IntVar(&f.last, "last", 0, "take so many of the newest instead")
	flags.StringVar(&f.of, "of", "", "what is drawn: leavers, requests, grants, changes or incidents")
	flags.Uint64Var(&f.seed, "seed", 0, "of a random draw; default: one of its own, which is printed")
	cmd.MarkFlagsMutuallyExclusive("sample", "last")
	return cmd
}

func makeReport(cmd *cobra.Command, c console, f reportFlags) error {
	period, err := report.ParsePeriod(f.period)
	if err != nil {
		return usage(fmt.Errorf("--period: %w", err))
	}
	if err := f.check(); err != nil {
		return usage(err)
	}
	dir := value(c, "SOPD_POLICY_DIR")
	if dir == "" {
		return usage(errors.New("SOPD_POLICY_DIR is missing; name the folder of your policies, they say what is promised"))
	}
	set, err := policies.Load(os.DirFS(dir))
	if err != nil {
		return usage(err)
	}
	if _, known := set.Document(f.sop); f.sop != "" && !known {
		return usage(fmt.Errorf("--sop: no policy is named %q", f.sop))
	}
	s, err := openStore(cmd.Context(), c)
	if err != nil {
		return err
	}
	defer s.Close()
	in, err := reportInput(cmd.Context(), s, set, period)
	if errors.Is(err, access.ErrMalformed) {
		return &exitError{code: exitInvalid, cause: fmt.Errorf("the ledger cannot be reported on: %w", err)}
	}
	if err != nil {
		return err
	}
	if err := in.Found.Covers(period, in.Now); err != nil {
		return err
	}
	in.SOP = f.sop
	made, err := f.compose(cmd, in)
	if err != nil {
		return usage(err)
	}
	return f.write(c, made)
}

// check reports flags that do not go together.
func (f reportFlags) check() error {
	drawn := f.sample != 0 || f.last != 0
	switch {
	case drawn && f.of == "":
		return errors.New("--of is missing: leavers, requests, grants, changes or incidents")
	case !drawn && f.of != "":
		return errors.New("--of goes with --sample or --last")
	case !slices.Contains(report.Formats(), report.Format(f.format)):
		return fmt.Errorf("--format is %q; write md, html, csv, json or xlsx", f.format)
	case f.format == string(report.XLSX) && f.out == "":
		return errors.New("--out is missing: a workbook is not for the terminal")
	}
	return nil
}

func (f reportFlags) compose(cmd *cobra.Command, in report.Input) (report.Report, error) {
	if f.of == "" {
		return report.Compose(in), nil
	}
	d := report.Draw{Of: report.Population(f.of), N: max(f.sample, f.last), Seed: f.seed, Newest: f.last > 0}
	if !cmd.Flags().Changed("seed") {
		d.Seed = uint64(in.Now.UnixNano())
	}
	return report.Sample(in, d)
}

// write writes to the terminal or to a new file.
func (f reportFlags) write(c console, r report.Report) (err error) {
	if f.out == "" {
		return report.Write(c.Out, r, report.Format(f.format))
	}
	file, err := os.OpenFile(filepath.Clean(f.out), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usage(errors.New("--out: the file exists already; nothing was written"))
	}
	if err != nil {
		return usage(fmt.Errorf("--out: the file cannot be made: %w", cause(err)))
	}
	if err := errors.Join(report.Write(file, r, report.Format(f.format)), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	_, err = fmt.Fprintf(c.Out, "%s: %s %s\n", f.out, strings.ToLower(r.Title[:1])+r.Title[1:], r.Period.Name)
	return err
}

// reportInput reads the ledger once.
func reportInput(ctx context.Context, s *store.Store, set *policies.Set, period report.Period) (report.Input, error) {
	in := reports.Input(set, period, readVersion().Version)
	in.Now = s.Now()
	err := s.Read(ctx, func(tx *store.Tx) error {
		var err error
		in.Found, err = report.Collect(func(fn func(ledger.Record) error) error { return tx.EachRecord(0, fn) }, period)
		return err
	})
	return in, err
}
