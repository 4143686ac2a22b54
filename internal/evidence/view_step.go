package evidence

import (
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// stepForm is the list of containment steps of incidents.
func stepForm() form {
	return form{
		View:     View{File: "incident-steps.csv", Title: "containment steps of incidents, on whose word", Kinds: []ledger.Kind{ledger.PlaybookStep}},
		columns:  []string{"login", "group_name", "incident", "playbook", "step", "by", "by_login", "order", "policy"},
		policies: []string{"IncidentResponse"},
		cells:    (*exporter).stepCells,
	}
}

func (e *exporter) stepCells(r ledger.Record) ([]string, error) {
	var body struct {
		Incident string        `json:"incident"`
		Playbook string        `json:"playbook"`
		Step     string        `json:"step"`
		By       access.UserID `json:"by"`
		Order    string        `json:"order"`
		Policy   string        `json:"policy"`
	}
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	login, group, err := e.names(r)
	if err != nil {
		return nil, err
	}
	by, err := e.login(body.By)
	return []string{login, group, body.Incident, body.Playbook, body.Step, string(body.By), by, body.Order, body.Policy}, err
}
