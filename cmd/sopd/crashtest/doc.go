// Package crashtest kills the real program, again and again, while it works with the simulated vendors, and holds what is
// there in the end against the rules. It has tests only.
package crashtest
