package store

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/paging"
)

// PutFinding keeps a finding. One that is open under the same key is the same: its time of raising stays, and an alert
// that it has stays unless the new one names another; the rest is replaced. fresh says whether it was not open before.
//
// Errors: [access.ErrInvalid] for a finding that is already cleared; see [Tx.ClearFinding].
func (t *Tx) PutFinding(f finding.Finding) (fresh bool, err error) {
	if !f.Open() {
		return false, wrapUnknown(nil, "finding %s is put as cleared", f.Kind)
	}
	before, found, err := t.Finding(f.Key)
	if err != nil {
		return false, err
	}
	fresh = !found || !before.Open()
	if !fresh {
		f.Raised = before.Raised
		if f.Alert == "" {
			f.Alert = before.Alert
		}
	}
	return fresh, t.setFinding(f)
}

func (t *Tx) setFinding(f finding.Finding) error {
	text, err := toDoc(f)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO findings (key, kind, cleared, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, cleared = excluded.cleared, doc = excluded.doc`,
		string(f.Key), string(f.Kind), micros(f.Cleared), text)
	return err
}

// Finding returns the finding, open or cleared. found is false when there never was one of this key.
func (t *Tx) Finding(key finding.Key) (f finding.Finding, found bool, err error) {
	return doc[finding.Finding](t, "SELECT doc FROM findings WHERE key = $1", string(key))
}

// OpenFindings returns the findings that are not cleared, ordered by key.
func (t *Tx) OpenFindings() ([]finding.Finding, error) {
	return docs[finding.Finding](t, "SELECT doc FROM findings WHERE cleared = 0 ORDER BY "+t.binary("key"))
}

// ClearFinding notes that it is no longer so. was is the finding as it stood; ok is false when none was open.
func (t *Tx) ClearFinding(key finding.Key, at time.Time) (was finding.Finding, ok bool, err error) {
	was, found, err := t.Finding(key)
	if err != nil || !found || !was.Open() {
		return finding.Finding{}, false, err
	}
	cleared := was
	cleared.Cleared = at.UTC().Truncate(time.Microsecond)
	return was, true, t.setFinding(cleared)
}

// ForgetAlert lets the open findings that the alert tells of have none, as if nobody had been paged for them.
func (t *Tx) ForgetAlert(id paging.AlertID) error {
	open, err := t.OpenFindings()
	if err != nil {
		return err
	}
	for _, f := range open {
		if f.Alert != id {
			continue
		}
		f.Alert = ""
		if err := t.setFinding(f); err != nil {
			return err
		}
	}
	return nil
}

// FindingsAbout returns the findings about the user, open and cleared, ordered by key.
func (t *Tx) FindingsAbout(user access.UserID) ([]finding.Finding, error) {
	var all []finding.Finding
	err := eachDoc(t, func(f finding.Finding) error {
		if f.User == user {
			all = append(all, f)
		}
		return nil
	}, "SELECT doc FROM findings ORDER BY "+t.binary("key"))
	return all, err
}
