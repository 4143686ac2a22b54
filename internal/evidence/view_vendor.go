package evidence

import (
	"cmp"
	"strings"

	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// vendorForm is the list of vendors that were asked for, each with what its ticket lacks.
func vendorForm() form {
	return form{
		View: View{
			File: "vendors.csv", Title: "vendors that were asked for, with what was done and what is missing", Kinds: []ledger.Kind{ledger.FactRecorded},
			Fact: "vendor.requested",
		},
		columns:  []string{"subject", "procedure", "risk", "requested", "facts", "standing", "missing", "broken", "reassess"},
		policies: []string{"Procedure/vendor-onboarding"},
		cells:    (*exporter).vendorCells,
	}
}

func (e *exporter) vendorCells(r ledger.Record) ([]string, error) {
	var f kpi.Fact
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	p, err := e.proceeding(f)
	if err != nil {
		return nil, err
	}
	facts, err := e.tx.Facts(f.Subject)
	if err != nil {
		return nil, err
	}
	return []string{
		f.Subject, p.SOP, p.Severity, iso(f.At), happened(facts), string(p.Standing), strings.Join(p.Missing, "; "), strings.Join(p.Broken, "; "), date(p.Next),
	}, nil
}

// happened lists the facts that count, with their times: of a fact and its corrections what was recorded last.
func happened(facts []kpi.Fact) string {
	counts := make(map[string]kpi.Fact) // by the ID of what was recorded first
	for _, f := range facts {
		root := cmp.Or(f.Corrects, f.ID)
		if known, found := counts[root]; !found || f.Recorded.After(known.Recorded) {
			counts[root] = f
		}
	}
	var all []string
	for _, f := range facts {
		if counts[cmp.Or(f.Corrects, f.ID)].ID == f.ID && f.Name != "" && f.Name != factSeverity {
			all = append(all, f.Name+" "+iso(f.At))
		}
	}
	return strings.Join(all, "; ")
}

// factSeverity is the fact by which a procedure says how severe its subject is.
const factSeverity = "severity"

// standing is where the ticket of a procedure stands; the zero one is that of no ticket.
type standing struct {
	subject string
	store.Proceeding
}

// proceeding returns where the subject of a fact stands in its procedure. The last one is remembered: the facts of a ticket
// are recorded together.
func (e *exporter) proceeding(f kpi.Fact) (store.Proceeding, error) {
	key, err := ticket.ParseKey(f.Subject)
	if err != nil {
		return store.Proceeding{}, nil //nolint:nilerr // it is about no ticket
	}
	if e.last.subject == f.Subject {
		return e.last.Proceeding, nil
	}
	e.last = standing{subject: f.Subject}
	for _, p := range e.inForce {
		for _, s := range p.SOPs {
			if s.Kind != "Procedure" {
				continue
			}
			found, known, err := e.tx.Proceeding(s.Name, key)
			if err != nil {
				return store.Proceeding{}, err
			}
			if known {
				e.last.Proceeding = found
			}
		}
	}
	return e.last.Proceeding, nil
}
