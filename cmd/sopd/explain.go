package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/plan"
	"github.com/spf13/cobra"
)

func newExplainCommand(c console) *cobra.Command {
	var asJSON, undo bool
	cmd := &cobra.Command{
		Use:   "explain CHANGE|TICKET|USER",
		Short: "Print the whole chain behind a change, a ticket or a user",
		Long: "Print the whole chain: ticket, approvals and why they counted, plan, policy version, Okta call, System Log\n" +
			"event, read-back, comment, clocks. The subject is a change ID (CHG-…), a ticket key or an Okta user ID; of a user,\n" +
			"every membership is listed with where it comes from.\n\n" +
			"With --undo, prepare the plan that takes a change back: it restores what the change removed, or removes what it\n" +
			"added. The plan waits as a hold, and a second person lets it through once with sopd holds approve. What evidence\n" +
			"still speaks against is refused with exit code 4.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if undo {
				h, err := prepareUndo(ctx, c, args[0])
				if err == nil && asJSON {
					return writeJSON(c.Out, h)
				}
				if err == nil {
					printUndo(c.Out, h)
				}
				return err
			}
			s, err := openStore(ctx, c)
			if err != nil {
				return err
			}
			defer s.Close()
			var chain explained
			err = s.Read(ctx, func(tx *store.Tx) error {
				if chain.Chain, err = evidence.Of(tx, args[0]); err != nil {
					return err
				}
				return chain.addMemberships(tx)
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
	cmd.Flags().BoolVar(&undo, "undo", false, "prepare the plan that takes the change back, for a second person to approve")
	return cmd
}

// explained is a chain and, for a user, where each membership comes from.
type explained struct {
	evidence.Chain
	Memberships []plan.Held `json:"memberships,omitempty"`
}

func (e *explained) addMemberships(tx *store.Tx) error {
	id, other := access.ParseUserID(e.Subject)
	if other != nil { // a change or a ticket
		return nil //nolint:nilerr // it has no memberships
	}
	var err error
	if e.Memberships, err = reconcile.MembershipsOf(tx, id); err != nil {
		return err
	}
	for _, m := range e.Memberships {
		group, found, err := tx.Group(m.Group)
		if err != nil {
			return err
		}
		if found {
			e.Groups[string(m.Group)] = group.Name
		}
	}
	return nil
}

// Text returns the chain for a person to read.
func (e explained) Text() string {
	var w strings.Builder
	w.WriteString(e.Chain.Text())
	if len(e.Memberships) > 0 {
		fmt.Fprintln(&w, "\nMemberships")
	}
	for _, m := range e.Memberships {
		fmt.Fprintf(&w, "  %s %s:", m.Group, e.Groups[string(m.Group)])
		for _, s := range m.Sources {
			fmt.Fprintf(&w, " %s", s.Origin)
			if s.Ticket != "" {
				fmt.Fprintf(&w, " %s", s.Ticket)
			}
			if !s.Until.IsZero() {
				fmt.Fprintf(&w, " until %s", s.Until.UTC().Format(time.RFC3339))
			}
		}
		fmt.Fprintln(&w)
	}
	return w.String()
}

// prepareUndo makes the hold that takes a change back.
func prepareUndo(ctx context.Context, c console, subject string) (h hold.Hold, err error) {
	id, err := change.ParseID(subject)
	if err != nil {
		return h, usage(fmt.Errorf("--undo takes back a change; write its ID: %w", err))
	}
	dir := value(c, "SOPD_POLICY_DIR")
	if dir == "" {
		return h, usage(errors.New("SOPD_POLICY_DIR: name the folder of the policies; they say what may be undone"))
	}
	set, err := policies.Load(os.DirFS(dir))
	if err != nil {
		return h, usage(fmt.Errorf("SOPD_POLICY_DIR: the policies are not sound:\n%w", err))
	}
	person, err := signedIn()
	if err != nil {
		return h, err
	}
	s, err := openStore(ctx, c)
	if err != nil {
		return h, err
	}
	defer s.Close()
	err = s.Write(ctx, func(tx *store.Tx) error {
		h, err = reconcile.PrepareUndo(tx, set, id, person)
		return err
	})
	if errors.Is(err, reconcile.ErrNoUndo) {
		return h, &exitError{code: exitStopped, cause: err}
	}
	return h, err
}

// printUndo says what to do with the hold.
func printUndo(w io.Writer, h hold.Hold) {
	fmt.Fprintf(w, "%s waits until %s for a second person, who reads it with\n  sopd holds show %s\nand lets it through once with\n"+
		"  sopd holds approve %s --reason TEXT\n", h.ID, h.Expires.Format(time.DateTime), h.ID, h.ID)
}
