package main

import (
	"errors"
	"fmt"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/spf13/cobra"
)

func newHoldsCommand(c console) *cobra.Command {
	cmd := &cobra.Command{Use: "holds", Short: "Show and decide plans that wait for a person", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newHoldsListCommand(c), newHoldsShowCommand(c),
		newHoldDecision(c, "approve", "Let exactly this plan through, once", approveHold),
		newHoldDecision(c, "cancel", "Refuse this plan", cancelHold))
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

// decision is what a person says to a hold.
type decision struct {
	by, reason string
	now        time.Time
}

func newHoldDecision(c console, verb, short string, decide func(*hold.Hold, decision) (ledger.Kind, error)) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: verb + " HOLD --reason TEXT", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := hold.ParseID(args[0])
			if err != nil {
				return usage(err)
			}
			if len([]rune(reason)) < 10 {
				return usage(errors.New("--reason: say in a sentence why; it is kept for the auditors"))
			}
			person, err := user.Current()
			if err != nil {
				return fmt.Errorf("finding out who you are: %w", err)
			}
			s, err := openStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			d := decision{by: person.Username, reason: reason, now: s.Now()}
			err = s.Write(cmd.Context(), func(tx *store.Tx) error {
				h, err := findHold(tx, id)
				if err != nil {
					return err
				}
				kind, err := decide(&h, d)
				if err != nil {
					return err
				}
				if err := tx.PutHold(h); err != nil {
					return err
				}
				_, err = tx.Append(ledger.Entry{Kind: kind, At: d.now, Body: h})
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: %s recorded for %s\n", id, verb, d.by)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a sentence")
	return cmd
}

func approveHold(h *hold.Hold, d decision) (ledger.Kind, error) {
	if !h.State.CanBecome(hold.Approved) || !d.now.Before(h.Expires) {
		return "", &exitError{code: exitStopped, cause: fmt.Errorf("hold %s is %s or has expired; it cannot be approved", h.ID, h.State)}
	}
	if h.RequestedBy == d.by && d.by != "" {
		return "", &exitError{code: exitStopped, cause: fmt.Errorf("hold %s was asked for by %s; somebody else has to approve it", h.ID, d.by)}
	}
	h.State, h.ApprovedBy, h.Approved, h.Reason = hold.Approved, d.by, d.now, d.reason
	return ledger.HoldApproved, nil
}

func cancelHold(h *hold.Hold, d decision) (ledger.Kind, error) {
	if !h.State.CanBecome(hold.Cancelled) {
		return "", &exitError{code: exitStopped, cause: fmt.Errorf("hold %s is %s; it cannot be cancelled", h.ID, h.State)}
	}
	h.State, h.CancelledBy, h.Cancelled, h.Reason = hold.Cancelled, d.by, d.now, d.reason
	return ledger.HoldCancelled, nil
}
