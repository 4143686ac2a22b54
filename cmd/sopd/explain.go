package main

import (
	"errors"
	"fmt"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/spf13/cobra"
)

func newExplainCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain CHANGE|TICKET|USER",
		Short: "Print the whole chain behind a change, a ticket or a user",
		Long: "Print the whole chain: ticket, approvals and why they counted, plan, policy version, Okta call, System Log\n" +
			"event, read-back, comment, clocks. The subject is a change ID (CHG-…), a ticket key or an Okta user ID.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			s, err := openStore(ctx, c)
			if err != nil {
				return err
			}
			defer s.Close()
			var chain evidence.Chain
			err = s.Read(ctx, func(tx *store.Tx) error {
				chain, err = evidence.Of(tx, args[0])
				return err
			})
			switch {
			case errors.Is(err, access.ErrInvalid):
				return usage(err)
			case err != nil:
				return err
			case asJSON:
				return writeJSON(c.Out, chain)
			}
			_, err = fmt.Fprint(c.Out, chain.Text())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
