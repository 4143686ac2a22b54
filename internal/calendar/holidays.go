package calendar

import (
	"slices"
	"time"

	"github.com/rickar/cal/v2"
)

// holidays returns the dates, as day numbers, on which the regions observe a holiday in the year, with its name. A
// holiday of the neighbouring years counts when it is observed in this one, as New Year's Day on a Saturday is in the
// United States.
func holidays(codes []string, year int) map[int]string {
	out := map[int]string{}
	for _, code := range codes {
		for _, h := range regions[code] {
			for y := year - 1; y <= year+1; y++ {
				if d, ok := observed(h, y); ok && d.Year == year {
					out[d.number()] = h.Name
				}
			}
		}
	}
	return out
}

// observed returns the date on which h, as it occurs in the year, is kept; false when it does not occur.
//
// The tables' own Calc works on midnights of the machine's zone, which some zones skip on the day of a clock change; here
// only the date that a table's rule names is taken, from the middle of the day, and moved by the table's own offsets.
func observed(h *cal.Holiday, year int) (Date, bool) {
	outside := h.StartYear > 0 && year < h.StartYear || h.EndYear > 0 && year > h.EndYear
	if h.Func == nil || outside || slices.Contains(h.Except, year) {
		return Date{}, false
	}
	start := h.Func(h, year)
	if start.IsZero() {
		return Date{}, false
	}
	day := DateOf(start.Add(6 * time.Hour)).AddDays(h.CalcOffset)
	for _, alternative := range h.Observed {
		if alternative.Day == day.Weekday() {
			return day.AddDays(alternative.Offset), true
		}
	}
	return day, true
}
