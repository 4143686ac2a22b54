package evidence

import (
	"cmp"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// pageForm is the list of what reached the pager.
func pageForm() form {
	return form{
		View: View{
			File: "pages.csv", Title: "pages, and notes and closes on alerts, that reached the pager", Kinds: []ledger.Kind{ledger.PageSent, ledger.AlertTold},
		},
		columns:  []string{"kind", "alert", "what", "about"},
		policies: []string{"IncidentResponse", "Watch", "Guards"},
		cells:    pageCells,
	}
}

// pageCells tells a page by the finding that it is about, and a word on an alert by the effect that it came of.
func pageCells(_ *exporter, r ledger.Record) ([]string, error) {
	var body struct {
		Kind  string `json:"kind"`
		Key   string `json:"key"`
		Alert string `json:"alert"`
		Title string `json:"title"`
	}
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	return []string{string(r.Kind), body.Alert, body.Kind, cmp.Or(body.Title, body.Key)}, nil
}
