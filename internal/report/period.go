package report

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// Kind is what sort of report a period asks for.
type Kind string

// The kinds of report, by the length of the period.
const (
	Daily     Kind = "daily"     // the daily security check
	Weekly    Kind = "weekly"    // the operations metrics of a week
	Monthly   Kind = "monthly"   // the compliance report of a month
	Quarterly Kind = "quarterly" // the security review of a quarter
	Yearly    Kind = "yearly"    // the compliance report of a year
)

// Title returns what stands above a report of the kind.
func (k Kind) Title() string {
	switch k {
	case Daily:
		return "Daily security check"
	case Weekly:
		return "Weekly operations metrics"
	case Quarterly:
		return "Quarterly security review"
	case Yearly:
		return "Yearly compliance report"
	default:
		return "Monthly compliance report"
	}
}

// Period is a day, week, month, quarter or year in UTC.
type Period struct {
	Name string `json:"name"` // as it is written: 2026-10, 2026-Q4, 2026-W43, 2026-10-24 or 2026
	Kind Kind   `json:"kind"`
	kpi.Period
}

var (
	yearForm    = regexp.MustCompile(`^([0-9]{4})$`)
	monthForm   = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})$`)
	quarterForm = regexp.MustCompile(`^([0-9]{4})-Q([1-4])$`)
	weekForm    = regexp.MustCompile(`^([0-9]{4})-W([0-9]{2})$`)
)

// ParsePeriod reads a period: a month 2026-10, a quarter 2026-Q4, an ISO week 2026-W43, a day 2026-10-24 or a year 2026.
//
// Errors: [access.ErrInvalid] for anything else, such as month 13 or week 53 of a year that has 52.
func ParsePeriod(text string) (Period, error) {
	p := Period{Name: text}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return p.reach(Daily, day, day.AddDate(0, 0, 1)), nil
	}
	if m := yearForm.FindStringSubmatch(text); m != nil {
		from := date(number(m[1]), 1)
		return p.reach(Yearly, from, from.AddDate(1, 0, 0)), nil
	}
	if m := quarterForm.FindStringSubmatch(text); m != nil {
		from := date(number(m[1]), time.Month(3*number(m[2])-2))
		return p.reach(Quarterly, from, from.AddDate(0, 3, 0)), nil
	}
	if m := monthForm.FindStringSubmatch(text); m != nil && number(m[2]) >= 1 && number(m[2]) <= 12 {
		from := date(number(m[1]), time.Month(number(m[2])))
		return p.reach(Monthly, from, from.AddDate(0, 1, 0)), nil
	}
	if m := weekForm.FindStringSubmatch(text); m != nil {
		from := week(number(m[1]), number(m[2]))
		if year, n := from.ISOWeek(); year == number(m[1]) && n == number(m[2]) {
			return p.reach(Weekly, from, from.AddDate(0, 0, 7)), nil
		}
	}
	return Period{}, fmt.Errorf("period is %q; write a month 2026-10, a quarter 2026-Q4, a week 2026-W43, a day 2026-10-24 or a year 2026: %w",
		text, access.ErrInvalid)
}

func (p Period) reach(k Kind, from, to time.Time) Period {
	p.Kind, p.From, p.To = k, from, to
	return p
}

// Before returns the period of the same length that ends where p begins.
func (p Period) Before() Period {
	switch p.Kind {
	case Daily:
		return Period{Name: p.From.AddDate(0, 0, -1).Format(time.DateOnly)}.reach(Daily, p.From.AddDate(0, 0, -1), p.From)
	case Weekly:
		from := p.From.AddDate(0, 0, -7)
		year, n := from.ISOWeek()
		return Period{Name: fmt.Sprintf("%04d-W%02d", year, n)}.reach(Weekly, from, p.From)
	case Quarterly:
		from := p.From.AddDate(0, -3, 0)
		return Period{Name: fmt.Sprintf("%04d-Q%d", from.Year(), (from.Month()+2)/3)}.reach(Quarterly, from, p.From)
	case Yearly:
		from := p.From.AddDate(-1, 0, 0)
		return Period{Name: from.Format("2006")}.reach(Yearly, from, p.From)
	default:
		from := p.From.AddDate(0, -1, 0)
		return Period{Name: from.Format("2006-01")}.reach(Monthly, from, p.From)
	}
}

// Ended returns the last period of the kind that was over at the instant now.
func Ended(k Kind, now time.Time) Period {
	now = now.UTC()
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	open := Period{}
	switch k {
	case Daily:
		open = open.reach(Daily, day, day.AddDate(0, 0, 1))
	case Weekly:
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		open = open.reach(Weekly, monday, monday.AddDate(0, 0, 7))
	case Quarterly:
		from := date(now.Year(), (now.Month()-1)/3*3+1)
		open = open.reach(Quarterly, from, from.AddDate(0, 3, 0))
	case Yearly:
		from := date(now.Year(), 1)
		open = open.reach(Yearly, from, from.AddDate(1, 0, 0))
	default:
		from := date(now.Year(), now.Month())
		open = open.reach(Monthly, from, from.AddDate(0, 1, 0))
	}
	return open.Before()
}

// week returns the Monday of an ISO week: week 1 is the one with 4 January.
func week(year, n int) time.Time {
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	return monday.AddDate(0, 0, 7*(n-1))
}

func date(year int, month time.Month) time.Time {
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}

// number reads digits that an expression has matched.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
