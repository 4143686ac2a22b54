package evidence

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Options say what to export.
type Options struct {
	Store *store.Store
	// Key signs the last checkpoint and the manifest.
	Key ledger.Key
	// From and To are the half-open period. An end after the present is the present.
	From, To time.Time
	// Out is the folder to make, or the file when it ends in ".zip". Nothing may be there.
	Out     string
	Program string // version of the program, for the manifest
	Scope   Scope
	// Groups are the managed groups; the comparison is about them.
	Groups []Group
	// Asks reports whether a ticket asks for access; nil for none.
	Asks func(ticket.Ticket) bool
	// People says whether logins stand beside user IDs.
	People People
	// Gaps says what becomes of an export whose sources were not read completely.
	Gaps Gaps
	// Texts says whether titles and fields of tickets are in the export.
	Texts Texts
	// Originals says whether what vendors sent is shown whole.
	Originals Originals
	// Filter narrows the page and the workbook.
	Filter Filter
}

// Gaps is what becomes of an export whose sources were not read completely.
type Gaps string

// What becomes of it.
const (
	Refused Gaps = ""        // there is none
	Stamped Gaps = "stamped" // it is made, and says so in the manifest and on every page
)

// Texts is how much of a ticket's text is in an export.
type Texts string

// How much.
const (
	Redacted Texts = ""      // none: keys, types, statuses, accounts, times
	Shown    Texts = "shown" // title, fields and their edits as well
)

// Filter narrows the page and the workbook to what is evidence of some controls.
type Filter struct {
	SOP       string `json:"sop,omitempty"`       // name of a procedure, such as "access-provisioning"
	Framework string `json:"framework,omitempty"` // a framework or one of its controls, such as "SOC2" or "SOC2:CC6.1"
}

// People is how persons are named in an export.
type People string

// How persons are named.
const (
	Named   People = "named"   // user IDs, with logins beside them
	Unnamed People = "unnamed" // user IDs only
	// Concealed names pseudonyms only, and nobody whom they mean: what may be kept when a person is erased.
	Concealed People = "concealed"
)

// attempts is how often an export begins again because something was recorded late, while it was made.
const attempts = 3

// Export writes the evidence of a period into a new folder or zip file that [Verify] accepts, and returns its manifest. It
// first signs the ledger, unless a checkpoint after the period is there. Memory does not grow with the records, but with the
// persons in them and the tickets that decisions rest on, some 100 bytes each, and with the grants, members and reviews that the
// store holds now. On an error nothing is left behind.
//
// Errors: [access.ErrInvalid] for a period or an output that cannot be; [access.ErrNotFound] when nothing was recorded in
// the period; [access.ErrIncomplete] when a source was not read; [access.ErrConflict] when something is at Out already or
// the clock ran backwards; [ledger.ErrTampered] when the ledger is not what was signed; [access.ErrUnavailable] when the
// output cannot be written.
func Export(ctx context.Context, o Options) (Manifest, error) {
	now := o.Store.Now()
	to := earlier(o.To, now)
	if !o.From.Before(to) {
		return Manifest{}, fmt.Errorf("the period begins at %s, not before its end or the present: %w", stamp(o.From), access.ErrInvalid)
	}
	if _, err := os.Lstat(o.Out); err == nil || !os.IsNotExist(err) {
		return Manifest{}, fmt.Errorf("something is at %s already; nothing is overwritten: %w", o.Out, access.ErrConflict)
	}
	work, err := os.MkdirTemp(filepath.Dir(filepath.Clean(o.Out)), ".sopd-export-")
	if err != nil {
		return Manifest{}, unwritable(err)
	}
	e := &exporter{options: o, folder: &folder{path: work}, redactor: original.NewRedactor(), manifest: Manifest{
		Version: ManifestVersion, Origin: o.Key.Origin(), Program: o.Program, Made: now,
		From: o.From.UTC().Truncate(time.Microsecond), To: to.UTC().Truncate(time.Microsecond), Asked: o.To.UTC().Truncate(time.Microsecond),
	}}
	err = e.run(ctx)
	if err == nil {
		err = publish(work, o.Out)
	}
	return e.manifest, errors.Join(err, removed(work))
}

func removed(work string) error {
	if err := os.RemoveAll(work); err != nil {
		return unwritable(err)
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// exporter makes one export.
type exporter struct {
	options  Options
	folder   *folder
	redactor *original.Redactor
	manifest Manifest
	tx       *store.Tx
	before   store.Checkpoint         // at the beginning of the range; zero when the range begins with the ledger
	after    store.Checkpoint         // at its end
	orphans  []orphan                 // the first ones of the comparison
	inForce  []inForce                // the policies of the period
	chosen   []PolicySOP              // that the filter lets through; nil for all
	last     standing                 // of the ticket that was looked up last
	reviews  map[string]review.Review // by ticket; nil until one is asked for
}

// errLate says that a record of the period came after the last checkpoint.
var errLate = fmt.Errorf("records of the period keep coming in after the ledger is signed, try again: %w", access.ErrConflict)

func (e *exporter) run(ctx context.Context) error {
	var err error
	for range attempts {
		if err = e.seal(ctx, err); err != nil {
			return err
		}
		err = e.options.Store.Read(ctx, func(tx *store.Tx) error {
			e.tx = tx
			if e.options.People == Concealed {
				e.tx = tx.Pseudonymous()
			}
			return e.write(ctx)
		})
		if !errors.Is(err, errLate) {
			return err
		}
	}
	return err
}

// seal makes sure that a checkpoint says what the ledger held at the end of the period or later; after an attempt that
// was late, a new one.
func (e *exporter) seal(ctx context.Context, before error) error {
	var last store.Checkpoint
	var empty bool
	err := e.options.Store.Read(ctx, func(tx *store.Tx) error {
		size, err := tx.TreeSize()
		if err != nil {
			return err
		}
		empty = size == 0
		last, _, err = tx.LastCheckpoint()
		return err
	})
	switch {
	case err != nil:
		return err
	case empty:
		return fmt.Errorf("the ledger is empty: %w", access.ErrNotFound)
	case !last.At.Before(e.manifest.To) && before == nil:
		return nil
	}
	_, err = Seal(ctx, e.options.Store, e.options.Key, e.options.Store.Now())
	return err
}

// write writes every file of the export from one snapshot of the store.
func (e *exporter) write(ctx context.Context) error {
	if err := e.findRange(); err != nil {
		return err
	}
	var err error
	if e.manifest.Sources, err = e.readSources(); err != nil {
		return err
	}
	if err := e.writePolicies(); err != nil {
		return err
	}
	if err := e.writeEvidence(ctx); err != nil {
		return err
	}
	if err := e.writeWorkbook(); err != nil {
		return err
	}
	if err := e.writeIndex(); err != nil {
		return err
	}
	return e.sign()
}

// writeEvidence writes the ledger and, beside it, what the comparison with the vendors shows.
func (e *exporter) writeEvidence(ctx context.Context) error {
	if e.options.Scope == LedgerOnly {
		return e.writeLedger(ctx, func(ledger.Record) error { return nil })
	}
	c, err := e.newComparer()
	if err != nil {
		return err
	}
	err = e.writeLedger(ctx, c.record)
	if err == nil {
		err = c.finish()
	}
	if err == nil {
		err = e.writeGroups()
	}
	return errors.Join(err, c.table.close(), c.others.close())
}

func (e *exporter) sign() error {
	e.manifest.Files = e.folder.sorted()
	text, err := e.manifest.encode()
	if err != nil {
		return err
	}
	signature, err := e.options.Key.SignManifest(sha256.Sum256(text))
	if err != nil {
		return err
	}
	return errors.Join(e.folder.put(FileManifest, text), e.folder.put(FileSignature, []byte(signature)))
}
