//go:build !race

package reconcile_test

// sampled is which part of the fault scripts runs: all of them.
const sampled = 1
