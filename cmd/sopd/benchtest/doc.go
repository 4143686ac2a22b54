// Package benchtest measures the program as it is shipped at the size of a large company, against the simulated vendors on
// this machine, and prints one table of figures beside their aims. `make bench` runs it; nothing of it is in the binary.
//
// The lines above the table are in the format of Go benchmarks, for benchstat.
package benchtest
