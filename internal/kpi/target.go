package kpi

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
)

// unit is what a target counts.
type unit string

const (
	minutes      unit = "m"
	hours        unit = "h"
	days         unit = "d"
	businessDays unit = "bd"
)

// length returns the time of one unit; a business day has none of its own.
func (u unit) length() time.Duration {
	switch u {
	case minutes:
		return time.Minute
	case hours:
		return time.Hour
	case days:
		return 24 * time.Hour
	default:
		return 0
	}
}

// maxTarget is the longest promise: ten years. More is a slip of the pen.
const maxTarget = 3660 * 24 * time.Hour

// Target is the limit that a promise sets: minutes, hours and days of the clock's calendar, or business days. The zero
// Target promises nothing. Targets can be compared with ==.
type Target struct {
	count int
	unit  unit
}

// target is what [ParseTarget] reads.
var target = regexp.MustCompile(`^([1-9][0-9]{0,6})(m|h|d|bd)$`)

// ParseTarget returns s, written as 45m, 24h, 30d or 2bd, as a target. A day (d) is 24 hours of the calendar; a business
// day (bd) is the working hours of one day, see package calendar.
//
// Errors: [access.ErrInvalid] when s is written otherwise, is nothing, or is more than ten years.
func ParseTarget(s string) (Target, error) {
	parts := target.FindStringSubmatch(s)
	if parts == nil {
		return Target{}, fmt.Errorf("target must be a whole number and a unit, such as 45m, 24h, 30d or 2bd: %w", access.ErrInvalid)
	}
	count, err := strconv.Atoi(parts[1])
	if err != nil {
		return Target{}, fmt.Errorf("target must be a whole number and a unit: %w", access.ErrInvalid)
	}
	t := Target{count: count, unit: unit(parts[2])}
	if most := maxTarget / cmp.Or(t.unit.length(), 24*time.Hour); time.Duration(count) > most {
		return Target{}, fmt.Errorf("target %s must not be more than ten years: %w", s, access.ErrInvalid)
	}
	return t, nil
}

// IsZero reports whether t promises nothing.
func (t Target) IsZero() bool { return t.count == 0 }

// String returns t as [ParseTarget] reads it, "" for the zero Target.
func (t Target) String() string {
	if t.IsZero() {
		return ""
	}
	return strconv.Itoa(t.count) + string(t.unit)
}

// MarshalText returns [Target.String].
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what [ParseTarget] reads; the empty text is the zero Target.
//
// Errors: those of [ParseTarget].
func (t *Target) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = Target{}
		return nil
	}
	parsed, err := ParseTarget(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// Limit returns how much time of the calendar a promise that begins at start has. For business days it depends on the
// start, as days differ in length.
func (t Target) Limit(c *calendar.Calendar, start time.Time) time.Duration {
	if t.unit == businessDays {
		return c.Between(start, c.AddDays(start, t.count))
	}
	return time.Duration(t.count) * t.unit.length()
}

// Due returns when a promise that begins at start and is never paused ends: for business days the same working-time
// position so many days later, else the earliest instant at which the time is used up.
func (t Target) Due(c *calendar.Calendar, start time.Time) time.Time {
	if t.unit == businessDays {
		return c.AddDays(start, t.count)
	}
	return c.Add(start, t.Limit(c, start))
}

// Nominal returns the limit for a chart or a metric, which know no start: a business day is the calendar's usual day.
func (t Target) Nominal(c *calendar.Calendar) time.Duration {
	if t.unit == businessDays {
		return time.Duration(t.count) * c.UsualDay()
	}
	return time.Duration(t.count) * t.unit.length()
}

// Warning is a point before the limit at which a running clock is at risk: either a share of the limit used up, or an
// amount left.
type Warning struct {
	Percent int    // of the limit, 1 to 99; 0 when Left is set
	Left    Target // still left; zero when Percent is set
}

// percent is the first of the two things that [ParseWarning] reads.
var percent = regexp.MustCompile(`^([1-9][0-9]?)%$`)

// ParseWarning returns s, written as 75% (used up) or 30m (left), as a warning point.
//
// Errors: [access.ErrInvalid].
func ParseWarning(s string) (Warning, error) {
	if parts := percent.FindStringSubmatch(s); parts != nil {
		share, err := strconv.Atoi(parts[1])
		if err != nil {
			return Warning{}, fmt.Errorf("warning must be a share such as 75%%: %w", access.ErrInvalid)
		}
		return Warning{Percent: share}, nil
	}
	left, err := ParseTarget(s)
	if err != nil {
		return Warning{}, fmt.Errorf("warning must be a share used up such as 75%% or a time left such as 30m: %w", err)
	}
	return Warning{Left: left}, nil
}

// String returns w as [ParseWarning] reads it.
func (w Warning) String() string {
	if w.Percent > 0 {
		return strconv.Itoa(w.Percent) + "%"
	}
	return w.Left.String()
}

// MarshalText returns [Warning.String].
func (w Warning) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads what [ParseWarning] reads.
//
// Errors: those of [ParseWarning].
func (w *Warning) UnmarshalText(text []byte) error {
	parsed, err := ParseWarning(string(text))
	if err != nil {
		return err
	}
	*w = parsed
	return nil
}

// after returns how much of the limit is used up at the warning point; 0 when more than the limit should be left.
func (w Warning) after(limit time.Duration, c *calendar.Calendar) time.Duration {
	if w.Percent > 0 {
		return limit / 100 * time.Duration(w.Percent)
	}
	return max(limit-w.Left.Nominal(c), 0)
}
