// Package jobs wakes the daemon's work by River, on the store's own database.
//
// The store's tables are the truth and a job is the wake-up: losing a job delays, it never loses work. River's unique
// jobs drop an insert while the same job is running, so none is used for waking: the row of the work says whether
// somebody who has it will look again, and only the asking that finds nothing pending inserts a job.
//
// What is guaranteed, whatever dies: work asked for in a committed transaction is begun after the asking, at least once.
// A job may run twice, also at the same time; the lease on its row lets one through. A sweep looks for work whose job is
// gone, at the start and every second.
package jobs
