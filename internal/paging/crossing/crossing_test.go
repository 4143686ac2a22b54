package crossing_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
)

// side is a pager in memory. It notes what is written to it, and fails the test when asked for what nobody set up.
type side struct {
	t         *testing.T
	alerts    []paging.Alert
	schedules []paging.Schedule
	onCall    map[paging.ScheduleID]paging.OnCall
	failing   map[string]error // by method
	windows   []paging.Window
	written   []string
}

func (s *side) Create(_ context.Context, a paging.NewAlert) (paging.AlertID, error) {
	s.written = append(s.written, "create "+string(a.Alias))
	return "new", s.failing["create"]
}

func (s *side) Note(_ context.Context, id paging.AlertID, text string) error {
	s.written = append(s.written, "note "+string(id)+" "+text)
	return nil
}

func (s *side) Acknowledge(_ context.Context, id paging.AlertID) error {
	s.written = append(s.written, "acknowledge "+string(id))
	return nil
}

func (s *side) Close(_ context.Context, id paging.AlertID) error {
	s.written = append(s.written, "close "+string(id))
	return nil
}

func (s *side) Alert(_ context.Context, id paging.AlertID) (paging.Alert, error) {
	return paging.Alert{ID: id}, nil
}

func (s *side) AlertByAlias(_ context.Context, alias paging.Alias) (paging.Alert, error) {
	return paging.Alert{Alias: alias}, nil
}

func (s *side) Notes(context.Context, paging.AlertID) ([]paging.Note, error) { return nil, nil }
func (s *side) Logs(context.Context, paging.AlertID) ([]paging.Entry, error) { return nil, nil }

func (s *side) Alerts(_ context.Context, w paging.Window) ([]paging.Alert, error) {
	s.windows = append(s.windows, w)
	return s.alerts, s.failing["alerts"]
}

func (s *side) Schedules(context.Context) ([]paging.Schedule, error) {
	return s.schedules, s.failing["schedules"]
}

func (s *side) OnCall(_ context.Context, id paging.ScheduleID) (paging.OnCall, error) {
	on, known := s.onCall[id]
	if !known && s.failing["on call"] == nil {
		s.t.Errorf("asked for schedule %s", id)
	}
	return on, s.failing["on call"]
}

// on adds a schedule with people on call.
func (s *side) on(id, name string, people ...string) {
	s.schedules = append(s.schedules, paging.Schedule{ID: paging.ScheduleID(id), Name: name, Enabled: true})
	s.onCall[paging.ScheduleID(id)] = paging.OnCall{Schedule: name, People: people}
}

func now() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// accounts identifies the account IDs of the tests; "p-9" belongs to nobody.
func accounts(_ context.Context, name string) (string, error) {
	switch name {
	case "p-1":
		return "ada@example.com", nil
	case "p-2":
		return "bob@example.com", nil
	case "p-8":
		return "", access.ErrUnavailable
	}
	return "", nil
}

func pair(t *testing.T) (first, second *side, p *crossing.Pair) {
	t.Helper()
	first = &side{t: t, onCall: map[paging.ScheduleID]paging.OnCall{}, failing: map[string]error{}}
	second = &side{t: t, onCall: map[paging.ScheduleID]paging.OnCall{}, failing: map[string]error{}}
	p, err := crossing.New(crossing.Options{Primary: first, Secondary: second, PrimaryName: "opsgenie", SecondaryName: "jsmops", IdentifySecondary: accounts})
	if err != nil {
		t.Fatal(err)
	}
	return first, second, p
}

func disagree(t *testing.T, p *crossing.Pair, want ...crossing.Disagreement) {
	t.Helper()
	got, err := p.Compare(t.Context(), now())
	if diff := cmp.Diff(append([]crossing.Disagreement{}, want...), got); diff != "" || err != nil {
		t.Errorf("disagreements (-want +got): %v\n%s", err, diff)
	}
}

func TestDaysLeftEndAtTheDayOfTheVendor(t *testing.T) {
	for at, want := range map[string]int{"2026-11-23T09:00:00Z": 133, "2027-04-04T23:59:59Z": 1, "2027-04-05T00:00:00Z": 0, "2028-01-01T00:00:00Z": 0,
		"2027-04-04T20:00:00-05:00": 0, "2027-04-05T01:00:00+02:00": 1} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := crossing.DaysLeft(now); got != want {
			t.Errorf("%s: %d days, want %d", at, got, want)
		}
	}
}

func TestWritesGoToThePrimarySideOnly(t *testing.T) {
	first, _, p := pair(t)
	ctx := t.Context()
	if id, err := p.Create(ctx, paging.NewAlert{Alias: "a"}); id != "new" || err != nil {
		t.Errorf("%s, %v", id, err)
	}
	if err := errors.Join(p.Note(ctx, "i", "n"), p.Acknowledge(ctx, "i"), p.Close(ctx, "i")); err != nil {
		t.Error(err)
	}
	if got := strings.Join(first.written, ", "); got != "create a, note i n, acknowledge i, close i" {
		t.Errorf("written %s", got)
	}
	first.failing["create"] = access.ErrUnavailable
	if _, err := p.Create(ctx, paging.NewAlert{Alias: "a"}); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("a page that was not sent: %v", err)
	}
}

func TestSidesThatAgreeHaveNoDisagreement(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "SecOps", "Bob@example.com", "ada@example.com")
	second.on("z-7", "SecOps", "p-1", "p-2")
	old := now().Add(-time.Hour)
	first.alerts = []paging.Alert{{ID: "1", Alias: "sopd-a", Open: true, Created: old}}
	second.alerts = []paging.Alert{{ID: "9", Alias: "sopd-a", Open: true, Created: old}}
	disagree(t, p)
	if on, err := p.OnCall(t.Context(), "s-1"); err != nil || on.Schedule != "SecOps" || len(on.People) != 2 {
		t.Errorf("on call %v, %v", on, err)
	}
	if w := first.windows[0]; w != second.windows[0] || !w.From.Equal(now().Add(-7*24*time.Hour)) || !w.To.IsZero() {
		t.Errorf("window %v", w)
	}
}

func TestADisagreementAboutWhoIsOnCallIsSaidAndNobodyIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		first, second []string
		want          crossing.Kind
	}{
		"another person":            {[]string{"ada@example.com"}, []string{"p-2"}, crossing.OnCall},
		"one more":                  {[]string{"ada@example.com"}, []string{"p-1", "p-2"}, crossing.OnCall},
		"nobody on one side":        {[]string{"ada@example.com"}, nil, crossing.OnCall},
		"nobody on the other":       {nil, []string{"p-1"}, crossing.OnCall},
		"somebody without a name":   {[]string{"ada@example.com"}, []string{"p-1", "p-9"}, crossing.Person},
		"a name not to be resolved": {[]string{"ada@example.com"}, []string{"p-8"}, crossing.Person},
	} {
		first, second, p := pair(t)
		first.on("s-1", "SecOps", c.first...)
		second.on("z-7", "SecOps", c.second...)
		disagree(t, p, crossing.Disagreement{Kind: c.want, What: "SecOps"})
		on, err := p.OnCall(t.Context(), "s-1")
		if !errors.Is(err, access.ErrConflict) || on.Schedule != "" || on.People != nil || strings.Contains(err.Error(), "example.com") {
			t.Errorf("%s: on call %v, %v", name, on, err)
		}
	}
}

func TestNobodyOnCallOnBothSidesIsAgreement(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "SecOps")
	second.on("z-7", "SecOps")
	disagree(t, p)
}

func TestSchedulesOfOneSideOnlyAreADisagreementUnlessSwitchedOff(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "here")
	second.on("z-1", "there")
	first.on("s-2", "twice")
	second.on("z-2", "twice")
	second.on("z-3", "twice")
	first.on("s-4", "off on one")
	second.schedules = append(second.schedules, paging.Schedule{ID: "z-4", Name: "off on one"}, paging.Schedule{ID: "z-5", Name: "off"})
	first.schedules = append(first.schedules, paging.Schedule{ID: "s-6", Name: "off on both"})
	second.schedules = append(second.schedules, paging.Schedule{ID: "z-6", Name: "off on both"})
	d := func(name string) crossing.Disagreement {
		return crossing.Disagreement{Kind: crossing.Schedule, What: name}
	}
	disagree(t, p, d("here"), d("off on one"), d("there"), d("twice"))
	for _, id := range []paging.ScheduleID{"s-1", "s-2"} {
		if _, err := p.OnCall(t.Context(), id); !errors.Is(err, access.ErrConflict) {
			t.Errorf("on call of %s: %v", id, err)
		}
	}
}

func TestOneUnreadableScheduleHidesNoOther(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "SecOps", "ada@example.com")
	second.on("z-7", "SecOps", "p-1")
	first.alerts = []paging.Alert{{ID: "1", Alias: "sopd-a", Open: true, Created: now().Add(-time.Hour)}}
	second.failing["on call"] = access.ErrDenied
	disagree(t, p, crossing.Disagreement{Kind: crossing.OpenAlert, What: "sopd-a"}, crossing.Disagreement{Kind: crossing.Unread, What: "SecOps"})
	if _, err := p.OnCall(t.Context(), "s-1"); !errors.Is(err, access.ErrDenied) {
		t.Errorf("on call: %v", err)
	}
}

// TestASideThatCannotBeListedIsAnErrorAndNotAgreement: an empty result would clear the findings of the last comparison.
func TestASideThatCannotBeListedIsAnErrorAndNotAgreement(t *testing.T) {
	for _, method := range []string{"alerts", "schedules"} {
		for _, broken := range []string{"opsgenie", "jsmops"} {
			first, second, p := pair(t)
			map[string]*side{"opsgenie": first, "jsmops": second}[broken].failing[method] = access.ErrIncomplete
			got, err := p.Compare(t.Context(), now())
			if got != nil || !errors.Is(err, access.ErrIncomplete) || !strings.HasPrefix(err.Error(), broken+": ") {
				t.Errorf("%s of %s: %v, %v", method, broken, got, err)
			}
		}
	}
}

func TestAComparisonThatIsCancelledIsNotAgreement(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "SecOps", "ada@example.com")
	second.on("z-7", "SecOps", "p-1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := p.Compare(ctx, now()); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOpenAlertsAreComparedByAlias(t *testing.T) {
	old, young := now().Add(-time.Hour), now().Add(-time.Minute)
	open := func(id string, at time.Time) paging.Alert {
		return paging.Alert{ID: paging.AlertID(id), Alias: "sopd-a", Open: true, Created: at, Updated: at}
	}
	with := func(a paging.Alert, change func(*paging.Alert)) paging.Alert { change(&a); return a }
	closed := func(a paging.Alert) paging.Alert { return with(a, func(a *paging.Alert) { a.Open = false }) }
	acked := func(a paging.Alert) paging.Alert { return with(a, func(a *paging.Alert) { a.Acknowledged = true }) }
	for name, c := range map[string]struct {
		first, second []paging.Alert
		want          crossing.Kind
	}{
		"open on both":             {[]paging.Alert{open("1", old)}, []paging.Alert{open("2", old)}, ""},
		"missing there":            {[]paging.Alert{open("1", old)}, nil, crossing.OpenAlert},
		"missing here":             {nil, []paging.Alert{open("2", old)}, crossing.OpenAlert},
		"closed there":             {[]paging.Alert{open("1", old)}, []paging.Alert{closed(open("2", old))}, crossing.OpenAlert},
		"closed here, gone there":  {[]paging.Alert{closed(open("1", old))}, nil, ""},
		"acknowledged there":       {[]paging.Alert{open("1", old)}, []paging.Alert{acked(open("2", old))}, crossing.Acknowledged},
		"closed, one acknowledged": {[]paging.Alert{closed(acked(open("1", old)))}, []paging.Alert{closed(open("2", old))}, ""},
		"too young to be there":    {[]paging.Alert{open("1", young)}, nil, ""},
		"closed a moment ago": {[]paging.Alert{open("1", old)},
			[]paging.Alert{with(closed(open("2", old)), func(a *paging.Alert) { a.Updated = young })}, ""},
		"without an alias":                {[]paging.Alert{with(open("1", old), func(a *paging.Alert) { a.Alias = "1" })}, nil, ""},
		"without any":                     {[]paging.Alert{with(open("1", old), func(a *paging.Alert) { a.Alias = "" })}, nil, ""},
		"an older closed one of the name": {[]paging.Alert{open("3", old), closed(open("1", old.Add(time.Minute)))}, []paging.Alert{open("2", old)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			first, second, p := pair(t)
			first.alerts, second.alerts = c.first, c.second
			if c.want == "" {
				disagree(t, p)
			} else {
				disagree(t, p, crossing.Disagreement{Kind: c.want, What: "sopd-a"})
			}
		})
	}
}

func TestAlertsOfOthersAreLeftOutByPrefix(t *testing.T) {
	first, second, _ := pair(t)
	p, err := crossing.New(crossing.Options{Primary: first, Secondary: second, PrimaryName: "opsgenie", SecondaryName: "jsmops", Prefix: "sopd-"})
	if err != nil {
		t.Fatal(err)
	}
	for _, alias := range []paging.Alias{"sopd-a", "mail-of-ada"} {
		first.alerts = append(first.alerts, paging.Alert{ID: "1", Alias: alias, Open: true})
	}
	disagree(t, p, crossing.Disagreement{Kind: crossing.OpenAlert, What: "sopd-a"})
}

func TestTheKindsAreAClosedSetOfLabels(t *testing.T) {
	seen := map[crossing.Kind]bool{}
	for _, kind := range crossing.Kinds() {
		if seen[kind] || kind == "" || strings.ToLower(string(kind)) != string(kind) {
			t.Errorf("kind %q", kind)
		}
		seen[kind] = true
	}
}

func TestAPairNeedsTwoPagersWithNames(t *testing.T) {
	one := &side{t: t}
	for name, o := range map[string]crossing.Options{
		"none":          {},
		"one":           {Primary: one, PrimaryName: "a", SecondaryName: "b"},
		"no names":      {Primary: one, Secondary: one},
		"one name":      {Primary: one, Secondary: one, PrimaryName: "a", SecondaryName: "a"},
		"negative time": {Primary: one, Secondary: one, PrimaryName: "a", SecondaryName: "b", Settle: -1},
	} {
		if p, err := crossing.New(o); !errors.Is(err, access.ErrInvalid) || p != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListsAreThePrimarySides(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "SecOps")
	second.on("z-1", "SecOps")
	first.alerts = []paging.Alert{{ID: "1"}}
	schedules, err := p.Schedules(t.Context())
	if err != nil || len(schedules) != 1 || schedules[0].ID != "s-1" {
		t.Errorf("schedules %v, %v", schedules, err)
	}
	alerts, err := p.Alerts(t.Context(), paging.Window{})
	if err != nil || len(alerts) != 1 || alerts[0].ID != "1" || len(second.windows) != 0 {
		t.Errorf("alerts %v, %v", alerts, err)
	}
}

func TestOnCallOfASideThatCannotBeReadIsAnError(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "SecOps", "ada@example.com")
	second.on("z-1", "SecOps", "p-1")
	second.failing["schedules"] = access.ErrUnavailable
	if on, err := p.OnCall(t.Context(), "s-1"); !errors.Is(err, access.ErrUnavailable) || on.People != nil || !strings.HasPrefix(err.Error(), "jsmops: ") {
		t.Errorf("secondary: %v, %v", on, err)
	}
	first.failing["on call"] = access.ErrUnauthenticated
	if on, err := p.OnCall(t.Context(), "s-1"); !errors.Is(err, access.ErrUnauthenticated) || on.People != nil || !strings.HasPrefix(err.Error(), "opsgenie: ") {
		t.Errorf("primary: %v, %v", on, err)
	}
}

// TestASideWithoutAnyAlertDoesNotHideWhoIsOnCall: a new site of JSM Operations has schedules before it has alerts, and its
// connector does not believe an empty list.
func TestASideWithoutAnyAlertDoesNotHideWhoIsOnCall(t *testing.T) {
	first, second, p := pair(t)
	first.on("s-1", "SecOps", "ada@example.com")
	second.on("z-1", "SecOps", "p-2")
	second.failing["alerts"] = access.ErrIncomplete
	got, err := p.CompareOnCall(t.Context())
	if diff := cmp.Diff([]crossing.Disagreement{{Kind: crossing.OnCall, What: "SecOps"}}, got); diff != "" || err != nil {
		t.Errorf("on call: %v\n%s", err, diff)
	}
	if got, err := p.CompareAlerts(t.Context(), now()); got != nil || !errors.Is(err, access.ErrIncomplete) {
		t.Errorf("alerts: %v, %v", got, err)
	}
}
