package evidence

import (
	"context"
	"errors"
	"fmt"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// atOnce is how many records are in memory while an export is written. Between two pieces the store can be asked for more.
const atOnce = 500

// ledgerWriter writes the files that are drawn from the records, in one walk through them.
type ledgerWriter struct {
	exporter    *exporter
	tree        ledger.Tree
	records     *outFile
	leaves      *outFile
	checkpoints *outFile
	ticketFile  jsonLines
	originals   *originalWriter
	views       []*viewWriter
	people      map[string]bool           // the pseudonyms met
	tickets     map[ticket.Key]bool       // those that are written
	also        func(ledger.Record) error // is told every record of the period
}

// writeLedger writes records, hashes, checkpoints and views, and tells also every record of the period.
//
// Errors: [ledger.ErrTampered] when the records do not hash to what was signed; [access.ErrNotFound] when none lies in the
// period.
func (e *exporter) writeLedger(ctx context.Context, also func(ledger.Record) error) error {
	w := &ledgerWriter{exporter: e, also: also, people: make(map[string]bool), tickets: make(map[ticket.Key]bool)}
	err := w.open()
	if err == nil {
		err = w.walk(ctx)
	}
	if err := errors.Join(err, w.close()); err != nil {
		return err
	}
	if err := e.writePeople(w.people); err != nil {
		return err
	}
	if e.manifest.Records.InPeriod == 0 {
		return fmt.Errorf("no record lies between %s and %s; the ledger was empty in that time: %w",
			stamp(e.manifest.From), stamp(e.manifest.To), access.ErrNotFound)
	}
	return nil
}

func (w *ledgerWriter) open() error {
	var errs [6]error
	e := w.exporter
	w.tree, errs[0] = ledger.Resume(e.manifest.Records.First, e.manifest.Records.Frontier)
	w.records, errs[1] = e.folder.create(FileRecords)
	w.leaves, errs[2] = e.folder.create(FileLeaves)
	w.checkpoints, errs[3] = e.folder.create(FileCheckpoints)
	w.ticketFile, errs[4] = e.folder.jsonLines(FileTickets)
	w.originals, errs[5] = e.newOriginalWriter()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	e.manifest.Kinds = make(map[string]int64)
	for _, f := range forms() {
		view, err := newViewWriter(e, f)
		if err != nil {
			return err
		}
		w.views = append(w.views, view)
	}
	return nil
}

// close closes what was opened and counts the rows.
func (w *ledgerWriter) close() error {
	var err error
	files := []*outFile{w.records, w.leaves, w.checkpoints, w.ticketFile.file}
	if w.originals != nil {
		files = append(files, w.originals.out.file)
	}
	for _, f := range files {
		if f != nil {
			err = errors.Join(err, f.close())
		}
	}
	for _, v := range w.views {
		err = errors.Join(err, v.table.close())
		w.exporter.manifest.Views = append(w.exporter.manifest.Views, ViewCount{View: v.form.View, Rows: v.table.rows})
	}
	return err
}

// walk goes through the records of the range, from checkpoint to checkpoint.
func (w *ledgerWriter) walk(ctx context.Context) error {
	err := w.exporter.eachCheckpoint(func(c store.Checkpoint) error {
		if c.Size < w.tree.Size() {
			return nil
		}
		for w.tree.Size() < c.Size {
			if err := w.piece(ctx, min(atOnce, c.Size-w.tree.Size())); err != nil {
				return err
			}
		}
		return w.checkpoint(c)
	})
	if err == nil && w.tree.Size() != w.exporter.manifest.Records.End {
		err = fmt.Errorf("checkpoints do not reach record %d: %w", w.exporter.manifest.Records.End, access.ErrMalformed)
	}
	return err
}

// piece writes the next n records.
func (w *ledgerWriter) piece(ctx context.Context, n int64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("export was stopped: %w", context.Cause(ctx))
	}
	records, err := w.exporter.tx.Records(w.tree.Size(), int(n))
	if err != nil {
		return err
	}
	if int64(len(records)) < n {
		return &ledger.Fault{Kind: ledger.Truncated, Seq: w.tree.Size() + int64(len(records)), Detail: "the store has no such record, and it was signed"}
	}
	for _, r := range records {
		if err := w.record(r); err != nil {
			return err
		}
	}
	return nil
}

func (w *ledgerWriter) record(r ledger.Record) error {
	if r.Seq != w.tree.Size() {
		return &ledger.Fault{Kind: ledger.Dropped, Seq: w.tree.Size(), Detail: "the store does not have it, and it was signed"}
	}
	w.tree.Append(r.Hash)
	if err := w.records.line(r.Canonical); err != nil {
		return err
	}
	if _, err := w.leaves.Write(r.Hash[:]); err != nil {
		return err
	}
	for _, pseudonym := range ledger.Pseudonyms(r.Canonical) {
		w.people[pseudonym] = true
	}
	m := &w.exporter.manifest
	if !m.in(r) {
		return nil
	}
	m.Records.InPeriod++
	m.Kinds[string(r.Kind)]++
	if decides(r.Kind) && r.Ticket != "" && !w.tickets[r.Ticket] {
		w.tickets[r.Ticket] = true
		if err := w.exporter.writeTicket(w.ticketFile, r.Ticket); err != nil {
			return err
		}
	}
	if err := w.originals.record(r); err != nil {
		return err
	}
	name, err := factName(r)
	if err != nil {
		return err
	}
	for _, v := range w.views {
		if err := v.record(r, name); err != nil {
			return fmt.Errorf("%s, record %d: %w", v.form.File, r.Seq, err)
		}
	}
	return w.also(r)
}

// checkpoint writes the checkpoint and holds the tree against it.
func (w *ledgerWriter) checkpoint(c store.Checkpoint) error {
	parsed, err := ledger.ParseCheckpoint(c.Note)
	if err != nil {
		return err
	}
	root, err := w.tree.Root()
	if err != nil {
		return err
	}
	if parsed.Size != c.Size || parsed.Root != root {
		return &ledger.Fault{Kind: ledger.Replaced, Seq: -1, Detail: fmt.Sprintf("the store's records are not the %d that were signed", c.Size)}
	}
	return w.checkpoints.line([]byte(c.Note))
}
