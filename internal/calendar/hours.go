package calendar

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

const minutesPerDay = 24 * 60

// Interval is a part of a date by the wall clock: from the minute From up to, and without, the minute To. A night shift is
// two intervals, 22:00-24:00 and 00:00-06:00 of the next date.
type Interval struct {
	From int // minutes after midnight, 0 to 1439
	To   int // minutes after midnight, greater than From, at most 1440
}

// interval is what [ParseInterval] reads.
var interval = regexp.MustCompile(`^(\d\d):(\d\d)-(\d\d):(\d\d)$`)

// ParseInterval returns s, written as 09:00-17:30, as an interval. 24:00 is the end of a date.
//
// Errors: [access.ErrInvalid] when s is written otherwise, names no time of day, or does not end after it begins.
func ParseInterval(s string) (Interval, error) {
	parts := interval.FindStringSubmatch(s)
	if parts == nil {
		return Interval{}, fmt.Errorf("hours must be written like 09:00-17:30: %w", access.ErrInvalid)
	}
	from, to := minute(parts[1], parts[2]), minute(parts[3], parts[4])
	i := Interval{From: from, To: to}
	if problem := i.problem(); from < 0 || to < 0 || problem != "" {
		return Interval{}, fmt.Errorf("hours %s must be times of one day, the earlier first: %w", s, access.ErrInvalid)
	}
	return i, nil
}

// minute returns the minute of the day that two digits and two digits name, -1 when there is none.
func minute(hours, minutes string) int {
	h, errHours := strconv.Atoi(hours)
	m, errMinutes := strconv.Atoi(minutes)
	if errHours != nil || errMinutes != nil || m > 59 {
		return -1
	}
	return h*60 + m
}

// String returns i as 09:00-17:30.
func (i Interval) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", i.From/60, i.From%60, i.To/60, i.To%60)
}

// MarshalText returns [Interval.String].
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what [ParseInterval] reads.
//
// Errors: those of [ParseInterval].
func (i *Interval) UnmarshalText(text []byte) error {
	parsed, err := ParseInterval(string(text))
	if err != nil {
		return err
	}
	*i = parsed
	return nil
}

// Length returns the time between the two ends by the wall clock.
func (i Interval) Length() time.Duration { return time.Duration(i.To-i.From) * time.Minute }

// problem says what is wrong with i, "" when nothing is.
func (i Interval) problem() string {
	switch {
	case i.From < 0 || i.To > minutesPerDay:
		return "lies outside 00:00-24:00"
	case i.From >= i.To:
		return "must end after it begins; split a night shift at midnight, as 22:00-24:00 and 00:00-06:00 of the next day"
	}
	return ""
}

// fillsDate reports whether i is a whole date.
func (i Interval) fillsDate() bool { return i.From == 0 && i.To == minutesPerDay }

// Week is the regular hours by weekday, indexed by [time.Weekday]: Sunday is 0. A weekday without intervals is closed.
type Week [7][]Interval

// Weekdays returns a week with the same hours on every one of the days.
func Weekdays(hours []Interval, days ...time.Weekday) Week {
	var w Week
	for _, day := range days {
		w[day] = slices.Clone(hours)
	}
	return w
}

// AllDay returns a week that is open around the clock.
func AllDay() Week {
	return Weekdays([]Interval{{From: 0, To: minutesPerDay}}, time.Sunday, time.Monday, time.Tuesday, time.Wednesday,
		time.Thursday, time.Friday, time.Saturday)
}

// usual returns the length of day that most open weekdays have, the longer of two equally frequent ones.
func (w Week) usual() time.Duration {
	count := map[time.Duration]int{}
	var best time.Duration
	for _, hours := range w {
		length := total(hours)
		if length == 0 {
			continue
		}
		count[length]++
		if count[length] > count[best] || count[length] == count[best] && length > best {
			best = length
		}
	}
	return best
}

// total returns the sum of the lengths of hours.
func total(hours []Interval) time.Duration {
	var sum time.Duration
	for _, i := range hours {
		sum += i.Length()
	}
	return sum
}

// joined returns hours sorted, with intervals that touch made one. They must not overlap.
func joined(hours []Interval) []Interval {
	sorted := slices.Clone(hours)
	slices.SortFunc(sorted, func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	var out []Interval
	for _, i := range sorted {
		if last := len(out) - 1; last >= 0 && out[last].To == i.From {
			out[last].To = i.To
			continue
		}
		out = append(out, i)
	}
	return out
}
