package evidence_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/xuri/excelize/v2"
)

// inForce records policies as in force from the archive's time on.
func (a *archive) inForce(version, text string) {
	a.t.Helper()
	effective := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	err := evidence.RecordPolicies(a.t.Context(), a.store, map[string]string{"access.yaml": text, "leavers.yaml": "leavers"}, []evidence.PolicySOP{
		{Kind: "AccessProvisioning", Name: "access-provisioning", Title: "Access", Version: version, Effective: effective, Controls: []string{"SOC2:CC6.1", "ISO27001:A.5.15"}},
		{Kind: "Deprovisioning", Name: "de-provisioning", Title: "Leavers", Version: "2.0.0", Effective: effective, Controls: []string{"SOC2:CC6.3"}},
	})
	if err != nil {
		a.t.Fatal(err)
	}
}

// withPolicies is an autumn in which a procedure changed in the middle of October.
func withPolicies(t *testing.T) *archive {
	t.Helper()
	a := newArchive(t)
	a.inForce("1.0.0", "one")
	a.inForce("1.0.0", "one") // a restart
	start := a.clock.now
	a.clock.now = october.AddDate(0, 0, 14)
	a.inForce("1.1.0", "two")
	a.clock.now = start
	a.autumn(20)
	return a
}

func TestThePoliciesInForceAreInTheExportWithTheirTextAndTimes(t *testing.T) {
	a := withPolicies(t)
	out, m := a.export()
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Fatal(err)
	}
	if m.Kinds["policy.loaded"] != 1 {
		t.Errorf("%d put in force in October", m.Kinds["policy.loaded"])
	}
	text := string(readAll(t, os.DirFS(out), evidence.FilePolicies))
	if strings.Count(text, "\n") != 4 || !strings.Contains(text, `"text":"one"`) || !strings.Contains(text, `"until":"2026-10-15`) || !strings.Contains(text, `"text":"two"`) {
		t.Error(text)
	}
	controls := rows(t, filepath.Join(out, evidence.FileControls))
	if got := column(t, controls, "control"); !slices.Equal(got, []string{"ISO27001:A.5.15", "ISO27001:A.5.15", "SOC2:CC6.1", "SOC2:CC6.1", "SOC2:CC6.3", "SOC2:CC6.3"}) {
		t.Error(got)
	}
	if lists := column(t, controls, "lists"); !strings.Contains(lists[0], "grants.csv") || !strings.Contains(lists[4], "leavers.csv") {
		t.Error(lists)
	}
	page := string(readAll(t, os.DirFS(out), evidence.FileIndex))
	for _, want := range []string{"access-provisioning", "1.0.0", "1.1.0", "2026-09-01", "SOC2:CC6.3", "end of the period"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
}

func TestAFilterNarrowsPageAndWorkbookAndLeavesThePopulationWhole(t *testing.T) {
	a := withPolicies(t)
	whole, _ := a.export()
	for name, c := range map[string]struct {
		filter      evidence.Filter
		shown, left string
	}{
		"a control":   {evidence.Filter{Framework: "SOC2:CC6.3"}, "leavers", "grants"},
		"a framework": {evidence.Filter{Framework: "ISO27001"}, "grants", "leavers"},
		"a procedure": {evidence.Filter{SOP: "de-provisioning"}, "leavers", "grants"},
	} {
		o := a.options(filepath.Join(t.TempDir(), "export"))
		o.Filter = c.filter
		if _, err := evidence.Export(t.Context(), o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := verify(t, o.Out, a.key.Public()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sheets := workbookSheets(t, o.Out)
		if !slices.Contains(sheets, c.shown) || slices.Contains(sheets, c.left) || !slices.Contains(sheets, "statement") {
			t.Errorf("%s: %v", name, sheets)
		}
		if !bytes.Equal(readAll(t, os.DirFS(o.Out), "grants.csv"), readAll(t, os.DirFS(whole), "grants.csv")) {
			t.Errorf("%s: the population is another", name)
		}
	}
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.Filter.Framework = "HIPAA"
	if _, err := evidence.Export(t.Context(), o); !errors.Is(err, access.ErrInvalid) || !strings.Contains(err.Error(), "SOC2:CC6.1") {
		t.Errorf("a framework that nothing serves: %v", err)
	}
	if _, err := os.Stat(o.Out); !os.IsNotExist(err) {
		t.Error("something was left behind")
	}
}

func workbookSheets(t *testing.T, out string) []string {
	t.Helper()
	book, err := excelize.OpenFile(filepath.Join(out, evidence.FileWorkbook))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	return book.GetSheetList()
}

func TestTheWorkbookHoldsTheListsAndNoFormula(t *testing.T) {
	a := newArchive(t)
	a.autumn(12)
	a.append(ledger.Entry{Kind: ledger.BaselineAdopted, At: october.Add(time.Hour), Body: map[string]any{"by": " _x0041_ <&>\"' é ", "reviewBy": november}})
	out, m := a.export()
	book, err := excelize.OpenFile(filepath.Join(out, evidence.FileWorkbook))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for _, v := range m.Views {
		sheet := strings.TrimSuffix(v.File, ".csv")
		got, err := book.GetRows(sheet)
		if err != nil || int64(len(got)) != v.Rows+1 {
			t.Errorf("%s: %d rows, want %d and a heading: %v", sheet, len(got), v.Rows, err)
		}
		list := rows(t, filepath.Join(out, v.File))
		for r, row := range got {
			for c := range row {
				if row[c] != list[r][c] {
					t.Errorf("%s row %d is %q, the list has %q", sheet, r+1, row[c], list[r][c])
				}
				cell, err := excelize.CoordinatesToCellName(c+1, r+1)
				if err != nil {
					t.Fatal(err)
				}
				if formula, err := book.GetCellFormula(sheet, cell); err != nil || formula != "" {
					t.Errorf("%s %s runs %q, %v", sheet, cell, formula, err)
				}
			}
		}
	}
	titles, err := book.GetCols("findings")
	if err != nil || !slices.Contains(titles[9], "'=somebody is in a group without a ticket") {
		t.Errorf("%v %v", titles[9], err)
	}
}

func TestAnIncompleteExportSaysSoOnEveryPage(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	a.write(func(tx *store.Tx) error {
		_, err := tx.PutFinding(findingOf("unreadable/00gpayments", a.clock.now))
		return errors.Join(err, tx.PutBadTicket("ACC-666", "malformed answer", a.clock.now), tx.SetCursor("jira.tickets", "", october))
	})
	o := a.options(filepath.Join(t.TempDir(), "export"))
	_, err := evidence.Export(t.Context(), o)
	for _, want := range []string{"jira.tickets", "00gpayments", "ACC-666", "--incomplete"} {
		if !errors.Is(err, access.ErrIncomplete) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	o.Gaps = evidence.Stamped
	m, err := evidence.Export(t.Context(), o)
	if err != nil || len(m.Incomplete) != 3 {
		t.Fatalf("%v, %v", m.Incomplete, err)
	}
	v, err := verify(t, o.Out, a.key.Public())
	if err != nil || len(v.Manifest.Incomplete) != 3 {
		t.Errorf("%v, %v", v.Manifest.Incomplete, err)
	}
	newScript(t).expect(t, copyOf(t, o.Out), a.key.Public(), 0)
	if page := string(readAll(t, os.DirFS(o.Out), evidence.FileIndex)); !strings.Contains(page, `<div class="stamp">INCOMPLETE`) || !strings.Contains(page, "ACC-666") {
		t.Error("the page is not stamped")
	}
	book, err := excelize.OpenFile(filepath.Join(o.Out, evidence.FileWorkbook))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for _, sheet := range book.GetSheetList() {
		if first, err := book.GetCellValue(sheet, "A1"); err != nil || !strings.HasPrefix(first, "INCOMPLETE") {
			t.Errorf("sheet %s begins with %q, %v", sheet, first, err)
		}
	}
}

func TestTextsOfTicketsAreInTheExportOnlyWhenAskedFor(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	out, _ := a.export()
	if bytes.Contains(readAll(t, os.DirFS(out), evidence.FileTickets), []byte("cmd()")) {
		t.Error("a title is shown")
	}
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.Texts = evidence.Shown
	if _, err := evidence.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readAll(t, os.DirFS(o.Out), evidence.FileTickets), []byte("cmd()")) {
		t.Error("the titles are missing")
	}
}

func TestWhatAPseudonymMeansCannotBeChanged(t *testing.T) {
	a := newArchive(t)
	a.autumn(12)
	out, _ := a.export()
	good := copyOf(t, out)
	script := newScript(t)
	for name, edit := range map[string]func(string) string{
		"another person": func(s string) string { return strings.Replace(s, "00uperson", "00upersom", 1) },
		"another key":    func(s string) string { return strings.Replace(s, `"key":"`, `"key":"AAAA`, 1) },
		"a person twice": func(s string) string { return s + s[:strings.Index(s, "\n")+1] },
		"no JSON":        func(s string) string { return "x" + s },
	} {
		f := forger{t: t, files: clone(good), key: a.key}
		before := string(f.files[evidence.FilePeople].Data)
		after := edit(before)
		if after == before {
			t.Fatalf("%s edits nothing", name)
		}
		f.files[evidence.FilePeople].Data = []byte(after)
		f.resign(asItIs)
		var fault *evidence.Fault
		if _, err := evidence.Verify(f.files, a.key.Public()); !errors.As(err, &fault) || fault.File != evidence.FilePeople {
			t.Errorf("%s: %v", name, err)
		}
		script.expect(t, f.files, a.key.Public(), 5)
	}
	f := forger{t: t, files: clone(good), key: a.key}
	f.files[evidence.FilePeople].Data = nil
	f.resign(asItIs)
	if _, err := evidence.Verify(f.files, a.key.Public()); err == nil {
		t.Error("persons whom the lists name and the file does not are not found")
	}
	script.expect(t, f.files, a.key.Public(), 5)
}

func TestAccessByARuleOfAPolicyNeedsNoTicket(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	members := []access.UserID{"00ubirthright"}
	for i := range 8 {
		members = append(members, user(i).ID)
	}
	a.observe(members...)
	a.write(func(tx *store.Tx) error {
		return tx.PutGrant(change.Grant{
			ID: "birthright/00gpayments/00ubirthright", User: "00ubirthright", Group: payments, Policy: "access-provisioning@1.0.0", Reason: change.Birthright, Approved: october,
		})
	})
	_, m := a.export()
	for kind, n := range m.Comparison.Orphans {
		if n != 0 {
			t.Errorf("%d of %q", n, kind)
		}
	}
	if m.Comparison.Granted != 9 {
		t.Errorf("%d of %d with a grant", m.Comparison.Granted, m.Comparison.Memberships)
	}
}
