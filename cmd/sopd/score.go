package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/score"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/spf13/cobra"
)

// scoreJSON is the score for scripts.
type scoreJSON struct {
	Systems     []systemScore    `json:"systems"`
	Differences []differenceJSON `json:"differences"`
}

// systemScore is the score of one system.
type systemScore struct {
	System     string   `json:"system"`
	Mode       string   `json:"mode"`
	Agreed     int      `json:"agreed"`
	OnlySopd   int      `json:"only_sopd"`
	OnlyPeople int      `json:"only_people"`
	Open       int      `json:"open"`
	Withdrawn  int      `json:"withdrawn"`
	Agreement  *float64 `json:"agreement"` // null while nothing is decided
}

// differenceJSON is something that only one of the two would have done.
type differenceJSON struct {
	Outcome score.Outcome  `json:"outcome"`
	At      time.Time      `json:"at"`
	Kind    string         `json:"kind"`
	User    access.UserID  `json:"user"`
	Group   access.GroupID `json:"group"`
	Reason  string         `json:"reason,omitempty"`
	Ticket  string         `json:"ticket,omitempty"`
	Event   access.EventID `json:"event,omitempty"`
	Actor   string         `json:"actor,omitempty"`
}

// showScore prints how far people and sopd agree where it only observes. It asks no vendor.
func showScore(cmd *cobra.Command, c console, days int, asJSON bool) error {
	if days < 1 || days > 400 {
		return usage(fmt.Errorf("--days is %d; write a number from 1 to 400", days))
	}
	d, err := connect(cmd.Context(), c, quietly)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.hello(cmd.Context()); err != nil { // it says which account's deeds are sopd's own
		return err
	}
	o := d.observer()
	o.Since = d.store.Now().AddDate(0, 0, -days)
	var lines []score.Line
	err = d.store.Read(cmd.Context(), func(tx *store.Tx) error {
		lines, err = reconcile.Score(tx, d.policies, o)
		return err
	})
	if err != nil {
		return err
	}
	view := scoreView(d.policies, lines, o.Tallies(d.policies, lines))
	if asJSON {
		return writeJSON(c.Out, view)
	}
	return printScore(c.Out, view, d.policies)
}

func (d *daemon) observer() reconcile.Observer {
	return reconcile.Observer{Write: d.config.Write, Self: d.reconciler.Self}
}

// tallies returns the score of the last 90 days by system.
func (d *daemon) tallies(tx *store.Tx) (map[string]score.Tally, error) {
	o := d.observer()
	o.Since = tx.Now().AddDate(0, 0, -90)
	lines, err := reconcile.Score(tx, d.policies, o)
	return o.Tallies(d.policies, lines), err
}

func scoreView(set *policies.Set, lines []score.Line, tallies map[string]score.Tally) scoreJSON {
	v := scoreJSON{Systems: []systemScore{}, Differences: []differenceJSON{}}
	for _, id := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[id]
		s := systemScore{
			System: id, Agreed: t[score.Agreed], OnlySopd: t[score.OnlySopd], OnlyPeople: t[score.OnlyPeople], Open: t[score.Open],
			Withdrawn: t[score.Withdrawn],
		}
		if known, ok := set.Catalog.System(id); ok {
			s.Mode = string(known.Mode)
		}
		if ratio, ok := t.Agreement(); ok {
			s.Agreement = &ratio
		}
		v.Systems = append(v.Systems, s)
	}
	for _, l := range lines {
		switch {
		case l.Outcome == score.OnlySopd:
			p := l.Proposal
			v.Differences = append(v.Differences, differenceJSON{
				Outcome: l.Outcome, At: p.Since, Kind: string(p.Kind), User: p.User, Group: p.Group, Reason: string(p.Reason), Ticket: string(p.Ticket),
			})
		case l.Outcome == score.OnlyPeople:
			x := l.Deed
			v.Differences = append(v.Differences, differenceJSON{
				Outcome: l.Outcome, At: x.At, Kind: string(x.Kind), User: x.User, Group: x.Group, Event: x.Event, Actor: x.Actor,
			})
		}
	}
	return v
}

func printScore(w io.Writer, v scoreJSON, set *policies.Set) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SYSTEM\tMODE\tAGREED\tONLY SOPD\tONLY PEOPLE\tOPEN\tAGREEMENT")
	for _, s := range v.Systems {
		agreement := "-"
		if s.Agreement != nil {
			agreement = fmt.Sprintf("%.0f %%", *s.Agreement*100)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", s.System, s.Mode, s.Agreed, s.OnlySopd, s.OnlyPeople, s.Open, agreement)
	}
	if err := t.Flush(); err != nil || len(v.Differences) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nWhere they differ:")
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range v.Differences {
		group := string(d.Group)
		if known, ok := set.Catalog.Group(d.Group); ok {
			group = known.Name
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s%s\n", d.At.UTC().Format(time.DateTime), d.Outcome, d.Kind, d.User, group,
			or(d.Ticket, d.Reason), string(d.Event))
	}
	return t.Flush()
}
