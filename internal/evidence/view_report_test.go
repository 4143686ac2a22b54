package evidence_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/ledger"
)

func TestAnExportListsTheReportsThatWereSentWithTheHashOfEachFile(t *testing.T) {
	a := newArchive(t)
	a.autumn(4)
	a.append(ledger.Entry{Kind: ledger.ReportMade, At: october.AddDate(0, 0, 5), Body: map[string]any{
		"key": "report/r/month@2026-09", "report": "r/month", "period": "2026-09", "policy": "r@1.0.0", "records": 7,
		"files": []map[string]any{{"name": "month-2026-09.md", "sha256": "ab"}, {"name": "month-2026-09.xlsx", "sha256": "cd"}},
	}})
	a.clock.now = a.clock.now.Add(time.Minute)
	a.sign()
	out, _ := a.export()
	all := rows(t, filepath.Join(out, "reports.csv"))
	want := map[string][]string{
		"report": {"r/month"}, "period": {"2026-09"}, "policy": {"r@1.0.0"}, "records": {"7"}, "purpose": {"report/r/month@2026-09"},
		"files": {"month-2026-09.md sha256:ab; month-2026-09.xlsx sha256:cd"},
	}
	got := make(map[string][]string)
	for name := range want {
		got[name] = column(t, all, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Error(err)
	}
}
