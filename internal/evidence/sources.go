package evidence

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
)

// Sources says what an export rests on besides the ledger, and how fresh that was.
type Sources struct {
	Scope Scope        `json:"scope"`
	Read  []SourceRead `json:"read,omitempty"` // the polls
	// Groups is how many managed groups there are; each was read completely. OldestGroup is the oldest such read: a group
	// is read again when Okta says that it changed.
	Groups      int       `json:"groups"`
	OldestGroup time.Time `json:"oldestGroup,omitzero"`
	// LogFrom is the first System Log event that is known. Before it the comparison cannot see changes by others.
	LogFrom time.Time `json:"logFrom,omitzero"`
	// Unreadable lists tickets that could not be read. They are in no comparison.
	Unreadable []string `json:"unreadable,omitempty"`
}

// SourceRead is a poll of a vendor and when it last succeeded.
type SourceRead struct {
	Name string    `json:"name"` // vendor and what was read, such as "okta.users"
	At   time.Time `json:"at"`
}

// Scope is what an export is made of.
type Scope string

// The scopes.
const (
	// Everything holds the ledger against the vendors as they were last read.
	Everything Scope = "everything"
	// LedgerOnly needs no vendor, and says nothing of access that the ledger does not know.
	LedgerOnly Scope = "ledger"
)

// Group is a group that sopd manages.
type Group struct {
	ID     access.GroupID
	Name   string // as in the catalog
	System string // the catalog's ID of the system
}

// polls names the cursors of what must have been read. Package reconcile sets them.
func polls() []string { return []string{"okta.users", "okta.groups", "okta.log", "jira.tickets"} }

// staleAfter is how old a read may be when the period reaches to the present.
const staleAfter = time.Hour

// readSources finds out whether everything that the comparison needs was read.
//
// Errors: [access.ErrIncomplete] with every source that was not, in words for people.
func (e *exporter) readSources() (Sources, error) {
	s := Sources{Scope: e.options.Scope}
	if s.Scope == LedgerOnly {
		return s, nil
	}
	s.Groups = len(e.options.Groups)
	var missing []string
	if s.Groups > 0 {
		for _, name := range polls() {
			what, err := e.readPoll(&s, name)
			if err != nil {
				return s, err
			}
			missing = append(missing, what...)
		}
		unread, err := e.readGroups(&s)
		if err != nil {
			return s, err
		}
		missing = append(missing, unread...)
	}
	if err := e.readRest(&s); err != nil {
		return s, err
	}
	for _, key := range s.Unreadable {
		missing = append(missing, "ticket "+key+" cannot be read")
	}
	e.manifest.Incomplete = missing
	if len(missing) > 0 && e.options.Gaps != Stamped {
		return s, fmt.Errorf("sources are incomplete, nothing was exported; let sopd run a pass that succeeds, or export --ledger-only, or --incomplete to have it said on every page: %s: %w",
			strings.Join(missing, "; "), access.ErrIncomplete)
	}
	return s, nil
}

// readPoll notes when a poll last succeeded, and says what is wrong with it.
func (e *exporter) readPoll(s *Sources, name string) (missing []string, err error) {
	_, at, found, err := e.tx.Cursor(name)
	if err != nil {
		return nil, err
	}
	s.Read = append(s.Read, SourceRead{Name: name, At: at})
	needed := e.manifest.To
	if recent := e.manifest.Made.Add(-staleAfter); recent.Before(needed) {
		needed = recent
	}
	switch {
	case !found:
		return []string{name + " was never read"}, nil
	case at.Before(needed):
		return []string{fmt.Sprintf("%s was last read %s, before %s", name, stamp(at), stamp(needed))}, nil
	}
	return nil, nil
}

func (e *exporter) readGroups(s *Sources) (missing []string, err error) {
	for _, g := range e.options.Groups {
		_, at, known, err := e.tx.Members(g.ID)
		if err != nil {
			return nil, err
		}
		f, unreadable, err := e.tx.Finding(finding.Key("unreadable/" + string(g.ID)))
		if err != nil {
			return nil, err
		}
		switch {
		case !known:
			missing = append(missing, fmt.Sprintf("group %s (%s) was never read", g.ID, g.Name))
		case unreadable && f.Open():
			missing = append(missing, fmt.Sprintf("group %s (%s) cannot be read since %s", g.ID, g.Name, stamp(f.Raised)))
		case s.OldestGroup.IsZero() || at.Before(s.OldestGroup):
			s.OldestGroup = at
		}
	}
	return missing, nil
}

// errStop ends a walk through the store early.
var errStop = errors.New("enough was read")

func (e *exporter) readRest(s *Sources) error {
	err := e.tx.EachEventSince(time.Time{}, func(event access.Event) error {
		s.LogFrom = event.Published
		return errStop
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	bad, err := e.tx.BadTickets()
	for _, b := range bad {
		s.Unreadable = append(s.Unreadable, string(b.Key))
	}
	return err
}

// writeGroups writes the managed groups and how fresh their members are.
func (e *exporter) writeGroups() error {
	t, err := e.folder.table(FileGroups, []string{"group", "name", "system", "members", "read_at"})
	if err != nil {
		return err
	}
	for _, g := range e.options.Groups {
		members, at, _, err := e.tx.Members(g.ID)
		if err != nil {
			return errors.Join(err, t.close())
		}
		if err := t.row(string(g.ID), g.Name, g.System, fmt.Sprint(len(members)), iso(at)); err != nil {
			return errors.Join(err, t.close())
		}
	}
	return t.close()
}
