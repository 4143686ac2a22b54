// Package kpi is the clock engine: it turns recorded facts into measured promises.
//
// It is pure. The cycles of a clock are a function of its definition, the facts and now; nothing here reads a clock, a file
// or a store. Computing again from the same facts gives the same figures, in whatever order the facts come.
//
// # How a cycle runs
//
// A start opens a cycle, pauses and resumptions part its time, a stop or a cancellation ends it, a reopening after an end
// begins the next. A start after an end begins another too, and is flagged: a promise is rather measured twice than not
// at all. Time is counted on the clock's calendar, half-open. A cycle is met when the time elapsed is at most its limit,
// so exactly at the limit is met, and breached from the first moment after, whether it has ended or not.
//
// The limit is that of the latest severity in the cycle, and holds for the whole of it. Minutes, hours and days (of 24
// hours) are time of the calendar; a limit in business days is the working time from the start to the same position so
// many business days later (package calendar), and pauses do not use it up.
//
// # Facts that do not fit
//
// Nothing is dropped and nothing is guessed silently. What does not fit is left out of the figures, stays in the cycle's
// trail, and sets a flag. At one instant a start comes before a pause or resumption, these before an end, and an end
// before a reopening.
//
//   - Another start while a cycle is open: the first counts.
//   - Facts without any start: one cycle that enters no figure.
//   - An end before the only start, and none after it: one of the two times is wrong, so the cycle is taken as ended and
//     enters no figure. But when the end was on record before the start happened, it belongs to something earlier, and
//     the clock runs.
//   - A fact after now: not looked at yet.
//
// # Late and corrected facts
//
// Facts may come late and in any order. A correction names the fact that it replaces; both stay in the trail.
// [Differences] says which figures that changed, and by which facts.
package kpi
