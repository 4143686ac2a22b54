package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/spf13/cobra"
)

func newEvidenceCommand(c console) *cobra.Command {
	cmd := &cobra.Command{Use: "evidence", Short: "Export, verify and archive evidence, and erase a person from it", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newEvidenceExportCommand(c), newEvidenceVerifyCommand(c), newEvidenceArchiveCommand(c), newEvidenceEraseCommand(c))
	return cmd
}

// exportFlags are the flags of sopd evidence export.
type exportFlags struct {
	from, to, out               string
	sop, framework              string
	ledgerOnly, unnamed, asJSON bool
	incomplete, texts           bool
	originals                   bool
}

func newEvidenceExportCommand(c console) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export --from DATE --to DATE",
		Short: "Write the evidence of a period into a new folder or zip file",
		Long: "Write everything that proves what happened in a period: the ledger's records with hashes and signed checkpoints,\n" +
			"policies in force, lists for each control as CSV and XLSX, the System Log held against tickets and ledger with every\n" +
			"orphan, and a page to read and print. The export verifies without sopd's database; see sopd evidence verify and\n" +
			"docs/evidence.md.\n\n" +
			"It fails when a source was not read completely, rather than export a part. --incomplete makes it nevertheless, and\n" +
			"says on every page what is missing. --ledger-only needs no source, and says nothing of access that sopd was not\n" +
			"told of. --sop and --framework narrow the page and the workbook; the lists stay whole, so that they can be proven.\n" +
			"The ledger's key, SOPD_LEDGER_KEY, signs the export.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return export(cmd, c, f) },
	}
	cmd.Flags().StringVar(&f.from, "from", "", "first day, or time such as 2026-10-01T00:00:00Z; days are UTC")
	cmd.Flags().StringVar(&f.to, "to", "", "day or time at which the period ends; itself not in the period")
	cmd.Flags().StringVar(&f.out, "out", "", "folder to make, or file ending in .zip; default evidence-FROM-TO here")
	cmd.Flags().BoolVar(&f.ledgerOnly, "ledger-only", false, "only what the ledger proves; needs neither policies nor vendors")
	cmd.Flags().BoolVar(&f.unnamed, "unnamed", false, "user IDs only, no logins")
	cmd.Flags().BoolVar(&f.incomplete, "incomplete", false, "export although a source was not read completely, and say so on every page")
	cmd.Flags().BoolVar(&f.texts, "texts", false, "titles, fields and edits of tickets too; they may name people")
	cmd.Flags().BoolVar(&f.originals, "originals", false, "what vendors sent byte by byte, with names and addresses, so that verify can hold it against the ledger")
	cmd.Flags().StringVar(&f.sop, "sop", "", "narrow to a procedure, such as access-provisioning")
	cmd.Flags().StringVar(&f.framework, "framework", "", "narrow to a framework or control, such as SOC2 or SOC2:CC6.1")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the manifest as JSON")
	return cmd
}

func export(cmd *cobra.Command, c console, f exportFlags) error {
	o, err := f.options()
	if err != nil {
		return usage(err)
	}
	if o.Key, err = loadLedgerKey(c); err != nil {
		return err
	}
	if o.Scope == evidence.Everything {
		if err := choosePolicies(c, &o); err != nil {
			return err
		}
	}
	s, err := openStore(cmd.Context(), c)
	if err != nil {
		return err
	}
	defer s.Close()
	o.Store = s
	m, err := evidence.Export(cmd.Context(), o)
	switch {
	case errors.Is(err, ledger.ErrTampered):
		return &exitError{code: exitInvalid, cause: err}
	case errors.Is(err, access.ErrInvalid):
		return usage(err)
	case err != nil:
		return err
	case f.asJSON:
		return writeJSON(c.Out, m)
	}
	return tellExport(c, o.Out, m)
}

func tellExport(c console, out string, m evidence.Manifest) error {
	fmt.Fprintf(c.Out, "%s: %d records of %s from %s to %s\n", out, m.Records.InPeriod, m.Origin,
		m.From.Format(time.RFC3339), m.To.Format(time.RFC3339))
	for _, v := range m.Views {
		fmt.Fprintf(c.Out, "  %6d  %s: %s\n", v.Rows, v.File, v.Title)
	}
	for _, state := range slices.Sorted(maps.Keys(m.Originals)) {
		fmt.Fprintf(c.Out, "  %6d  %s: what vendors sent, %s\n", m.Originals[state], evidence.FileOriginals, state)
	}
	if m.Comparison != nil {
		for _, kind := range evidence.Orphans() {
			if n := m.Comparison.Orphans[kind]; n > 0 {
				fmt.Fprintf(c.Out, "  %6d  orphans: %s\n", n, kind)
			}
		}
	}
	for _, what := range m.Incomplete {
		fmt.Fprintf(c.Out, "INCOMPLETE, as the export says on every page: %s\n", what)
	}
	_, err := fmt.Fprintf(c.Out, "Verify it with: sopd evidence verify %s --key PUBLIC\n", out)
	return err
}

// options reads the flags.
func (f exportFlags) options() (evidence.Options, error) {
	o := evidence.Options{Out: f.out, Program: readVersion().Version, Scope: evidence.Everything, People: evidence.Named}
	var fromErr, toErr error
	o.From, fromErr = instant("--from", f.from)
	o.To, toErr = instant("--to", f.to)
	if err := errors.Join(fromErr, toErr); err != nil {
		return o, err
	}
	if f.ledgerOnly {
		o.Scope = evidence.LedgerOnly
	}
	if f.unnamed {
		o.People = evidence.Unnamed
	}
	if f.incomplete {
		o.Gaps = evidence.Stamped
	}
	if f.texts {
		o.Texts = evidence.Shown
	}
	if f.originals && f.unnamed {
		return o, errors.New("--originals names people, --unnamed does not; leave one of them out")
	}
	if f.originals {
		o.Originals = evidence.OriginalsWhole
	}
	o.Filter = evidence.Filter{SOP: f.sop, Framework: f.framework}
	if o.Out == "" {
		o.Out = fmt.Sprintf("evidence-%s-%s", o.From.Format(time.DateOnly), o.To.Format(time.DateOnly))
	}
	return o, nil
}

// instant reads a day, which begins in UTC, or a time with its zone.
func instant(flag, text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s: write a day such as 2026-10-01 or a time such as 2026-10-01T09:00:00Z", flag)
}

// choosePolicies adds what the policies say: which groups are managed, and which tickets ask for access.
func choosePolicies(c console, o *evidence.Options) error {
	dir := value(c, "SOPD_POLICY_DIR")
	if dir == "" {
		return usage(errors.New("SOPD_POLICY_DIR is missing; name the folder of your policies, or export --ledger-only"))
	}
	set, err := policies.Load(os.DirFS(dir))
	if err != nil {
		return usage(err)
	}
	for _, g := range set.Catalog.Groups {
		o.Groups = append(o.Groups, evidence.Group{ID: g.ID, Name: g.Name, System: g.System})
	}
	o.Asks = func(t ticket.Ticket) bool {
		sop, ours := set.SOP(t)
		return ours && sop.Kind == policies.KindAccessProvisioning
	}
	return nil
}

func newEvidenceVerifyCommand(c console) *cobra.Command {
	var keys []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify EXPORT… --key PUBLIC",
		Short: "Verify exports and archives without the database; exit code 5 when one is not what was signed",
		Long: "Verify folders or zip files that sopd evidence export or archive wrote. Nothing but them and the public key is read.\n" +
			"Several, in their order, must go on where the one before ends. --key is a public key or a file that holds one; give it\n" +
			"again for each key that was in use.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			public, err := publicKeys(keys)
			if err != nil {
				return usage(err)
			}
			all, err := verifyExports(args, public)
			switch {
			case errors.Is(err, access.ErrInvalid), errors.Is(err, access.ErrNotFound):
				return usage(err)
			case errors.Is(err, ledger.ErrTampered), errors.Is(err, access.ErrMalformed):
				return &exitError{code: exitInvalid, cause: fmt.Errorf("verification failed: %w", err)}
			case err != nil:
				return err
			case asJSON && len(all) == 1:
				return writeJSON(c.Out, all[0])
			case asJSON:
				return writeJSON(c.Out, all)
			}
			for _, v := range all {
				m := v.Manifest
				fmt.Fprintf(c.Out, "verified: records %d to %d of %s, %d of them from %s to %s; %d checkpoints, the last of %s, signed by %s\n",
					m.Records.First, m.Records.End-1, m.Origin, m.Records.InPeriod, m.From.Format(time.RFC3339), m.To.Format(time.RFC3339),
					v.Checkpoints, v.Last.At.Format(time.RFC3339), strings.Join(v.Keys, " and "))
				for _, state := range slices.Sorted(maps.Keys(m.Originals)) {
					fmt.Fprintf(c.Out, "what vendors sent: %d %s\n", m.Originals[state], state)
				}
				for _, what := range m.Incomplete {
					fmt.Fprintf(c.Out, "incomplete, as it says itself: %s\n", what)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "public key of the ledger, or a file that holds it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// verifyExports verifies each export, and that each goes on where the one before ends.
func verifyExports(paths, keys []string) ([]evidence.Verified, error) {
	var all []evidence.Verified
	for i, path := range paths {
		v, err := verifyExport(path, keys)
		if err == nil && i > 0 {
			err = v.Continues(all[i-1])
		}
		if err != nil && len(paths) > 1 {
			err = fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func verifyExport(path string, keys []string) (v evidence.Verified, err error) {
	files, err := evidence.OpenExport(path)
	if err != nil {
		return v, err
	}
	v, err = evidence.Verify(files, keys...)
	return v, errors.Join(err, files.Close())
}

// publicKeys reads the values of --key.
func publicKeys(values []string) ([]string, error) {
	if len(values) == 0 {
		return nil, errors.New("--key is needed: the public key that sopd keys generate printed")
	}
	keys := make([]string, len(values))
	for i, text := range values {
		keys[i] = strings.TrimSpace(text)
		if strings.Count(text, "+") >= 2 {
			continue
		}
		raw, err := os.ReadFile(filepath.Clean(text))
		if err != nil {
			return nil, errors.New("--key: neither a public key nor a file that can be read")
		}
		keys[i] = strings.TrimSpace(string(raw))
	}
	return keys, nil
}
