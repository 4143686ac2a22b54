package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/xuri/excelize/v2"
)

var (
	october  = period("2026-10")
	tenth    = time.Date(2026, 10, 10, 9, 0, 0, 0, time.UTC)
	november = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
)

func period(text string) report.Period {
	p, err := report.ParsePeriod(text)
	if err != nil {
		panic(err)
	}
	return p
}

// book is a ledger in memory.
type book struct {
	t       *testing.T
	records []ledger.Record
}

func (b *book) add(e ledger.Entry) {
	b.t.Helper()
	made, err := ledger.Encode(int64(len(b.records)), e)
	if err != nil {
		b.t.Fatal(err)
	}
	b.records = append(b.records, must(ledger.Decode(made.Canonical)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (b *book) walk(fn func(ledger.Record) error) error {
	for _, r := range b.records {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) fact(subject, name string, at time.Time) {
	f := kpi.Fact{ID: subject + "/" + name, Subject: subject, Name: name, At: at, Recorded: at, Source: "pass"}
	b.add(ledger.Entry{Kind: ledger.FactRecorded, At: at, Body: f})
}

func (b *book) change(c change.Change, kind ledger.Kind, at time.Time) {
	b.add(ledger.Entry{Kind: kind, At: at, Change: c.ID, Body: c})
}

// story is a month in which one request was fulfilled in time, one late, one is overdue, and somebody left.
func story(t *testing.T) *book {
	b := &book{t: t}
	b.fact("ACC-1", "request.requested", tenth)
	b.fact("ACC-1", "request.approved", tenth.Add(time.Hour))
	b.fact("ACC-1", "request.provisioned", tenth.Add(2*time.Hour))
	b.fact("ACC-2", "request.requested", tenth)
	b.fact("ACC-2", "request.approved", tenth.Add(3*time.Hour))
	b.fact("ACC-2", "request.provisioned", tenth.Add(30*time.Hour))
	b.fact("ACC-3", "request.requested", tenth.Add(48*time.Hour))
	b.fact("HR-1", "leaver.left", tenth)
	b.fact("HR-1", "leaver.removed", tenth.Add(90*time.Minute))
	c := change.Change{
		ID: "CHG-01M83T4CPTTV4MFCKYG57H9MBX", Kind: change.AddMember, Reason: change.ApprovedTicket, User: "00u1", Group: "00g1",
		Ticket: "ACC-1", Plan: "p1", State: change.Intended, Intended: tenth.Add(2 * time.Hour),
	}
	b.change(c, ledger.ChangeIntended, c.Intended)
	c.State, c.Settled = change.Confirmed, c.Intended.Add(time.Second)
	b.change(c, ledger.ChangeConfirmed, c.Settled)
	b.add(ledger.Entry{Kind: ledger.GrantApproved, At: tenth, Body: change.Grant{
		ID: "1", Ticket: "ACC-1", User: "00u1", Group: "00g1", System: "crm", Role: "Clerk", Approved: tenth.Add(time.Hour),
		Approvals: []change.Proof{{Role: "system-owner", User: "00uo"}},
	}})
	b.add(ledger.Entry{Kind: ledger.RequestRefused, At: tenth})
	f := finding.Finding{Key: "drift/1", Kind: "drift", Title: "=somebody|is here", Raised: tenth}
	b.add(ledger.Entry{Kind: ledger.FindingRaised, At: tenth, Body: f})
	return b
}

func input(t *testing.T, b *book, p report.Period) report.Input {
	t.Helper()
	found, err := report.Collect(b.walk, p)
	if err != nil {
		t.Fatal(err)
	}
	target := must(kpi.ParseTarget("24h"))
	return report.Input{
		Period: p, Found: found, Now: november, Program: "1.2.3",
		Clocks: []kpi.Definition{{
			SOP: "access-provisioning", Name: "fulfilment", Subject: "ticket", Start: []string{"request.requested"},
			Stop: []string{"request.provisioned"}, Targets: map[string]kpi.Target{"": target},
		}},
		SOPs:  []report.SOP{{Name: "access-provisioning", Title: "Access provisioning", Version: "1.0.0", Owner: "IT", NextReview: tenth}},
		Group: func(id string) string { return map[string]string{"00g1": "crm-clerks"}[id] },
	}
}

// cell finds the row whose cells begin with the texts, and returns the cell of the column.
func cell(t *testing.T, r report.Report, section, column string, begins ...string) string {
	t.Helper()
	for _, s := range r.Sections {
		if s.Name != section {
			continue
		}
		at := slices.Index(s.Table.Columns, column)
		for _, row := range s.Table.Rows {
			match := at >= 0
			for i, want := range begins {
				match = match && row[i].Text == want
			}
			if match {
				return row[at].Text
			}
		}
	}
	t.Fatalf("section %s has no row %q with column %s", section, begins, column)
	return ""
}

func TestAMonthTellsWhatWasKeptBrokenAndOverdue(t *testing.T) {
	r := report.Compose(input(t, story(t), october))
	for column, want := range map[string]string{"kept": "1", "broken": "1", "overdue": "1", "attainment": "1 of 3 (33.3 %)", "median": "2 h 0 min"} {
		if got := cell(t, r, "promises", column, "access-provisioning", "fulfilment"); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if got := cell(t, r, "breaches", "ended", "access-provisioning", "fulfilment", "all", "ACC-2"); got != "2026-10-11 15:00" {
		t.Errorf("the late one ended %q", got)
	}
	if got := cell(t, r, "breaches", "ended", "access-provisioning", "fulfilment", "all", "ACC-3"); got != "" {
		t.Errorf("the overdue one ended %q", got)
	}
	if got := cell(t, r, "leavers", "took", "HR-1"); got != "1 h 30 min" {
		t.Errorf("the leaver took %q", got)
	}
	if got := cell(t, r, "procedures", "overdue", "Access provisioning"); got != "yes" {
		t.Errorf("a review that is overdue shows as %q", got)
	}
	if r.Partial {
		t.Error("October is over")
	}
}

func TestASeverityWithoutAPromiseIsNamedOnlyWhereThereIsSomethingOfIt(t *testing.T) {
	b := story(t)
	low := kpi.Fact{ID: "ACC-9/1", Subject: "ACC-9", Name: "request.requested", At: tenth, Recorded: tenth, Source: "pass", Severity: "low"}
	b.add(ledger.Entry{Kind: ledger.FactRecorded, At: tenth, Body: low})
	levels := func(p report.Period) (all []string) {
		in := input(t, b, p)
		in.Clocks[0].Targets = map[string]kpi.Target{"high": must(kpi.ParseTarget("24h"))}
		for _, s := range report.Compose(in).Sections {
			if s.Name == "promises" {
				for _, row := range s.Table.Rows {
					all = append(all, row[2].Text)
				}
			}
		}
		return all
	}
	if got := levels(october); !slices.Contains(got, "low") || !slices.Contains(got, "high") {
		t.Errorf("October names %q", got)
	}
	if got := levels(must(report.ParsePeriod("2026-09"))); !slices.Equal(got, []string{"high"}) {
		t.Errorf("September names %q", got)
	}
}

func TestABreachStaysInEveryPeriodInWhichItIsOverdueAndInNoOther(t *testing.T) {
	b := story(t)
	for name, want := range map[string]int{"2026-09": 0, "2026-10": 2, "2026-11": 1} {
		r := report.Compose(input(t, b, period(name)))
		for _, s := range r.Sections {
			if s.Name == "breaches" && len(s.Table.Rows) != want {
				t.Errorf("%s lists %d breaches, want %d", name, len(s.Table.Rows), want)
			}
		}
	}
}

func TestOnlyOneProcedureIsReportedOnWhenAsked(t *testing.T) {
	in := input(t, story(t), october)
	other := in.Clocks[0]
	other.SOP = "de-provisioning"
	in.Clocks = append(in.Clocks, other)
	in.SOP = "de-provisioning"
	for _, s := range report.Compose(in).Sections {
		if s.Name == "promises" && (len(s.Table.Rows) != 1 || s.Table.Rows[0][0].Text != "de-provisioning") {
			t.Errorf("rows %v", s.Table.Rows)
		}
	}
}

func TestAWeekTellsTheFiguresOfTheDesk(t *testing.T) {
	r := report.Compose(input(t, story(t), period("2026-W41"))) // 5 to 11 October
	for what, want := range map[string]string{
		"requests raised": "2", "requests approved": "2", "average approval time, by the wall clock": "2 h 0 min",
		"median approval time, by the wall clock": "1 h 0 min", "requests refused": "1",
		"self-service rate: fulfilled without a refused or held change": "2 of 2 (100.0 %)",
	} {
		if got := cell(t, r, "operations", "value", what); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
}

func TestARequestWhosePlanWasHeldWasNotSelfService(t *testing.T) {
	b := story(t)
	b.add(ledger.Entry{Kind: ledger.HoldMade, At: tenth, Body: hold.Hold{ID: "HLD-1", PlanHash: "p1", State: hold.Open, Made: tenth}})
	week := report.Compose(input(t, b, period("2026-W41")))
	if got := cell(t, week, "operations", "value", "self-service rate: fulfilled without a refused or held change"); got != "1 of 2 (50.0 %)" {
		t.Errorf("self-service rate %q", got)
	}
}

func TestAChangeShowsAsItStoodLast(t *testing.T) {
	r := report.Compose(input(t, story(t), period("2026-10-10")))
	if got := cell(t, r, "changes", "state", "CHG-01M83T4CPTTV4MFCKYG57H9MBX"); got != "confirmed" {
		t.Errorf("state %q", got)
	}
	if got := cell(t, r, "changes", "group", "CHG-01M83T4CPTTV4MFCKYG57H9MBX"); got != "crm-clerks" {
		t.Errorf("group %q", got)
	}
}

func TestAFindingCountsWhereItWasOpen(t *testing.T) {
	b := story(t)
	f := finding.Finding{Key: "drift/1", Kind: "drift", Raised: tenth}
	b.add(ledger.Entry{Kind: ledger.FindingCleared, At: november, Body: f})
	for name, want := range map[string][2]string{"2026-10": {"1", "1"}, "2026-11": {"0", "0"}} {
		r := report.Compose(input(t, b, period(name)))
		got := [2]string{cell(t, r, "findings", "raised", "drift"), cell(t, r, "findings", "open at the end", "drift")}
		if got != want {
			t.Errorf("%s: raised, open at the end %v, want %v", name, got, want)
		}
	}
	december := report.Compose(input(t, b, period("2026-12")))
	if i := slices.IndexFunc(december.Sections, func(s report.Section) bool { return s.Name == "findings" }); len(december.Sections[i].Table.Rows) != 0 {
		t.Error("December shows a finding that was cleared in November")
	}
}

func TestARecordThatIsNotUnderstoodIsAnErrorThatNamesIt(t *testing.T) {
	b := &book{t: t}
	b.add(ledger.Entry{Kind: ledger.FactRecorded, At: tenth})
	_, err := report.Collect(b.walk, october)
	if !errors.Is(err, access.ErrMalformed) || !strings.Contains(err.Error(), "record 0") {
		t.Errorf("error %v", err)
	}
}

func TestPeriodsAreRead(t *testing.T) {
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	for text, want := range map[string]struct {
		kind     report.Kind
		from, to time.Time
		before   string
	}{
		"2026-10":    {report.Monthly, day(2026, 10, 1), day(2026, 11, 1), "2026-09"},
		"2026-01":    {report.Monthly, day(2026, 1, 1), day(2026, 2, 1), "2025-12"},
		"2026-Q4":    {report.Quarterly, day(2026, 10, 1), day(2027, 1, 1), "2026-Q3"},
		"2026-Q1":    {report.Quarterly, day(2026, 1, 1), day(2026, 4, 1), "2025-Q4"},
		"2026-W01":   {report.Weekly, day(2025, 12, 29), day(2026, 1, 5), "2025-W52"},
		"2026-W53":   {report.Weekly, day(2026, 12, 28), day(2027, 1, 4), "2026-W52"},
		"2024-02-29": {report.Daily, day(2024, 2, 29), day(2024, 3, 1), "2024-02-28"},
		"2026":       {report.Yearly, day(2026, 1, 1), day(2027, 1, 1), "2025"},
	} {
		p, err := report.ParsePeriod(text)
		if err != nil || p.Kind != want.kind || !p.From.Equal(want.from) || !p.To.Equal(want.to) || p.Before().Name != want.before {
			t.Errorf("%s: %+v before %s, %v", text, p, p.Before().Name, err)
		}
		if before := p.Before(); !before.To.Equal(p.From) || must(report.ParsePeriod(before.Name)) != before {
			t.Errorf("%s: the period before is %+v", text, before)
		}
	}
	for _, text := range []string{"", "2026-13", "2026-00", "2026-Q5", "2025-W53", "2026-W00", "2026-02-30", "26-10", "2026-10 ", "october"} {
		if _, err := report.ParsePeriod(text); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheLastPeriodThatIsOver(t *testing.T) {
	now := time.Date(2026, 11, 24, 23, 59, 0, 0, time.UTC)
	for kind, want := range map[report.Kind]string{
		report.Daily: "2026-11-23", report.Weekly: "2026-W47", report.Monthly: "2026-10", report.Quarterly: "2026-Q3", report.Yearly: "2025",
	} {
		if got := report.Ended(kind, now); got != period(want) {
			t.Errorf("%s: %+v, want %s", kind, got, want)
		}
	}
}

func TestASampleIsTheSameForTheSameSeed(t *testing.T) {
	b := &book{t: t}
	for i := range 40 {
		b.fact(fmt.Sprintf("HR-%02d", i), "leaver.left", tenth.Add(time.Duration(i)*time.Minute))
	}
	in := input(t, b, october)
	draw := func(seed uint64) []string {
		r, err := report.Sample(in, report.Draw{Of: report.Leavers, N: 5, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, row := range r.Sections[0].Table.Rows {
			keys = append(keys, row[0].Text)
		}
		return keys
	}
	first := draw(7)
	if diff := cmp.Diff([]string{"HR-08", "HR-12", "HR-21", "HR-37", "HR-38"}, first); diff != "" { // so that it can be drawn again next year
		t.Error(diff)
	}
	if diff := cmp.Diff(first, draw(7)); diff != "" {
		t.Errorf("the second draw differs:\n%s", diff)
	}
	if slices.Equal(first, draw(8)) {
		t.Error("another seed draws the same")
	}
	if !slices.IsSorted(first) || len(slices.Compact(slices.Clone(first))) != 5 {
		t.Errorf("drawn %v", first)
	}
	newest, err := report.Sample(in, report.Draw{Of: report.Leavers, N: 2, Newest: true})
	if err != nil || newest.Sections[0].Table.Rows[1][0].Text != "HR-39" {
		t.Errorf("the newest: %v, %v", newest.Sections, err)
	}
	all, err := report.Sample(in, report.Draw{Of: report.Leavers, N: 1000, Seed: 1})
	if err != nil || len(all.Sections[0].Table.Rows) != 40 {
		t.Errorf("more than there are: %d, %v", len(all.Sections[0].Table.Rows), err)
	}
}

func TestEveryPopulationCanBeDrawnAndNoOther(t *testing.T) {
	in := input(t, story(t), october)
	for _, p := range report.Populations() {
		if _, err := report.Sample(in, report.Draw{Of: p, N: 1}); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	for _, d := range []report.Draw{{Of: "ghosts", N: 1}, {Of: report.Leavers}} {
		if _, err := report.Sample(in, d); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

func TestEveryFormatHoldsTheFiguresAndNoFormula(t *testing.T) {
	r := report.Compose(input(t, story(t), october))
	written := make(map[report.Format]*bytes.Buffer)
	for _, f := range report.Formats() {
		written[f] = &bytes.Buffer{}
		if err := report.Write(written[f], r, f); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
	}
	if text := written[report.Markdown].String(); !strings.Contains(text, "| 1 of 3 (33.3 %) |") || !strings.Contains(text, `=somebody\|is here`) {
		t.Errorf("the markdown lacks a figure, or a cell breaks the table:\n%s", text)
	}
	if text := written[report.HTML].String(); !strings.Contains(text, "1 of 3 (33.3 %)") || !strings.Contains(text, "<svg") || strings.Contains(text, "http://") || strings.Contains(text, "https://") {
		t.Error("the page lacks a figure or its picture, or asks for something from outside")
	}
	rows := csv.NewReader(written[report.CSV])
	rows.FieldsPerRecord = -1
	for _, row := range must(rows.ReadAll()) {
		for _, c := range row {
			if strings.HasPrefix(c, "=") {
				t.Errorf("a cell is a formula: %q", c)
			}
		}
	}
	var back report.Report
	if err := json.Unmarshal(written[report.JSON].Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("JSON does not hold the report (-want +got):\n%s", diff)
	}
	book, err := excelize.OpenReader(written[report.XLSX])
	if err != nil {
		t.Fatal(err)
	}
	if got := must(book.GetCellValue("standing", "B2")); got != "=somebody|is here" {
		t.Errorf("the cell says %q", got)
	}
	if formula := must(book.GetCellFormula("standing", "B2")); formula != "" {
		t.Errorf("the cell has the formula %q", formula)
	}
	if got := must(book.GetCellValue("promises", "E2")); got != "1" {
		t.Errorf("the sheet of promises says %q were kept", got)
	}
	if err := report.Write(&bytes.Buffer{}, r, "pdf"); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("an unknown format: %v", err)
	}
}
