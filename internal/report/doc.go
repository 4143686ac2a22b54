// Package report computes what people read about a period, how each promise was kept and what was done, and writes it in
// the formats that they read it in.
//
// The figures come from the ledger alone, so a report and the evidence cannot disagree. Everything but [Collect] is a pure
// function of what was collected and the time.
package report
