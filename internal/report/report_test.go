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
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/xuri/excelize/v2"
)

var (
	october  = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	december = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
)

func TestPeriodsAreThoseOfTheCalendar(t *testing.T) {
	for text, want := range map[string][2]string{
		"2026": {"2026-01-01", "2027-01-01"}, "2026-Q4": {"2026-10-01", "2027-01-01"}, "2026-10": {"2026-10-01", "2026-11-01"},
		"2026-W48": {"2026-11-23", "2026-11-30"}, "2026-W01": {"2025-12-29", "2026-01-05"}, "2026-W53": {"2026-12-28", "2027-01-04"},
		"2026-11-24": {"2026-11-24", "2026-11-25"},
	} {
		p, err := report.ParsePeriod(text)
		if got := [2]string{p.From.Format(time.DateOnly), p.To.Format(time.DateOnly)}; err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "october", "2026-13", "2026-Q5", "2025-W53", "2026-W00", "2026-11-31", "26-10"} {
		if _, err := report.ParsePeriod(text); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// office is a store with an October in it.
func office(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.OpenURL(t, storetest.NewSQLite(t), func() time.Time { return december })
	storetest.Write(t, s, func(tx *store.Tx) error {
		for i := range 40 {
			at := october.Add(time.Duration(i) * 20 * time.Hour) // until the 3rd of November
			key := ticket.Key(fmt.Sprintf("ACC-%d", i))
			facts := []kpi.Fact{
				{ID: string(key) + "/1", Subject: string(key), Name: "request.requested", At: at, Recorded: at, Source: "pass"},
				{ID: string(key) + "/2", Subject: string(key), Name: "request.approved", At: at.Add(2 * time.Hour), Recorded: at, Source: "pass"},
			}
			if i%2 == 0 {
				facts = append(facts, kpi.Fact{ID: string(key) + "/3", Subject: string(key), Name: "request.provisioned", At: at.Add(3 * time.Hour), Recorded: at, Source: "pass"})
			}
			fields := map[string]ticket.Value{"Satisfaction rating": {Texts: []string{fmt.Sprint(1 + i%5)}}}
			_, factErr := tx.PutFacts(facts)
			_, appendErr := tx.Append(
				ledger.Entry{Kind: ledger.GrantApproved, At: at, Ticket: key, User: access.UserID(fmt.Sprintf("00uperson%d", i)), Body: change.Grant{}},
				ledger.Entry{Kind: ledger.ChangeIntended, At: at, Change: change.NewID(at), Body: change.Change{Kind: change.AddMember, Reason: change.ApprovedTicket}},
				ledger.Entry{Kind: ledger.FindingRaised, At: at, Body: finding.Finding{Kind: "drift", Title: "=somebody"}},
			)
			err := errors.Join(factErr, appendErr, tx.PutTicket(ticket.Ticket{
				ID: ticket.ID(fmt.Sprint(i)), Key: key, Project: "ACC", Type: "Access | request", Created: at, Updated: at, Fields: fields,
			}, at))
			if err != nil {
				return err
			}
		}
		_, err := tx.PutFinding(finding.Finding{Key: "drift/1", Kind: "drift", Title: "open", Raised: october})
		return err
	})
	return s
}

func clock(t *testing.T) kpi.Definition {
	t.Helper()
	target, err := kpi.ParseTarget("3h")
	if err != nil {
		t.Fatal(err)
	}
	d := kpi.Definition{
		SOP: "access-provisioning", Name: "fulfilment", Subject: "request", Start: []string{"request.requested"}, Stop: []string{"request.provisioned"},
		Targets: map[string]kpi.Target{"": target}, Owner: "it",
	}
	if err := kpi.Validate(d); err != nil {
		t.Fatal(err)
	}
	return d
}

func make1(t *testing.T, s *store.Store, o report.Options) report.Report {
	t.Helper()
	var err error
	if o.Period, err = report.ParsePeriod("2026-10"); err != nil {
		t.Fatal(err)
	}
	o.Store, o.Clocks = s, []kpi.Definition{clock(t)}
	r, err := report.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheFiguresOfAMonthAreThoseOfItsFacts(t *testing.T) {
	r := make1(t, office(t), report.Options{})
	got := make(map[string]string)
	for _, f := range r.Figures {
		got[f.Name] = f.Value
	}
	// 38 of the 40 requests lie in October, every second one was given.
	want := map[string]string{
		"average approval time": "2h0m", "self-service rate": "50.0 %", "ticket volume": "38", "satisfaction": "2.9", "policy compliance rate": "50.0 %",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, counts := range map[string][]report.Count{"grants": r.Lists, "drift": r.Findings, "add-member because of approved-ticket": r.Changes, "ACC: Access | request": r.Volume} {
		if !slices.Contains(counts, report.Count{Name: name, N: 38}) {
			t.Errorf("%s: %v", name, counts)
		}
	}
	if !slices.Equal(r.Open, []report.Count{{Name: "drift", N: 1}}) || len(r.Days) != 31 || r.Days[0].Grants != 2 || r.Running {
		t.Errorf("%v, %d days, %+v", r.Open, len(r.Days), r.Days[0])
	}
}

func TestASampleIsDrawnAgainByItsSeedAndOnlyByIt(t *testing.T) {
	s := office(t)
	draw := func(seed uint64) report.Sample {
		return make1(t, s, report.Options{Seed: seed, Samples: []report.Draw{{Of: "grants", N: 9, How: report.Random}}}).Samples[0]
	}
	one := draw(7)
	if one.Population != 38 || len(one.Lines) != 9 || one.Seed != 7 {
		t.Fatalf("%d of %d", len(one.Lines), one.Population)
	}
	if diff := cmp.Diff(one, draw(7)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(one.Lines, draw(8).Lines) {
		t.Error("another seed draws the same")
	}
	seen := make(map[int64]bool)
	for i, l := range one.Lines {
		if seen[l.Seq] || l.Kind != "grant.approved" || l.Explain() != l.Ticket || i > 0 && l.Seq < one.Lines[i-1].Seq {
			t.Errorf("%+v", l)
		}
		seen[l.Seq] = true
	}
	newest := make1(t, s, report.Options{Samples: []report.Draw{{Of: "findings", N: 3, How: report.Newest}, {Of: "leavers", N: 3, How: report.Newest}}}).Samples
	if len(newest[0].Lines) != 3 || newest[0].Lines[2].Seq != 37*3+2 || newest[1].Population != 0 {
		t.Errorf("%+v", newest)
	}
}

func TestEveryFormatHoldsEveryTable(t *testing.T) {
	r := make1(t, office(t), report.Options{Seed: 7, Samples: []report.Draw{{Of: "grants", N: 2, How: report.Random}, {Of: "grants", N: 2, How: report.Newest}}})
	want := []string{"Figures", "Promises", "Evidence", "Changes of access", "Findings raised", "Findings open", "Tickets raised", "Sample of grants", "Newest grants"}
	for _, f := range report.Formats() {
		var w bytes.Buffer
		if err := r.Write(&w, f); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		text := w.String()
		switch f {
		case report.XLSX:
			book, err := excelize.OpenReader(&w)
			if err != nil {
				t.Fatal(err)
			}
			if got := book.GetSheetList(); !slices.Equal(got[1:], want) {
				t.Errorf("sheets %v", got)
			}
		case report.JSON:
			var again report.Report
			if err := json.Unmarshal(w.Bytes(), &again); err != nil || cmp.Diff(r, again) != "" {
				t.Errorf("%v %s", err, cmp.Diff(r, again))
			}
		case report.CSV:
			in := csv.NewReader(&w)
			in.FieldsPerRecord = -1
			if rows, err := in.ReadAll(); err != nil || len(rows) < 20 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
			fallthrough
		case report.Markdown, report.HTML:
			for _, title := range want[1:] {
				if !strings.Contains(text, title) {
					t.Errorf("%s has no %s", f, title)
				}
			}
			if !strings.Contains(text, "seed 7") || !strings.Contains(text, "sopd explain ACC-") {
				t.Errorf("%s does not say how the sample was drawn", f)
			}
		}
		if f == report.HTML && (strings.Count(text, "<rect") != 3*31 || !strings.Contains(text, `class="track"`)) {
			t.Error("the charts are missing")
		}
		if f == report.Markdown && !strings.Contains(text, `Access \| request`) {
			t.Error("a bar in a name breaks the table")
		}
	}
	if err := r.Write(&bytes.Buffer{}, "pdf"); !errors.Is(err, access.ErrInvalid) {
		t.Error(err)
	}
}

func TestWhatCannotBeReportedIsSaid(t *testing.T) {
	s := office(t)
	period := func(text string) report.Period {
		p, err := report.ParsePeriod(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, c := range map[string]struct {
		o    report.Options
		want error
	}{
		"a period to come":          {report.Options{Period: period("2027")}, access.ErrInvalid},
		"an unknown procedure":      {report.Options{Period: period("2026-10"), SOP: "none"}, access.ErrNotFound},
		"a sample of no such thing": {report.Options{Period: period("2026-10"), Samples: []report.Draw{{Of: "unicorns", N: 1}}}, access.ErrInvalid},
	} {
		c.o.Store, c.o.Clocks = s, []kpi.Definition{clock(t)}
		if _, err := report.Make(t.Context(), c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "leavers", "leavers=", "leavers=0", "leavers=x", "unicorns=3"} {
		if _, err := report.ParseDraw(text, report.Random); !errors.Is(err, access.ErrInvalid) || !strings.Contains(err.Error(), "leavers") {
			t.Errorf("%q: %v", text, err)
		}
	}
	now := report.Options{Period: period("2026-12"), Store: s}
	if _, err := report.Make(t.Context(), now); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("a month that begins now: %v", err)
	}
	now.Period = period("2026-Q4")
	if r, err := report.Make(t.Context(), now); err != nil || !r.Running || len(r.Days) != 61 {
		t.Errorf("a quarter that runs: %v, %d days, %v", r.Running, len(r.Days), err)
	}
}
