package figures_test

import (
	"slices"
	"time"
)

// The account in this file is a second opinion on the figures. It shares nothing with the engine: it knows what truly
// happened to each ticket, and walks through the time minute by minute with plain loops. Minutes count from the beginning of
// the account.

// house is when people work, as the account knows it: hours of the weekday, but for dates of their own.
type house struct {
	zone  string
	hours func(date string) [7][][2]int // minutes of the day; by the date, because hours change
	dates map[string][][2]int           // holidays, with the hours worked on them
}

// open reports whether people work in the minute.
func (h house) open(at time.Time, zone *time.Location) bool {
	local := at.In(zone)
	date := local.Format(time.DateOnly)
	hours, own := h.dates[date]
	if !own {
		hours = h.hours(date)[local.Weekday()]
	}
	now := local.Hour()*60 + local.Minute()
	for _, span := range hours {
		if now >= span[0] && now < span[1] {
			return true
		}
	}
	return false
}

// act is something that truly happened to a ticket.
type act struct {
	minute   int
	what     string // "created", "hold", "resume", "done", "withdrawn", "reopened", "triaged"
	severity string // "": as it was
}

// limit is a promise as the account keeps it: minutes worked, or days on which people work.
type limit struct{ minutes, days int }

// account is one promise over some minutes.
type account struct {
	works    []bool   // in each minute
	date     []string // of each minute, where people work
	limits   map[string]limit
	warnUsed int // percent of the limit
	warnLeft int // minutes
}

// turn is one cycle of a ticket.
type turn struct {
	ticket   string
	from, to int // to is -1 while it is open
	pauses   [][2]int
	severity string
	dropped  bool // withdrawn, so that it has no result
}

// turns tells the cycles of a ticket up to now.
func turns(ticket string, acts []act, now int) []turn {
	var all []turn
	severity := ""
	for minute := 0; minute <= now; minute++ {
		for _, a := range acts {
			if a.minute != minute {
				continue
			}
			if a.severity != "" {
				severity = a.severity
			}
			all = step(all, ticket, a, severity)
		}
	}
	return all
}

func step(all []turn, ticket string, a act, severity string) []turn {
	n := len(all) - 1
	isOpen := n >= 0 && all[n].to < 0
	paused := isOpen && len(all[n].pauses) > 0 && all[n].pauses[len(all[n].pauses)-1][1] < 0
	if isOpen {
		all[n].severity = severity
	}
	end := func() {
		all[n].to = a.minute
		if paused {
			all[n].pauses[len(all[n].pauses)-1][1] = a.minute
		}
	}
	switch {
	case !isOpen && (a.what == "created" || a.what == "reopened"):
		all = append(all, turn{ticket: ticket, from: a.minute, to: -1, severity: severity})
	case !isOpen:
	case a.what == "hold" && !paused:
		all[n].pauses = append(all[n].pauses, [2]int{a.minute, -1})
	case a.what == "resume" && paused:
		all[n].pauses[len(all[n].pauses)-1][1] = a.minute
	case a.what == "done":
		end()
	case a.what == "withdrawn":
		end()
		all[n].dropped = true
	}
	return all
}

// pausedAt reports whether the cycle's clock stood still in the minute.
func (t turn) pausedAt(minute int) bool {
	for _, p := range t.pauses {
		if minute >= p[0] && (p[1] < 0 || minute < p[1]) {
			return true
		}
	}
	return false
}

// worked counts the minutes that the clock of the cycle ran before the minute.
func (a account) worked(t turn, before int) int {
	n := 0
	for minute := t.from; minute < before && (t.to < 0 || minute < t.to); minute++ {
		if a.works[minute] && !t.pausedAt(minute) {
			n++
		}
	}
	return n
}

// most returns how many minutes the cycle may take.
func (a account) most(t turn) int {
	l, named := a.limits[t.severity]
	if !named {
		l = a.limits[""]
	}
	if l.days == 0 {
		return l.minutes
	}
	return a.days(t.from, l.days)
}

// days counts the minutes worked from a start to the same place in the working day so many working days later, or to the end
// of that day when it is shorter.
func (a account) days(from, days int) int {
	first := from
	for !a.works[first] {
		first++
	}
	place := 0
	for minute := range first {
		if a.works[minute] && a.date[minute] == a.date[first] {
			place++
		}
	}
	minutes, passed, there := 0, 0, 0
	day := a.date[first]
	for minute := first; ; minute++ {
		if !a.works[minute] {
			continue
		}
		if a.date[minute] != day {
			if passed == days {
				return minutes
			}
			day = a.date[minute]
			passed++
		}
		if passed == days {
			if there == place {
				return minutes
			}
			there++
		}
		minutes++
	}
}

// ends returns the first minute in which people work after the limit is used up, if the clock runs on from now.
func (a account) ends(t turn, now int) int {
	left := a.most(t) - a.worked(t, now)
	minute := now
	for ; left > 0; minute++ {
		if a.works[minute] {
			left--
		}
	}
	return a.opening(minute)
}

// opening returns the first minute from the given one on in which people work.
func (a account) opening(minute int) int {
	for !a.works[minute] {
		minute++
	}
	return minute
}

// sheet is what the account says of one severity in one period.
type sheet struct {
	met, breached, dropped                int
	onTrack, atRisk, overdue, standsStill int
	kept, measured                        int
	median, p95                           int // minutes
	next                                  int // the minute of the breach that is next; -1: none
}

// sheetOf counts the cycles of a severity in the period from one minute to another, as it stands at now.
func (a account) sheetOf(all []turn, severity string, from, to, now int) sheet {
	s := sheet{next: -1}
	at := min(to, now)
	var took []int
	for _, t := range all {
		ended := t.to >= from && t.to < to && t.to <= at && t.to >= 0
		switch {
		case t.severity != severity:
		case ended && t.dropped:
			s.dropped++
		case ended:
			n := a.worked(t, t.to)
			took = append(took, n)
			if n <= a.most(t) {
				s.met++
			} else {
				s.breached++
			}
		case t.from <= at && t.from < to && (t.to < 0 || t.to >= at):
			a.stands(&s, t, at)
		}
	}
	s.kept, s.measured = s.met, s.met+s.breached+s.overdue
	s.median, s.p95 = rank(took, 50), rank(took, 95)
	return s
}

// stands counts a cycle that is open at the minute.
func (a account) stands(s *sheet, t turn, at int) {
	n, most := a.worked(t, at), a.most(t)
	if t.pausedAt(at) {
		s.standsStill++
	}
	switch {
	case n > most:
		s.overdue++
		return
	case n*100 >= most*a.warnUsed, n >= most-a.warnLeft:
		s.atRisk++
	default:
		s.onTrack++
	}
	if !t.pausedAt(at) {
		if due := a.ends(t, at); s.next < 0 || due < s.next {
			s.next = due
		}
	}
}

// rank returns the smallest of the values that so many in a hundred do not exceed; 0 of none.
func rank(values []int, percent int) int {
	slices.Sort(values)
	for _, v := range values {
		reached := 0
		for _, other := range values {
			if other <= v {
				reached++
			}
		}
		if reached*100 >= percent*len(values) {
			return v
		}
	}
	return 0
}
