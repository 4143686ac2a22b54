package evidence

import (
	"slices"
	"strconv"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// leaverForm is the list of people who left, with the times.
func leaverForm() form {
	return form{
		View:     View{File: "leavers.csv", Title: "people who left, with the times", Kinds: []ledger.Kind{ledger.FactRecorded}, Fact: factLeft},
		columns:  []string{"subject", "left", "removed", "hours", "people", "changes"},
		policies: []string{"Deprovisioning"},
		cells:    (*exporter).leaverCells,
	}
}

// leaverCells tells one departure: whose, when it should have ended, when it had.
func (e *exporter) leaverCells(r ledger.Record) ([]string, error) {
	var f kpi.Fact
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	removed, err := e.factAt(f.Subject, factRemoved)
	if err != nil {
		return nil, err
	}
	hours := ""
	if !removed.IsZero() {
		hours = strconv.FormatFloat(removed.Sub(f.At).Hours(), 'f', 2, 64)
	}
	changes, err := e.departure(f)
	if err != nil {
		return nil, err
	}
	var people, ids []string
	for _, c := range changes {
		ids = append(ids, string(c.ID))
		if e.options.People == Concealed {
			continue
		}
		if person := string(c.User); !slices.Contains(people, person) {
			people = append(people, person)
		}
	}
	return []string{f.Subject, iso(f.At), iso(removed), hours, strings.Join(people, " "), strings.Join(ids, " ")}, nil
}

// departure returns the changes of a departure: of its ticket, or of the user and time that its subject names.
func (e *exporter) departure(f kpi.Fact) ([]change.Change, error) {
	if key, err := ticket.ParseKey(f.Subject); err == nil {
		return e.tx.ChangesByTicket(key)
	}
	id, _, _ := strings.Cut(f.Subject, "@")
	changes, err := e.tx.ChangesByUser(access.UserID(id))
	return slices.DeleteFunc(changes, func(c change.Change) bool {
		return c.Reason != change.Deprovisioned || c.Intended.Before(f.At)
	}), err
}
