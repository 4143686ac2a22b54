package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/jobs"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/spf13/cobra"
)

// parked is a piece of work that does not go on by itself, or not soon.
type parked struct {
	// ID names it: effect/…, page/…, change/… or ticket/….
	ID       string    `json:"id"`
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts,omitempty"`
	Cause    string    `json:"cause"`          // in sopd's own words
	Next     time.Time `json:"next,omitzero"`  // when it is tried again by itself; zero for never, or with every pass
	What     any       `json:"what,omitempty"` // the whole object, for show

	retry func(*store.Tx) error
}

func newParkedCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use: "parked", Short: "Show and retry work that does not go on by itself", Args: cobra.NoArgs,
		Long: "Show and retry work that does not go on by itself: comments and other effects on tickets, and pages, that failed\n" +
			"too often; changes that Okta keeps refusing; tickets that cannot be read. Jobs are not among them: they are only\n" +
			"wake-ups, made anew for whatever is open. Without another word: list.",
	}
	byDefault(cmd, newParkedListCommand(c))
	cmd.AddCommand(newParkedShowCommand(c), newParkedRetryCommand(c))
	return cmd
}

func newParkedListCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List what is parked", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := readParked(cmd, c)
			if err != nil {
				return err
			}
			if asJSON {
				for i := range all {
					all[i].What = nil
				}
				return writeJSON(c.Out, all)
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(c.Out, "Nothing is parked.")
				return err
			}
			w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tSINCE\tATTEMPTS\tNEXT\tWHY")
			for _, p := range all {
				next := "-"
				if !p.Next.IsZero() {
					next = p.Next.Format(time.DateTime)
				}
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", p.ID, p.Since.Format(time.DateTime), p.Attempts, next, p.Cause)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newParkedShowCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one piece of parked work whole, as JSON", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := readParked(cmd, c)
			if err != nil {
				return err
			}
			for _, p := range all {
				if p.ID == args[0] {
					return writeJSON(c.Out, p)
				}
			}
			return notParked(args[0])
		},
	}
}

func notParked(id string) error {
	return fmt.Errorf("%s is not parked; sopd parked list shows what is: %w", id, access.ErrNotFound)
}

func newParkedRetryCommand(c console) *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use: "retry ID…", Short: "Have parked work tried again at once",
		Long: "Have parked work tried again by the daemon at once. Nothing outside is changed by this command itself.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if all == (len(ids) > 0) {
				return usage(errors.New("name what to retry, as sopd parked list does, or everything with --all"))
			}
			s, err := openStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			retried := []string{}
			err = s.Write(cmd.Context(), func(tx *store.Tx) error {
				retried, err = retryParked(tx, ids)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.Out, map[string][]string{"retried": retried})
			}
			_, err = fmt.Fprintf(c.Out, "%d to be tried again; sopd run does it within seconds\n", len(retried))
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "everything that is parked")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// retryParked takes back what is named, or everything when nothing is, and asks for a pass. One name that is not parked
// leaves everything as it was.
func retryParked(tx *store.Tx, ids []string) ([]string, error) {
	found, err := findParked(tx)
	if err != nil {
		return nil, err
	}
	retried := []string{}
	for _, p := range found {
		if len(ids) > 0 && !slices.Contains(ids, p.ID) {
			continue
		}
		if err := p.retry(tx); err != nil {
			return nil, err
		}
		retried = append(retried, p.ID)
	}
	for _, id := range ids {
		if !slices.Contains(retried, id) {
			return nil, notParked(id)
		}
	}
	_, _, err = tx.Bump(jobs.Pass)
	return retried, err
}

func readParked(cmd *cobra.Command, c console) ([]parked, error) {
	s, err := openStore(cmd.Context(), c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	all := []parked{}
	err = s.Read(cmd.Context(), func(tx *store.Tx) error {
		found, err := findParked(tx)
		all = append([]parked{}, found...)
		return err
	})
	return all, err
}

func findParked(tx *store.Tx) ([]parked, error) {
	var all []parked
	for _, find := range []func(*store.Tx) ([]parked, error){parkedEffects, parkedPages, parkedChanges, parkedTickets} {
		found, err := find(tx)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func parkedEffects(tx *store.Tx) ([]parked, error) {
	effects, err := tx.EffectsParked()
	var all []parked
	for _, e := range effects {
		all = append(all, parked{
			ID: "effect/" + e.Key, Since: e.Created, Attempts: e.Attempts, Cause: e.Error, What: e,
			retry: func(tx *store.Tx) error { return tx.RetryEffect(e.Key) },
		})
	}
	return all, err
}

func parkedPages(tx *store.Tx) ([]parked, error) {
	pages, err := tx.PagesParked()
	var all []parked
	for _, p := range pages {
		all = append(all, parked{
			ID: "page/" + string(p.Alias), Since: p.Created, Attempts: p.Attempts, Cause: p.Error, What: p,
			retry: func(tx *store.Tx) error { return tx.RetryPage(p.Alias) },
		})
	}
	return all, err
}

func parkedChanges(tx *store.Tx) ([]parked, error) {
	standoffs, err := reconcile.Standoffs(tx, tx.Now())
	var all []parked
	for _, s := range standoffs {
		all = append(all, parked{
			ID: "change/" + string(s.Change.ID), Since: s.Change.Settled, Attempts: s.Refusals, Cause: s.Change.Error, Next: s.Until,
			What:  s.Change,
			retry: func(tx *store.Tx) error { return retryChange(tx, s.Change) },
		})
	}
	return all, err
}

func retryChange(tx *store.Tx, c change.Change) error { return tx.RetryChange(c.Kind, c.Membership()) }

// parkedTickets are read again by every pass; to retry one is to ask for a pass.
func parkedTickets(tx *store.Tx) ([]parked, error) {
	bad, err := tx.BadTickets()
	var all []parked
	for _, b := range bad {
		all = append(all, parked{
			ID: "ticket/" + string(b.Key), Since: b.Since, Cause: strings.TrimSpace(b.Cause), What: b,
			retry: func(*store.Tx) error { return nil },
		})
	}
	return all, err
}
