package evidence

import (
	"strings"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// refusalForm is the list of requests that were refused, with the causes.
func refusalForm() form {
	return form{
		View:     View{File: "refusals.csv", Title: "requests that were refused, with the causes", Kinds: []ledger.Kind{ledger.RequestRefused}},
		columns:  []string{"login", "outcome", "problems", "waiting_for", "policy"},
		policies: []string{"AccessProvisioning"},
		cells:    (*exporter).refusalCells,
	}
}

func (e *exporter) refusalCells(r ledger.Record) ([]string, error) {
	var body struct {
		Outcome    string   `json:"outcome"`
		Problems   []string `json:"problems"`
		WaitingFor []string `json:"waitingFor"`
		Policy     string   `json:"policy"`
	}
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	login, err := e.login(r.User)
	return []string{login, body.Outcome, strings.Join(body.Problems, "; "), strings.Join(body.WaitingFor, "; "), body.Policy}, err
}
