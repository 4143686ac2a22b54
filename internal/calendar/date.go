package calendar

import (
	"cmp"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

const secondsPerDay = 24 * 60 * 60

// Date is a day of the civil calendar, in no zone. The zero Date is no date.
type Date struct {
	Year  int        // 1 to 9999
	Month time.Month // January to December
	Day   int        // 1 to 31
}

// ParseDate returns s, written as 2026-12-24, as a date.
//
// Errors: [access.ErrInvalid] when s is written otherwise or is not in the civil calendar.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("date must be a day of the calendar written like 2026-12-24: %w", access.ErrInvalid)
	}
	return DateOf(t), nil
}

// DateOf returns the date that the wall clock of t's own zone shows.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Compare orders dates from early to late.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// AddDays returns the date n days later, earlier for a negative n.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// String returns d as 2026-12-24, and "" for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText returns [Date.String].
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [ParseDate] reads; the empty text is no date.
//
// Errors: those of [ParseDate].
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// exists reports whether d is in the civil calendar, which 30 February is not, and can be written by [Date.String].
func (d Date) exists() bool { return d.Year >= 1 && d.Year <= 9999 && DateOf(d.utc()) == d }

// utc returns midnight UTC of d, for counting only.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// number returns the days from 1970-01-01 to d.
func (d Date) number() int { return int(floorDiv(d.utc().Unix(), secondsPerDay)) }

// floorDiv divides rounding down, so that the day before 1970 is -1 and not 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
