package main

import (
	"context"
	"fmt"
	"io"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/plan"
	"github.com/spf13/cobra"
)

func newPlanCommand(c console) *cobra.Command {
	var asJSON, memberships, asScore bool
	var days int
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change and why, and change nothing",
		Long: "Read the vendors and show what the next pass would change, with the evidence for each line. Nothing outside is\n" +
			"changed. The exit code is 3 when there is something to do.\n\n" +
			"With --score, show instead how far people and sopd have agreed where it only observes: what it would have done, held\n" +
			"against what people did within four days before or after. That is the figure to look at before a system is moved from\n" +
			"observe to grant.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asScore {
				return showScore(cmd, c, days, asJSON)
			}
			d, err := connect(cmd.Context(), c, quietly)
			if err != nil {
				return err
			}
			defer d.close()
			if err := d.hello(cmd.Context()); err != nil {
				return err
			}
			d.reconciler.Write = false
			d.reconciler.Watch = newProgress(c.Err).watch
			report, err := d.reconciler.Pass(cmd.Context())
			if err != nil {
				return err
			}
			if report.Result == reconcile.Standby {
				return &exitError{code: exitStopped, cause: fmt.Errorf("another sopd is deciding just now; try again in a minute")}
			}
			names, err := readNames(cmd, d.store, report.Plan)
			if err != nil {
				return err
			}
			if asJSON {
				view := planView(report.Plan)
				if memberships {
					if view.Memberships, err = d.memberships(cmd.Context()); err != nil {
						return err
					}
				}
				err = writeJSON(c.Out, view)
			} else {
				err = printPlan(c.Out, report.Plan, names, d.policies)
			}
			if err == nil && !report.Plan.Empty() {
				return &exitError{code: exitChanges}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&asScore, "score", false, "show how far people and sopd agree where it only observes")
	cmd.Flags().IntVar(&days, "days", 90, "how far --score looks back")
	cmd.Flags().BoolVar(&memberships, "memberships", false, "with --json: list every membership with where it comes from")
	return cmd
}

// memberships says of every membership in the managed groups where it comes from, by group.
func (d *daemon) memberships(ctx context.Context) (map[access.GroupID][]plan.Held, error) {
	var ids []access.GroupID
	for _, g := range d.policies.Catalog.Groups {
		ids = append(ids, g.ID)
	}
	byGroup := make(map[access.GroupID][]plan.Held)
	return byGroup, d.store.Read(ctx, func(tx *store.Tx) error {
		all, err := reconcile.MembershipsIn(tx, ids)
		for _, m := range all {
			byGroup[m.Group] = append(byGroup[m.Group], m)
		}
		return err
	})
}

// planJSON is the plan for scripts.
type planJSON struct {
	Hash     string          `json:"hash"`
	Changes  []change.Change `json:"changes"`
	Proposed []change.Change `json:"proposed"`
	Skipped  []skippedJSON   `json:"skipped"`
	Drift    []driftJSON     `json:"drift"`
	// Memberships is by group, only when it was asked for.
	Memberships map[access.GroupID][]plan.Held `json:"memberships,omitempty"`
}

type skippedJSON struct {
	Change change.Change `json:"change"`
	Why    string        `json:"why"`
}

type driftJSON struct {
	Group access.GroupID `json:"group"`
	User  access.UserID  `json:"user"`
}

func planView(p plan.Plan) planJSON {
	v := planJSON{
		Hash: p.Hash(), Changes: append([]change.Change{}, p.Changes...), Proposed: append([]change.Change{}, p.Proposed...),
		Skipped: []skippedJSON{}, Drift: []driftJSON{},
	}
	for _, s := range p.Skipped {
		v.Skipped = append(v.Skipped, skippedJSON{s.Change, s.Why})
	}
	for _, m := range p.Drift {
		v.Drift = append(v.Drift, driftJSON{m.Group, m.User})
	}
	return v
}

// readNames returns the logins of the users in the plan: a person who reads a plan knows people by them.
func readNames(cmd *cobra.Command, s *store.Store, p plan.Plan) (map[access.UserID]string, error) {
	names := make(map[access.UserID]string)
	for _, c := range append(append([]change.Change{}, p.Changes...), p.Proposed...) {
		names[c.User] = ""
	}
	for _, x := range p.Skipped {
		names[x.Change.User] = ""
	}
	for _, m := range p.Drift {
		names[m.User] = ""
	}
	return names, s.Read(cmd.Context(), func(tx *store.Tx) error {
		for id := range names {
			user, found, err := tx.User(id)
			if err != nil {
				return err
			}
			names[id] = string(id)
			if found {
				names[id] = user.Login
			}
		}
		return nil
	})
}

func printPlan(w io.Writer, p plan.Plan, names map[access.UserID]string, set *policies.Set) error {
	line := func(c change.Change) string {
		sign := map[change.Kind]string{change.AddMember: "+", change.RemoveMember: "-"}[c.Kind]
		if sign == "" {
			sign = "!"
		}
		group := string(c.Group)
		if known, ok := set.Catalog.Group(c.Group); ok {
			group = known.Name
		}
		return fmt.Sprintf("  %s %-14s %-32s %-28s %s %s", sign, c.Kind, names[c.User], group, c.Reason, c.Ticket)
	}
	section := func(title string, n int) {
		if n > 0 {
			fmt.Fprintf(w, "%s (%d)\n", title, n)
		}
	}
	section("To do", len(p.Changes))
	for _, c := range p.Changes {
		fmt.Fprintln(w, line(c))
	}
	section("Would be done, but the system is only observed", len(p.Proposed))
	for _, c := range p.Proposed {
		fmt.Fprintln(w, line(c))
	}
	section("Due, but not possible or not allowed", len(p.Skipped))
	for _, s := range p.Skipped {
		fmt.Fprintf(w, "%s\n      %s\n", line(s.Change), s.Why)
	}
	section("Drift: in a managed group without a ticket", len(p.Drift))
	for _, m := range p.Drift {
		group, _ := set.Catalog.Group(m.Group)
		fmt.Fprintf(w, "  ? %-47s %s\n", names[m.User], group.Name)
	}
	if p.Empty() {
		fmt.Fprintln(w, "Nothing to do.")
		return nil
	}
	_, err := fmt.Fprintf(w, "Plan %.12s: %d changes.\n", p.Hash(), len(p.Changes))
	return err
}
