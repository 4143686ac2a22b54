package report

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// Period is a day, a week, a month, a quarter or a year of the calendar, in UTC.
type Period struct {
	Name string    `json:"name"` // as it was written, such as "2026-10"
	From time.Time `json:"from"` // its first instant
	To   time.Time `json:"to"`   // itself not in the period
}

var (
	quarter = regexp.MustCompile(`^(\d{4})-Q([1-4])$`)
	week    = regexp.MustCompile(`^(\d{4})-W(\d{2})$`)
)

// ParsePeriod reads a year (2026), a quarter (2026-Q4), a month (2026-10), an ISO week (2026-W48) or a day (2026-11-24).
//
// Errors: [access.ErrInvalid].
func ParsePeriod(text string) (Period, error) {
	if m := quarter.FindStringSubmatch(text); m != nil {
		from := day(number(m[1]), time.Month(3*number(m[2])-2), 1)
		return Period{text, from, from.AddDate(0, 3, 0)}, nil
	}
	if m := week.FindStringSubmatch(text); m != nil {
		return isoWeek(text, number(m[1]), number(m[2]))
	}
	for layout, length := range map[string][3]int{"2006": {1, 0, 0}, "2006-01": {0, 1, 0}, time.DateOnly: {0, 0, 1}} {
		if from, err := time.Parse(layout, text); err == nil {
			return Period{text, from, from.AddDate(length[0], length[1], length[2])}, nil
		}
	}
	return Period{}, invalid(text)
}

func invalid(text string) error {
	return fmt.Errorf("%q is no period; write 2026, 2026-Q4, 2026-10, 2026-W48 or 2026-11-24: %w", text, access.ErrInvalid)
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0 // the expressions let digits through only
	}
	return n
}

func day(year int, month time.Month, of int) time.Time {
	return time.Date(year, month, of, 0, 0, 0, 0, time.UTC)
}

// isoWeek returns a week that begins on Monday. The first one of a year is that with 4 January.
func isoWeek(text string, year, n int) (Period, error) {
	first := day(year, time.January, 4)
	monday := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
	from := monday.AddDate(0, 0, 7*(n-1))
	if gotYear, got := from.ISOWeek(); gotYear != year || got != n {
		return Period{}, invalid(text)
	}
	return Period{text, from, from.AddDate(0, 0, 7)}, nil
}

// in reports whether the time lies in the period.
func (p Period) in(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }
