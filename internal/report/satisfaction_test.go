package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/report"
)

// rate records a rating.
func (b *book) rate(subject, rating string, at time.Time) {
	f := kpi.Fact{ID: subject + rating + at.String(), Subject: subject, Name: "ticket.rated." + rating, At: at, Recorded: at, Source: "pass"}
	b.add(ledger.Entry{Kind: ledger.FactRecorded, At: at, Body: f})
}

func satisfaction(t *testing.T, b *book) report.Section {
	t.Helper()
	r := report.Compose(input(t, b, period("2026-W41"))) // 5 to 11 October
	i := slices.IndexFunc(r.Sections, func(s report.Section) bool { return s.Name == "satisfaction" })
	if i < 0 {
		t.Fatal("the week says nothing of satisfaction")
	}
	return r.Sections[i]
}

func TestTheWeekSaysWhatCustomersSaidAndHowManyDid(t *testing.T) {
	b := story(t) // ACC-1 was fulfilled in the week, and ACC-2
	b.rate("ACC-1", "2", tenth.Add(3*time.Hour))
	b.rate("ACC-1", "5", tenth.Add(4*time.Hour)) // on second thoughts
	b.rate("SEC-9", "4", tenth.Add(5*time.Hour)) // another procedure's
	b.rate("ACC-7", "1", tenth.AddDate(0, 0, 9)) // after the week
	b.rate("ACC-8", "9", tenth)                  // no rating
	s := satisfaction(t, b)
	want := map[string]string{"average rating": "4.50 of 5", "tickets rated in the period": "2", "fulfilled requests that were rated since": "1 of 2 (50.0 %)"}
	got := map[string]string{}
	for _, row := range s.Table.Rows {
		got[row[0].Text] = row[1].Text
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	bars := []report.Bar{{Label: "5 of 5", Part: 1, Total: 2}, {Label: "4 of 5", Part: 1, Total: 2}, {Label: "3 of 5", Total: 2}, {Label: "2 of 5", Total: 2}, {Label: "1 of 5", Total: 2}}
	if s.Chart == nil || !s.Chart.Parts || !cmp.Equal(s.Chart.Bars, bars) {
		t.Errorf("chart %+v", s.Chart)
	}
}

func TestAWeekWithoutRatingsHasNoAverage(t *testing.T) {
	b := story(t)
	b.rate("ACC-1", "5", tenth.AddDate(0, 0, 9))
	s := satisfaction(t, b)
	if s.Table.Rows[0][1].Text != "–" || s.Chart != nil {
		t.Errorf("%+v", s)
	}
	if s := satisfaction(t, story(t)); len(s.Table.Rows) != 0 || !strings.Contains(s.Text, "No ticket carries a rating") {
		t.Errorf("where no ticket carries one: %+v", s)
	}
}

func TestAPageShowsNoFailureWhereNothingWasMeasured(t *testing.T) {
	r := report.Report{Title: "x", Sections: []report.Section{
		{Name: "a", Title: "a", Table: report.Table{Columns: []string{"name", "n", "m"}, Rows: [][]report.Cell{
			{{Text: "busy"}, {Text: "1", Number: new(float64)}, {Text: "–"}}, {{Text: "idle"}, {Text: "0", Number: new(float64)}, {Text: "0", Number: new(float64)}},
		}}, Chart: &report.Chart{Title: "c", Bars: []report.Bar{{Label: "none", Total: 0}, {Label: "some", Part: 1, Total: 2}}}},
		{Name: "b", Title: "b", Text: "Only a text."},
	}}
	*r.Sections[0].Table.Rows[0][1].Number = 1
	var page strings.Builder
	if err := report.Write(&page, r, report.HTML); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"nothing to measure", `<th class="n">n</th>`, `<tr class="idle"><td class="s">idle</td>`, `<td class="n">–</td>`, "Only a text."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if n := strings.Count(text, "#c0392b"); n != 1 || strings.Contains(text, "None.") {
		t.Errorf("%d bars show a failure:\n%s", n, text)
	}
	for _, f := range report.Formats() {
		if err := report.Write(&page, r, f); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}
