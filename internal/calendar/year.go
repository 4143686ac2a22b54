package calendar

import (
	"math"
	"sort"
	"time"
)

// piece is a stretch of working time without a break, inside one offset of the zone and one year of UTC.
type piece struct {
	from, to int64 // Unix seconds, half-open
	day      int   // number of the business day that the piece belongs to
}

// opening returns the piece's first instant.
func (p piece) opening() time.Time { return time.Unix(p.from, 0) }

// closing returns the first instant after the piece.
func (p piece) closing() time.Time { return time.Unix(p.to, 0) }

// length returns the working time of the piece.
func (p piece) length() time.Duration { return time.Duration(p.to-p.from) * time.Second }

// year is the working time of one year of UTC. Years of UTC part time without gaps or overlaps, whatever a zone does.
type year struct {
	pieces []piece // in order
	// before holds, for each piece, the seconds of all pieces before it in the year; one entry more for the whole year.
	before []int64
}

// total returns the working time of the whole year.
func (y *year) total() time.Duration {
	return time.Duration(y.before[len(y.pieces)]) * time.Second
}

// after returns the index of the first piece that ends after t.
func (y *year) after(t time.Time) int {
	second := t.Unix()
	return sort.Search(len(y.pieces), func(i int) bool { return y.pieces[i].to > second })
}

// until returns the working time from the beginning of the year to t, an instant of this year.
func (y *year) until(t time.Time) time.Duration {
	i := y.after(t)
	sum := time.Duration(y.before[i]) * time.Second
	if i < len(y.pieces) {
		sum += max(t.Sub(y.pieces[i].opening()), 0)
	}
	return sum
}

// reach returns the earliest instant at which d, more than 0 and at most the total, has been worked since the beginning
// of the year.
func (y *year) reach(d time.Duration) time.Time {
	i := sort.Search(len(y.pieces), func(i int) bool { return time.Duration(y.before[i+1])*time.Second >= d })
	return y.pieces[i].opening().Add(d - time.Duration(y.before[i])*time.Second)
}

// year returns the working time of the year of UTC.
func (c *Calendar) year(n int) *year {
	if n < firstKept || n > lastKept {
		return c.count(n)
	}
	slot := &c.kept[n-firstKept]
	if kept := slot.Load(); kept != nil {
		return kept
	}
	counted := c.count(n)
	slot.Store(counted)
	return counted
}

// lead is how many seconds before the year counting begins: a business day may begin on the date before, a country may
// have skipped a date, and a zone may be ahead of UTC by more than half a day.
const lead = 4 * secondsPerDay

// count works out the year of UTC.
func (c *Calendar) count(n int) *year {
	begin := time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	end := time.Date(n+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	walk := walker{calendar: c, dates: map[int]string{}}
	for y := n - 1; y <= n+1; y++ {
		walk.holidays(y)
	}
	for at := begin - lead; at < end; {
		at = walk.offset(at, end)
	}
	return clip(walk.pieces, begin, end)
}

// clip returns the year made of what lies of the pieces between begin and end.
func clip(pieces []piece, begin, end int64) *year {
	y := &year{before: []int64{0}}
	for _, p := range pieces {
		p.from, p.to = max(p.from, begin), min(p.to, end)
		if p.from >= p.to {
			continue
		}
		y.pieces = append(y.pieces, p)
		y.before = append(y.before, y.before[len(y.before)-1]+p.to-p.from)
	}
	return y
}

// walker cuts time into pieces, in order.
type walker struct {
	calendar *Calendar
	dates    map[int]string // names of the regional holidays around the year, by day number
	pieces   []piece
	last     part // of the last piece
}

// part is which interval of which date a piece is of.
type part struct {
	date  int
	hours Interval
}

// holidays notes the holidays of the year, each for the dates on which a version with its region is in force.
func (w *walker) holidays(year int) {
	for i := range w.calendar.versions {
		v := &w.calendar.versions[i]
		for day, name := range holidays(v.definition.Regions, year) {
			if w.calendar.version(day) == v {
				w.dates[day] = name
			}
		}
	}
}

// offset adds the pieces from the instant at to the end of the zone's offset that is in force there, but not beyond end.
// It returns how far it came. Inside one offset the wall clock runs evenly, so intervals are plain sums.
func (w *walker) offset(at, end int64) int64 {
	local := time.Unix(at, 0).In(w.calendar.location)
	_, seconds := local.Zone()
	end = min(end, w.change(local))
	shift := int64(seconds)
	for date := floorDiv(at+shift, secondsPerDay); date*secondsPerDay < end+shift; date++ {
		for _, hours := range w.calendar.hours(int(date), w.dates) {
			from := date*secondsPerDay + int64(hours.From)*60 - shift
			to := date*secondsPerDay + int64(hours.To)*60 - shift
			w.add(part{date: int(date), hours: hours}, max(from, at), min(to, end))
		}
	}
	return end
}

// change returns a second after at up to which the offset of at's zone is the same.
//
// The time package may name a change that is not after at: on 31 December of a leap year beyond a zone's table, Go 1.26
// ends the year a day early. No zone's rule changes its clocks on that day, so a day further is safe.
func (w *walker) change(at time.Time) int64 {
	_, change := at.ZoneBounds()
	switch {
	case change.IsZero():
		return math.MaxInt64
	case !change.After(at):
		return at.Unix() + secondsPerDay
	}
	return change.Unix()
}

// add appends the piece from one second to the other, if that is any time, and finds its business day. A date that the
// clocks put back return to has ended all the same: business days never go back.
func (w *walker) add(p part, from, to int64) {
	if from >= to {
		return
	}
	day := p.date
	if n := len(w.pieces); n > 0 {
		previous := w.pieces[n-1]
		day = max(day, previous.day)
		if p == w.last || p.continues(w.last) && from == previous.to {
			day = previous.day
		}
	}
	w.last = p
	w.pieces = append(w.pieces, piece{from: from, to: to, day: day})
}

// continues reports whether p is the morning of a night shift that began in the evening part.
func (p part) continues(evening part) bool {
	return p.date != evening.date && p.hours.From == 0 && evening.hours.To == minutesPerDay &&
		!p.hours.fillsDate() && !evening.hours.fillsDate()
}
