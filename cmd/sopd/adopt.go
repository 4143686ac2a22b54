package main

import (
	"context"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/spf13/cobra"
)

// adopted is what one run of adopt accepted.
type adopted struct {
	Memberships int       `json:"memberships"`
	Groups      int       `json:"groups"`
	ReviewBy    time.Time `json:"reviewBy"`
	By          string    `json:"by"`
}

func newAdoptCommand(c console) *cobra.Command {
	var asJSON bool
	var days int
	var groups []string
	cmd := &cobra.Command{
		Use:   "adopt [--group ID]…",
		Short: "Accept the memberships that exist and have no ticket as a baseline, to be reviewed",
		Long: "Accept memberships that exist in managed groups and have no ticket as a baseline with a review date, so that\n" +
			"they are neither drift nor removed. Nothing outside is changed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || days > 400 {
				return usage(fmt.Errorf("--review-days is %d; write a number from 1 to 400", days))
			}
			d, err := connect(cmd.Context(), c, quietly)
			if err != nil {
				return err
			}
			defer d.close()
			if err := d.hello(cmd.Context()); err != nil {
				return err
			}
			d.reconciler.Watch = newProgress(c.Err).watch
			chosen, err := chooseGroups(d.policies, groups)
			if err != nil {
				return usage(err)
			}
			person, err := signedIn()
			if err != nil {
				return err
			}
			result, err := adopt(cmd.Context(), d, adoption{groups: chosen, days: days, by: person})
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.Out, result)
			}
			fmt.Fprintf(c.Out, "%d memberships of %d groups adopted as baseline, to be reviewed by %s\n",
				result.Memberships, result.Groups, result.ReviewBy.Format(time.DateOnly))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&days, "review-days", 90, "days until the baseline has to be reviewed")
	cmd.Flags().StringArrayVar(&groups, "group", nil, "Okta group ID; may be repeated; all managed groups without it")
	return cmd
}

func chooseGroups(set *policies.Set, names []string) (map[access.GroupID]bool, error) {
	chosen := make(map[access.GroupID]bool)
	for _, name := range names {
		if _, ours := set.Catalog.Group(access.GroupID(name)); !ours {
			return nil, fmt.Errorf("--group: %q is not in the catalog", name)
		}
		chosen[access.GroupID(name)] = true
	}
	if len(names) == 0 {
		for _, g := range set.Catalog.Groups {
			chosen[g.ID] = true
		}
	}
	return chosen, nil
}

// adoption is what is to be accepted, until when, and by whom.
type adoption struct {
	groups map[access.GroupID]bool
	days   int
	by     string
}

// adopt observes once, without writing, and accepts what then stands as drift in the chosen groups.
func adopt(ctx context.Context, d *daemon, a adoption) (adopted, error) {
	d.reconciler.Write = false
	report, err := d.reconciler.Pass(ctx)
	if err != nil {
		return adopted{}, err
	}
	if report.Result == reconcile.Standby {
		return adopted{}, &exitError{code: exitStopped, cause: fmt.Errorf("another sopd is deciding just now; try again in a minute")}
	}
	now := d.store.Now()
	result := adopted{ReviewBy: now.AddDate(0, 0, a.days), By: a.by}
	groups := make(map[access.GroupID]bool)
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		var baselines []store.Baseline
		result.Memberships = 0 // a write that lost against another runs again
		for _, m := range report.Plan.Drift {
			if !a.groups[m.Group] {
				continue
			}
			b := store.Baseline{Membership: m, Adopted: now, ReviewBy: result.ReviewBy, By: result.By}
			baselines = append(baselines, b)
			if _, err := tx.Append(ledger.Entry{Kind: ledger.BaselineAdopted, At: now, User: m.User, Group: m.Group, Body: baselineBody(b)}); err != nil {
				return err
			}
			groups[m.Group] = true
			result.Memberships++
		}
		return tx.PutBaselines(baselines)
	})
	result.Groups = len(groups)
	return result, err
}

// adoptionBody is the body of a baseline.adopted entry.
type adoptionBody struct {
	ReviewBy time.Time `json:"reviewBy"`
	By       string    `json:"by"`
}

func baselineBody(b store.Baseline) adoptionBody { return adoptionBody{ReviewBy: b.ReviewBy, By: b.By} }
