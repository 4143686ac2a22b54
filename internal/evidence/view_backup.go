package evidence

import (
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// backupForm is the list of restore tests.
func backupForm() form {
	return form{
		View:     View{File: "restore-tests.csv", Title: "restore tests of the backups, with their outcome", Kinds: []ledger.Kind{ledger.BackupTested}},
		columns:  []string{"file", "method", "taken", "age_hours", "duration_seconds", "records", "outcome"},
		policies: []string{"BackupRecovery", "RecurringTasks"},
		cells:    (*exporter).restoreTestCells,
	}
}

func (e *exporter) restoreTestCells(r ledger.Record) ([]string, error) {
	var body struct {
		File           string    `json:"file"`
		Method         string    `json:"method"`
		Taken          time.Time `json:"taken"`
		AgeSeconds     int64     `json:"ageSeconds"`
		DurationMillis int64     `json:"durationMillis"`
		Records        int64     `json:"records"`
		Failed         string    `json:"failed"`
	}
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	outcome := "restored and verified"
	if body.Failed != "" {
		outcome = "failed: " + body.Failed
	}
	return []string{
		body.File, body.Method, iso(body.Taken), strconv.FormatFloat(float64(body.AgeSeconds)/3600, 'f', 2, 64),
		strconv.FormatFloat(float64(body.DurationMillis)/1000, 'f', 3, 64), strconv.FormatInt(body.Records, 10), outcome,
	}, nil
}
