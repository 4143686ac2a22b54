package calendar

import (
	"slices"
	"time"
)

// Day is what a calendar says about one date, and why.
type Day struct {
	Date  Date
	Hours []Interval // in order; empty when closed
	// Reason is why the hours are not those of the weekday: "special hours", "closed", or the holiday's name. Empty when
	// they are.
	Reason string
}

// Day returns the hours of the date, by the version in force on it.
func (c *Calendar) Day(d Date) Day {
	number := d.number()
	names := holidays(c.version(number).definition.Regions, d.Year)
	return Day{Date: d, Hours: slices.Clone(c.hours(number, names)), Reason: c.reason(number, names)}
}

// hours returns the working hours of the date; holidays are those of the version in force on it.
func (c *Calendar) hours(date int, holidays map[int]string) []Interval {
	v := c.version(date)
	if special, ok := v.special[date]; ok {
		return special
	}
	if _, holiday := holidays[date]; holiday || v.closed[date] {
		return nil
	}
	return v.week[(date%7+11)%7] // day 0 was a Thursday; a remainder may be negative
}

// reason says why the hours of the date are not its weekday's.
func (c *Calendar) reason(date int, holidays map[int]string) string {
	v := c.version(date)
	if _, special := v.special[date]; special {
		return "special hours"
	}
	if v.closed[date] {
		return "closed"
	}
	return holidays[date]
}

// AddDays returns the end of a promise of the given number of business days that begins at start: the same working-time
// position that many business days later. For 0 days or less it returns what [Calendar.Next] does. The package comment
// says what a business day is and how starts outside hours and days of different length are handled.
//
// An end after the year 9999 is given as the end of that year.
func (c *Calendar) AddDays(start time.Time, days int) time.Time {
	opening := clamp(c.Next(start))
	at, ok := c.seek(opening)
	if !ok {
		return latest().In(start.Location())
	}
	position := at.position(opening)
	for range days {
		if !at.nextDay() {
			return latest().In(start.Location())
		}
	}
	if days <= 0 {
		return opening.In(start.Location())
	}
	return at.place(position).In(start.Location())
}

// cursor stands on a piece of working time.
type cursor struct {
	calendar *Calendar
	number   int // of the year
	year     *year
	index    int // of the piece in the year
}

// seek returns a cursor on the first piece that ends after t; false when there is none.
func (c *Calendar) seek(t time.Time) (cursor, bool) {
	number := t.UTC().Year()
	at := cursor{calendar: c, number: number, year: c.year(number)}
	at.index = at.year.after(t)
	return at, at.settle()
}

// settle moves a cursor that stands behind its year's last piece to the next piece; false when there is none.
func (a *cursor) settle() bool {
	for a.index >= len(a.year.pieces) {
		if a.number >= maxYear {
			return false
		}
		a.number++
		a.year, a.index = a.calendar.year(a.number), 0
	}
	return true
}

// piece returns the piece under the cursor.
func (a *cursor) piece() piece { return a.year.pieces[a.index] }

// next moves to the next piece; false when there is none, and the cursor must not be used again.
func (a *cursor) next() bool {
	a.index++
	return a.settle()
}

// previous moves to the piece before; false when there is none, and the cursor must not be used again.
func (a *cursor) previous() bool {
	a.index--
	for a.index < 0 {
		if a.number <= minYear {
			return false
		}
		a.number--
		a.year = a.calendar.year(a.number)
		a.index = len(a.year.pieces) - 1
	}
	return true
}

// nextDay moves to the first piece of the next business day; false when there is none.
func (a *cursor) nextDay() bool {
	for day := a.piece().day; a.piece().day == day; {
		if !a.next() {
			return false
		}
	}
	return true
}

// position returns the working time of the business day under the cursor up to t, an instant of the cursor's piece.
func (a cursor) position(t time.Time) time.Duration {
	sum := t.Sub(a.piece().opening())
	for day := a.piece().day; a.previous() && a.piece().day == day; {
		sum += a.piece().length()
	}
	return sum
}

// place returns the instant of the business day, on whose first piece the cursor stands, at which position has been
// worked: after the break when it falls on one, the day's close when the day is too short.
func (a cursor) place(position time.Duration) time.Time {
	for day := a.piece().day; ; {
		here := a.piece()
		if position < here.length() {
			return here.opening().Add(position)
		}
		position -= here.length()
		if !a.next() || a.piece().day != day {
			return here.closing()
		}
	}
}
