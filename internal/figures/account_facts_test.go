package figures_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// The days of the account: acts happen in the first part, limits may reach into the rest.
const (
	actingDays = 16
	allDays    = 44
)

// place is a house with the calendar that a policy would give it, and days on which something is odd there.
type place struct {
	name   string
	house  house
	policy calendar.Definition
	odd    []string // the account begins on one of these
}

func everyDay(days [7]bool, hours ...[2]int) [7][][2]int {
	var week [7][][2]int
	for i := range week {
		if days[i] {
			week[i] = hours
		}
	}
	return week
}

var weekdays = [7]bool{false, true, true, true, true, true, false}

func weekOf(week [7][][2]int) calendar.Week {
	var out calendar.Week
	for i, hours := range week {
		for _, h := range hours {
			out[i] = append(out[i], calendar.Interval{From: h[0], To: h[1]})
		}
	}
	return out
}

// closed are dates without work.
func closed(dates ...string) map[string][][2]int {
	out := map[string][][2]int{}
	for _, d := range dates {
		out[d] = nil
	}
	return out
}

// places are an office with a lunch break and new hours in summer, one on the other side of the Atlantic, and a night shift
// whose hours the change of the clocks makes longer and shorter.
//
// Source of the holidays of 2026: service-public.fr, "Jours fériés"; opm.gov, "Federal Holidays".
func places() []place {
	before, after := everyDay(weekdays, [2]int{540, 750}, [2]int{810, 1080}), everyDay(weekdays, [2]int{480, 720}, [2]int{780, 960})
	paris := house{zone: "Europe/Paris", dates: closed("2026-01-01", "2026-04-06", "2026-05-01", "2026-05-08", "2026-05-14", "2026-05-25", "2026-07-14",
		"2026-08-15", "2026-11-01", "2026-11-11", "2026-12-25", "2027-01-01", "2026-12-24")}
	paris.dates["2026-12-31"] = [][2]int{{540, 720}}
	paris.hours = func(date string) [7][][2]int {
		if date < "2026-07-06" {
			return before
		}
		return after
	}
	york := house{zone: "America/New_York", dates: closed("2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-09-07",
		"2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25", "2027-01-01")}
	york.hours = func(string) [7][][2]int { return everyDay(weekdays, [2]int{480, 1020}) }
	nights := house{zone: "Europe/Paris", hours: func(string) [7][][2]int {
		return everyDay([7]bool{true, true, true, true, true, true, true}, [2]int{0, 360}, [2]int{1320, 1440})
	}}
	always := house{zone: "UTC", hours: func(string) [7][][2]int {
		return everyDay([7]bool{true, true, true, true, true, true, true}, [2]int{0, 1440})
	}}
	return []place{
		{"paris", paris, calendar.Definition{Name: "paris", Zone: paris.zone, Versions: []calendar.Version{
			{Week: weekOf(before), Regions: []string{"fr"}},
			{
				From: calendar.Date{Year: 2026, Month: 7, Day: 6}, Week: weekOf(after), Regions: []string{"fr"},
				Closed:  []calendar.Date{{Year: 2026, Month: 12, Day: 24}},
				Special: []calendar.Special{{Date: calendar.Date{Year: 2026, Month: 12, Day: 31}, Hours: []calendar.Interval{{From: 540, To: 720}}}},
			},
		}}, []string{"2026-03-24", "2026-04-27", "2026-06-26", "2026-10-19", "2026-12-18"}},
		{"new-york", york, calendar.Definition{Name: "new-york", Zone: york.zone, Versions: []calendar.Version{
			{Week: weekOf(york.hours("")), Regions: []string{"us"}},
		}}, []string{"2026-03-02", "2026-05-20", "2026-06-25", "2026-10-26", "2026-11-19"}},
		{"nights", nights, calendar.Definition{Name: "nights", Zone: nights.zone, Versions: []calendar.Version{
			{Week: weekOf(nights.hours(""))},
		}}, []string{"2026-03-25", "2026-10-20"}},
		{"always", always, calendar.Definition{Name: "always", Zone: "UTC", Versions: []calendar.Version{{Week: calendar.AllDay()}}}, []string{"2026-02-20", "2026-07-20"}},
	}
}

// lookUp makes the account of a place from a day on.
func (p place) lookUp(t *testing.T, began time.Time) account {
	t.Helper()
	zone, err := time.LoadLocation(p.house.zone)
	if err != nil {
		t.Fatal(err)
	}
	a := account{limits: map[string]limit{"high": {minutes: 4 * 60}, "low": {days: 2}, "": {days: 3}}, warnUsed: 75, warnLeft: 60}
	if p.name == "nights" || p.name == "always" {
		a.limits = map[string]limit{"high": {minutes: 45}, "low": {minutes: 30 * 60}, "": {minutes: 12 * 60}}
	}
	for minute := range allDays * 24 * 60 {
		at := began.Add(time.Duration(minute) * time.Minute)
		a.works = append(a.works, p.house.open(at, zone))
		a.date = append(a.date, at.In(zone).Format(time.DateOnly))
	}
	return a
}

// promise is the clock that a policy would make of the account.
func (p place) promise(t *testing.T, a account) kpi.Definition {
	t.Helper()
	c, err := calendar.New(p.policy)
	if err != nil {
		t.Fatal(err)
	}
	d := kpi.Definition{
		SOP: "sop", Name: "promise", Subject: "ticket", Start: []string{"created"}, Pause: []string{"hold"}, Resume: []string{"resume"}, Stop: []string{"done"},
		Cancel: []string{"withdrawn"}, Reopen: []string{"reopened"}, Targets: map[string]kpi.Target{}, Calendar: c, Owner: "desk",
	}
	for severity, l := range a.limits {
		text := fmt.Sprintf("%dm", l.minutes)
		if l.days > 0 {
			text = fmt.Sprintf("%dbd", l.days)
		}
		if d.Targets[severity], err = kpi.ParseTarget(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{fmt.Sprintf("%d%%", a.warnUsed), fmt.Sprintf("%dm", a.warnLeft)} {
		w, err := kpi.ParseWarning(text)
		if err != nil {
			t.Fatal(err)
		}
		d.Warn = append(d.Warn, w)
	}
	return d
}

// teller makes facts of what truly happened, as careless people and slow systems would: late, out of order, twice, wrong at
// first and corrected, or made up and taken back.
type teller struct {
	*rand.Rand
	began time.Time
	facts []kpi.Fact
	n     int
}

func (w *teller) at(minute int) time.Time { return w.began.Add(time.Duration(minute) * time.Minute) }

func (w *teller) tell(ticket string, f kpi.Fact, recorded time.Time) kpi.Fact {
	if f.ID == "" {
		w.n++
		f.ID = fmt.Sprintf("%s/%d", ticket, w.n)
	}
	f.Subject, f.Recorded, f.Source = ticket, recorded, "test"
	w.facts = append(w.facts, f)
	if w.IntN(8) == 0 {
		w.facts = append(w.facts, f)
	}
	return f
}

// act tells one act.
func (w *teller) act(ticket string, a act) {
	truth := kpi.Fact{Name: a.what, At: w.at(a.minute), Severity: a.severity}
	known := truth.At.Add(time.Duration(w.IntN(3000)) * time.Minute)
	switch w.IntN(6) {
	case 0: // it was another time, and perhaps something else
		wrong := kpi.Fact{Name: a.what, At: truth.At.Add(time.Duration(w.IntN(4000)-2000) * time.Minute), Severity: "high"}
		if w.IntN(2) == 0 {
			wrong.Name = []string{"created", "done", "hold", "reopened"}[w.IntN(4)]
		}
		wrong = w.tell(ticket, wrong, known)
		truth.Corrects = wrong.ID
		if w.IntN(2) == 0 { // the correction was wrong too
			again := truth
			again.At = again.At.Add(90 * time.Minute)
			again = w.tell(ticket, again, known.Add(time.Hour))
			truth.Corrects = again.ID
		}
		w.tell(ticket, truth, known.Add(2*time.Hour))
	case 1: // something was made up besides
		made := w.tell(ticket, kpi.Fact{Name: []string{"created", "done", "withdrawn", "resume"}[w.IntN(4)], At: truth.At.Add(-7 * time.Minute)}, known)
		w.tell(ticket, kpi.Fact{Corrects: made.ID, At: made.At}, known.Add(time.Hour))
		w.tell(ticket, truth, known)
	default:
		w.tell(ticket, truth, known)
	}
}

// history draws what truly happens to a ticket. No two acts are in one minute, and nothing ends before it began.
func history(r *rand.Rand, a account, months []int) []act {
	minute := r.IntN((actingDays - 6) * 24 * 60)
	if r.IntN(3) == 0 {
		minute = a.opening(minute)
	}
	acts := []act{{minute, "created", []string{"", "high", "low", "odd"}[r.IntN(4)]}}
	for range r.IntN(8) {
		minute += 1 + []int{r.IntN(90), r.IntN(90), r.IntN(12 * 60), r.IntN(3 * 24 * 60)}[r.IntN(4)]
		switch m := months[r.IntN(len(months))]; r.IntN(6) { // exactly at the end of a month, and of a limit
		case 0:
			if m > acts[len(acts)-1].minute {
				minute = m
			}
		case 1:
			if due := a.ends(turn{from: acts[0].minute, to: -1, severity: acts[0].severity}, acts[0].minute); due > acts[len(acts)-1].minute {
				minute = due
			}
		}
		if minute >= actingDays*24*60 {
			break
		}
		next := act{minute: minute, what: []string{"hold", "resume", "resume", "done", "done", "withdrawn", "reopened", "reopened", "created", "triaged"}[r.IntN(10)]}
		if next.what == "triaged" || next.what == "created" {
			next.severity = []string{"high", "low", ""}[r.IntN(3)]
		}
		acts = append(acts, next)
	}
	return acts
}

// sheetOfEngine is what the engine says, in the account's words.
func (a account) sheetOfEngine(s kpi.Summary, began time.Time) sheet {
	out := sheet{
		met: s.Met, breached: s.Breached, dropped: s.Cancelled, onTrack: s.Open.OnTrack, atRisk: s.Open.AtRisk, overdue: s.Open.Breached, standsStill: s.Open.Paused,
		kept: s.Attainment.Part, measured: s.Attainment.Total, median: int(s.Median / time.Minute), p95: int(s.P95 / time.Minute), next: -1,
	}
	if s.Next != nil {
		out.next = a.opening(int(s.Next.Due.Sub(began) / time.Minute))
	}
	return out
}

func TestEveryFigureIsThatOfASecondAccount(t *testing.T) {
	for _, p := range places() {
		for n, day := range p.odd {
			t.Run(p.name+" "+day, func(t *testing.T) {
				began, err := time.Parse(time.DateOnly, day)
				if err != nil {
					t.Fatal(err)
				}
				a := p.lookUp(t, began)
				d := p.promise(t, a)
				for seed := range uint64(12) {
					compare(t, rand.New(rand.NewPCG(seed, uint64(n))), a, d, began, seed < 2)
				}
			})
		}
	}
}

// compare plays some tickets and compares every figure of every severity, for months that begin and end around them, as they
// stand at several times.
func compare(t *testing.T, r *rand.Rand, a account, d kpi.Definition, began time.Time, stored bool) {
	t.Helper()
	month := time.Date(began.Year(), began.Month(), 1, 0, 0, 0, 0, time.UTC)
	var months []int
	for i := range 3 {
		months = append(months, int(month.AddDate(0, i, 0).Sub(began)/time.Minute))
	}
	w := &teller{Rand: r, began: began}
	tickets := map[string][]act{}
	count := 6
	if r.IntN(6) == 0 {
		count = 60 // enough to tell the 95th percentile from the 90th
	}
	for i := range count {
		key := fmt.Sprintf("T-%d", i)
		tickets[key] = history(r, a, months)
		for _, x := range tickets[key] {
			w.act(key, x)
		}
	}
	r.Shuffle(len(w.facts), func(i, j int) { w.facts[i], w.facts[j] = w.facts[j], w.facts[i] })
	facts := w.facts
	if stored {
		facts = kept(t, d, w)
	}
	for _, now := range []int{actingDays * 24 * 60, r.IntN(actingDays * 24 * 60), months[1]} {
		now = min(max(now, 0), actingDays*24*60)
		var all []turn
		for key, acts := range tickets {
			all = append(all, turns(key, acts, now)...)
		}
		for _, promise := range figures.Promises([]kpi.Definition{d}, facts, w.at(now)) {
			for i := range months[1:] {
				period := kpi.Period{From: w.at(months[i]), To: w.at(months[i+1])}
				summary := kpi.Summarise(promise.Cycles, period, w.at(now))
				got, want := a.sheetOfEngine(summary, began), a.sheetOf(all, promise.Severity, months[i], months[i+1], now)
				if now > months[i+1] { // when it was due, without what came later, is not told of a past period
					got.next, want.next = -1, -1
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(sheet{})); diff != "" {
					t.Fatalf("severity %q in %v at %v: %s\ntickets: %+v", promise.Severity, period, w.at(now), diff, tickets)
				}
			}
		}
	}
}

// kept keeps the facts in a store, each when it was recorded, and returns them as the store has them. Nothing that the store
// has computed on the way differs from what its ledger gives.
func kept(t *testing.T, d kpi.Definition, w *teller) []kpi.Fact {
	t.Helper()
	at := w.began
	s := storetest.OpenURL(t, storetest.NewSQLite(t), func() time.Time { return at })
	facts := slices.Clone(w.facts)
	slices.SortStableFunc(facts, func(a, b kpi.Fact) int { return a.Recorded.Compare(b.Recorded) })
	for _, f := range facts {
		at = f.Recorded
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.RecordFacts("", f)
			return err
		})
		if w.IntN(4) == 0 {
			storetest.Write(t, s, func(tx *store.Tx) error { return figures.Project(tx, []kpi.Definition{d}) })
		}
	}
	at = w.at(actingDays * 24 * 60).Add(72 * time.Hour)
	if err := figures.Refresh(t.Context(), s, []kpi.Definition{d}); err != nil {
		t.Fatal(err)
	}
	v, err := figures.Verify(t.Context(), s, []kpi.Definition{d})
	if err != nil || len(v.Differences) != 0 {
		t.Errorf("the store's figures differ: %v, %v", v.Differences, err)
	}
	read, err := figures.ReadFacts(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return read
}
