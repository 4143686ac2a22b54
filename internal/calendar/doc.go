// Package calendar counts working time: how much of it lies between two instants, when a promised amount of it has
// passed, and when so many business days have.
//
// It is pure. Nothing here reads a clock, a file or the machine's own time zone; the same definition and the same instants
// give the same answer on every machine, so that an auditor can recompute it.
//
// # Working time
//
// An instant is working time when the wall clock of the calendar's zone stands, at that instant, inside an interval of
// that date's hours. Intervals are half-open: at 17:00 sharp an interval 09:00-17:00 is over. Everything follows from that
// sentence, the days of a clock change included: an hour that the clocks skip is not worked, an hour that they repeat is
// worked twice, a date that a country skipped (Samoa, 30 December 2011) has no working time.
//
// The hours of a date are, in this order: those of its [Special], none when it is in Closed, none when it is a holiday
// of one of the regions, those of its weekday.
//
// # Business days
//
// A business day is the working time of one date that has any. A night shift belongs to the date on which it begins: an
// interval that starts at 00:00 continues the one that ended at 24:00 the evening before, unless either fills its date.
//
// A promise of n business days ends at the same working-time position, n business days later: what began with three
// hours of a business day worked ends when three hours of the n-th business day after it have been worked.
//
//   - A start outside working hours counts from the next opening, at position zero. So Saturday + 1 is Tuesday's
//     opening, as Monday's opening + 1 is.
//   - When the last day is too short for the position (half a day before Christmas), the promise ends at its close,
//     never on a later day.
//   - When the position falls on a break, the promise ends when the break does, as a start in the break counts from there.
//
// # Versions
//
// A calendar is a list of versions, each in force from a date until the next begins. Changing hours or holidays means
// adding a version, so an earlier period keeps the figures that it had. The first version is in force before its date too.
package calendar
