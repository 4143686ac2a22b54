package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/spf13/cobra"
)

// reportFlags are the flags of sopd report.
type reportFlags struct {
	period, sop, format, out string
	samples, newest          []string
	seed                     uint64
	asJSON                   bool
}

func newReportCommand(c console) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report --period PERIOD",
		Short: "Report how the procedures went in a period, with an auditor's samples",
		Long: "Report on a day, week, month, quarter or year: every promise and how it was kept, approval time and the other figures\n" +
			"of the operations review, changes of access, findings, ticket volume, and the records behind each list of an evidence\n" +
			"export. A month is the compliance report, a quarter the security review, a day the daily check.\n\n" +
			"--sample leavers=25 draws 25 at random; the seed is printed, and the same seed draws the same. --newest findings=3\n" +
			"takes the last three. The report is computed from recorded facts; sopd evidence export proves them.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return writeReport(cmd, c, f) },
	}
	cmd.Flags().StringVar(&f.period, "period", "", "2026, 2026-Q4, 2026-10, 2026-W48 or 2026-11-24; in UTC")
	cmd.Flags().StringVar(&f.sop, "sop", "", "only the promises of this procedure, such as access-provisioning")
	cmd.Flags().StringVar(&f.format, "format", string(report.Markdown), "md, html, csv, json or xlsx")
	cmd.Flags().StringVar(&f.out, "out", "", "file to make; default standard output")
	cmd.Flags().StringArrayVar(&f.samples, "sample", nil, "LIST=NUMBER drawn at random; again for more")
	cmd.Flags().StringArrayVar(&f.newest, "newest", nil, "LIST=NUMBER, the last ones of the period; again for more")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the samples; default a new one")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "the same as --format json")
	return cmd
}

func writeReport(cmd *cobra.Command, c console, f reportFlags) error {
	o, err := f.options()
	if err != nil {
		return usage(err)
	}
	format := report.Format(f.format)
	if f.asJSON {
		format = report.JSON
	}
	if !slices.Contains(report.Formats(), format) {
		return usage(fmt.Errorf("--format: %q; write md, html, csv, json or xlsx", f.format))
	}
	set, err := loadPolicies(c, "name the folder of your policies")
	if err != nil {
		return err
	}
	o.Clocks = set.Clocks
	if o.Store, err = openStore(cmd.Context(), c); err != nil {
		return err
	}
	r, err := report.Make(cmd.Context(), o)
	if err = errors.Join(err, o.Store.Close()); errors.Is(err, access.ErrInvalid) || errors.Is(err, access.ErrNotFound) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	if f.out == "" {
		return r.Write(c.Out, format)
	}
	var text bytes.Buffer
	if err := r.Write(&text, format); err != nil {
		return err
	}
	return writeNew(f.out, text.Bytes())
}

// options reads the flags.
func (f reportFlags) options() (report.Options, error) {
	period, err := report.ParsePeriod(f.period)
	if err != nil {
		return report.Options{}, fmt.Errorf("--period: %w", err)
	}
	o := report.Options{Period: period, SOP: f.sop, Seed: f.seed}
	if o.Seed == 0 {
		var random [4]byte
		if _, err := rand.Read(random[:]); err != nil {
			return o, err
		}
		o.Seed = 1 + uint64(binary.BigEndian.Uint32(random[:]))
	}
	for how, texts := range map[report.How][]string{report.Random: f.samples, report.Newest: f.newest} {
		for _, text := range texts {
			d, err := report.ParseDraw(text, how)
			if err != nil {
				return o, err
			}
			o.Samples = append(o.Samples, d)
		}
	}
	return o, nil
}

// writeNew writes a file that does not exist yet.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("--out: the file exists; it is not overwritten: %w", access.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("--out: the file cannot be made (%w)", cause(err))
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("--out: the file cannot be written (%w)", cause(err))
	}
	return nil
}
