package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/replay"
	"github.com/spf13/cobra"
)

func newPolicyReplayCommand(c console) *cobra.Command {
	var since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay FILE…",
		Short: "Show what changed policies would have done in the recorded past",
		Long: "Hold changed policy files against recorded history, before they are put in force: which requests would have been\n" +
			"judged otherwise, which plans the guards would have stopped or let through, what would become of memberships without\n" +
			"a ticket, which promises would have been broken or kept, and whom that would have paged. A FILE stands in for the one of the same name in\n" +
			"SOPD_POLICY_DIR, or is added to it. Nothing is asked of a vendor and nothing is changed.\n\n" +
			"Each ticket is judged as of its last answered approval, with people as they are known now. A ticket field that the\n" +
			"policies in force do not read was never asked for: requests that it decides are named and not judged.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			before, after, err := changedPolicies(value(c, "SOPD_POLICY_DIR"), files)
			if err != nil {
				return usage(err)
			}
			days, err := replayDays(since)
			if err != nil {
				return usage(err)
			}
			s, err := openStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			var h replay.History
			err = s.Read(cmd.Context(), func(tx *store.Tx) error {
				h, err = replay.Read(tx, s.Now().AddDate(0, 0, -days))
				return err
			})
			if err != nil {
				return err
			}
			result := replay.Compare(before, after, h)
			if asJSON {
				return writeJSON(c.Out, result)
			}
			return printReplay(c.Out, result, after)
		},
	}
	cmd.Flags().StringVar(&since, "since", "90d", "how far back, in days")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// replayDays reads a number of days such as 90d.
func replayDays(text string) (int, error) {
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); err != nil || n != 1 || text != fmt.Sprintf("%dd", days) || days < 1 || days > 36500 {
		return 0, fmt.Errorf("--since is %q; write a number of days, such as 90d", text)
	}
	return days, nil
}

// changedPolicies reads the policies in force, and those with the files in their places.
func changedPolicies(dir string, files []string) (before, after *policies.Set, err error) {
	if dir == "" {
		return nil, nil, errors.New("SOPD_POLICY_DIR is missing; name the folder of the policies in force")
	}
	if before, err = policies.Load(os.DirFS(dir)); err != nil {
		return nil, nil, fmt.Errorf("the policies in force are not sound:\n%w", err)
	}
	changed, err := os.MkdirTemp("", "sopd-replay-")
	if err != nil {
		return nil, nil, fmt.Errorf("no temporary folder can be made: %w", cause(err))
	}
	defer func() { _ = os.RemoveAll(changed) }() // a copy that nobody needs any more
	if err := os.CopyFS(changed, os.DirFS(dir)); err != nil {
		return nil, nil, fmt.Errorf("the policies in force cannot be copied: %w", cause(err))
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return nil, nil, fmt.Errorf("%s cannot be read: %w", file, cause(err))
		}
		copied := filepath.Join(changed, filepath.Base(file))
		if err := os.WriteFile(copied, text, 0o600); err != nil { //nolint:gosec // a base name below our own folder
			return nil, nil, fmt.Errorf("%s cannot be copied: %w", file, cause(err))
		}
	}
	if after, err = policies.Load(os.DirFS(changed)); err != nil {
		return nil, nil, fmt.Errorf("the changed policies are not sound:\n%w", err)
	}
	return before, after, nil
}

func printReplay(w io.Writer, r replay.Result, set *policies.Set) error {
	group := func(m access.Membership) string {
		if g, known := set.Catalog.Group(m.Group); known {
			return string(m.User) + " in " + g.Name
		}
		return string(m.User) + " in " + string(m.Group)
	}
	fmt.Fprintf(w, "From %s to %s, %d tickets judged under both.\n\n", r.Since.Format(time.DateOnly), r.Now.Format(time.DateOnly), r.Judged)
	if err := printTotals(w, r); err != nil {
		return err
	}
	fmt.Fprintf(w, "Requests that would have been judged otherwise (%d)\n", len(r.Requests))
	for _, q := range r.Requests {
		fmt.Fprintf(w, "  %s  %s -> %s  %s\n", q.Ticket, or(string(q.Before), "not ours"), or(string(q.After), "not ours"), strings.Join(q.Why, "; "))
		for _, m := range q.Gains {
			fmt.Fprintf(w, "    + would have been given: %s\n", group(m))
		}
		for _, m := range q.Loses {
			fmt.Fprintf(w, "    - would not have been given: %s\n", group(m))
		}
	}
	fmt.Fprintf(w, "Plans that the guards would have judged otherwise (%d)\n", len(r.Plans))
	for _, p := range r.Plans {
		fmt.Fprintf(w, "  %.12s  %s  %d changes: stopped by %s -> %s\n", p.Hash, p.At.Format(time.RFC3339), p.Changes, guards(p.Before), guards(p.After))
	}
	fmt.Fprintf(w, "Memberships that would be treated otherwise from now on (%d)\n", len(r.Drift))
	for _, d := range r.Drift {
		fmt.Fprintf(w, "  %s: %s -> %s\n", group(d.Membership), d.Before, d.After)
	}
	fmt.Fprintf(w, "Promises with other figures (%d)\n", len(r.Promises))
	for _, p := range r.Promises {
		fmt.Fprintf(w, "  %s/%s: %d would have been late, and paged for; %d would not\n", p.SOP, p.KPI, len(p.Late), len(p.Kept))
		for _, s := range p.Late {
			fmt.Fprintf(w, "    late: %s\n", s)
		}
		for _, s := range p.Kept {
			fmt.Fprintf(w, "    in time: %s\n", s)
		}
	}
	return nil
}

// printTotals writes what people look at first: what cannot be told, and how much would have been different.
func printTotals(w io.Writer, r replay.Result) error {
	for _, u := range r.Unread {
		fmt.Fprintf(w, "NOT JUDGED: %d tickets, because the policies in force never asked Jira for the field %q. What they would have\n"+
			"become under the changed policies nobody can know from what was recorded: %s\n\n", len(u.Tickets), u.Field, someTickets(u.Tickets))
	}
	fmt.Fprintf(w, "%-34s %6s %6s\n", "under the changed policies", "more", "less")
	for _, total := range r.Totals {
		fmt.Fprintf(w, "%-34s %6d %6d\n", total.What, total.More, total.Less)
	}
	_, err := fmt.Fprintln(w)
	return err
}

// someTickets names the first tickets.
func someTickets(keys []ticket.Key) string {
	const shown = 10
	words := make([]string, 0, shown+1)
	for _, key := range keys[:min(shown, len(keys))] {
		words = append(words, string(key))
	}
	if more := len(keys) - shown; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

func guards(names []guard.Name) string {
	if len(names) == 0 {
		return "none"
	}
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = string(n)
	}
	return strings.Join(words, " and ")
}
