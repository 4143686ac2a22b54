package main

import (
	"context"
	"fmt"

	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
)

// verifyKPIs computes every stored figure again from the ledger and says what differs.
//
// Errors: one with the exit code [exitInvalid] when something does.
func verifyKPIs(ctx context.Context, c console, s *store.Store, set *policies.Set, asJSON bool) error {
	v, err := figures.Verify(ctx, s, set.Clocks)
	if err != nil {
		return err
	}
	if asJSON {
		if err := writeJSON(c.Out, v); err != nil {
			return err
		}
	} else {
		for _, d := range v.Differences {
			fmt.Fprintln(c.Out, d)
		}
		fmt.Fprintf(c.Out, "%d facts of the ledger give %d cycles; %d figures were compared, %d differences.\n", v.Facts, v.Cycles, v.Figures, len(v.Differences))
	}
	if len(v.Differences) > 0 {
		return &exitError{code: exitInvalid, cause: fmt.Errorf("verification failed: %d stored figures are not those of the ledger", len(v.Differences))}
	}
	return nil
}
