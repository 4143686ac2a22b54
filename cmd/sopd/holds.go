package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/spf13/cobra"
)

func newHoldsCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use: "holds", Short: "Show and decide plans that wait for a person", Args: cobra.NoArgs,
		Long: "Show and decide plans that wait for a person. Without another word: list.",
	}
	byDefault(cmd, newHoldsListCommand(c))
	cmd.AddCommand(newHoldsShowCommand(c),
		newHoldDecision(c, verdict{"approve", "Let exactly this plan through, once", approveHold}),
		newHoldDecision(c, verdict{"cancel", "Refuse this plan", cancelHold}))
	return cmd
}

func newHoldsListCommand(c console) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the holds that wait for a decision", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			states := []hold.State{hold.Open, hold.Approved}
			if all {
				states = append(states, hold.Used, hold.Cancelled, hold.Expired)
			}
			holds, err := readHolds(cmd, c, states)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.Out, holds)
			}
			if len(holds) == 0 {
				_, err := fmt.Fprintln(c.Out, "No plan waits for a decision.")
				return err
			}
			w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "HOLD\tSTATE\tMADE\tEXPIRES\tWHY")
			for _, h := range holds {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.ID, h.State, h.Made.Format(time.DateTime), h.Expires.Format(time.DateTime), h.Reasons[0])
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&all, "all", false, "also those that are decided or expired")
	return cmd
}

func readHolds(cmd *cobra.Command, c console, states []hold.State) ([]hold.Hold, error) {
	ctx := cmd.Context()
	s, err := openStore(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	holds := []hold.Hold{}
	err = s.Read(ctx, func(tx *store.Tx) error {
		found, err := tx.Holds(states...)
		holds = append(holds, found...)
		return err
	})
	return holds, err
}

func newHoldsShowCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use: "show HOLD", Short: "Show a hold with its plan", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := hold.ParseID(args[0])
			if err != nil {
				return usage(err)
			}
			s, err := openStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			var h hold.Hold
			err = s.Read(cmd.Context(), func(tx *store.Tx) error {
				h, err = findHold(tx, id)
				return err
			})
			if err != nil {
				return err
			}
			return writeJSON(c.Out, h)
		},
	}
}

func findHold(tx *store.Tx, id hold.ID) (hold.Hold, error) {
	h, found, err := tx.Hold(id)
	if err == nil && !found {
		err = fmt.Errorf("hold %s: %w", id, access.ErrNotFound)
	}
	return h, err
}
