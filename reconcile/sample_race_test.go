//go:build race

package reconcile_test

// sampled is which part of the fault scripts runs: one in so many under the race detector, which is ten times slower and
// looks for something else.
const sampled = 8
