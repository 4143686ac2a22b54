package evidence

import (
	"strconv"
	"strings"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// reportForm is the list of reports that were made to be sent, with the hashes of their files.
func reportForm() form {
	return form{
		View:     View{File: "reports.csv", Title: "reports that were made on schedule", Kinds: []ledger.Kind{ledger.ReportMade}},
		columns:  []string{"report", "period", "policy", "records", "files", "purpose"},
		policies: []string{"Reports"},
		cells:    (*exporter).reportCells,
	}
}

func (*exporter) reportCells(r ledger.Record) ([]string, error) {
	var body struct {
		Key     string `json:"key"` // of the effect that opened the ticket
		Report  string `json:"report"`
		Period  string `json:"period"`
		Policy  string `json:"policy"`
		Records int64  `json:"records"`
		Files   []struct {
			Name   string `json:"name"`
			SHA256 string `json:"sha256"`
		} `json:"files"`
	}
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	files := make([]string, len(body.Files))
	for i, f := range body.Files {
		files[i] = f.Name + " sha256:" + f.SHA256
	}
	return []string{body.Report, body.Period, body.Policy, strconv.FormatInt(body.Records, 10), strings.Join(files, "; "), body.Key}, nil
}
