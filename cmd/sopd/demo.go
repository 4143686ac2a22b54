package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/mocks/world"
	"github.com/spf13/cobra"
)

// demoOptions are the demo's flags.
type demoOptions struct {
	once, asJSON, serve, list bool
	story                     string
}

func newDemoCommand(c console) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a story: simulated vendors, a fictional organisation, the real daemon",
		Long: "Start simulated Okta, Jira and Opsgenie servers on this machine, filled with a fictional organisation, run the\n" +
			"daemon against them over HTTP, and tell what happens. Nothing outside this machine is spoken to.\n\n" +
			"The store stays in SOPD_DATA_DIR when that is set, so that other commands can be tried on it afterwards.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.list:
				return listStories(c.Out)
			case o.serve:
				return serveWorld(cmd.Context(), c)
			default:
				return playDemo(cmd.Context(), c, o)
			}
		},
	}
	cmd.Flags().BoolVar(&o.once, "once", false, "end after the story; exit code 0 only when every expectation held")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the result as JSON")
	cmd.Flags().BoolVar(&o.serve, "serve", false, "only start the simulated vendors and print the environment for sopd run")
	cmd.Flags().BoolVar(&o.list, "stories", false, "list the stories")
	cmd.Flags().StringVar(&o.story, "story", "main", "the story to play")
	return cmd
}

func listStories(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range world.Stories() {
		fmt.Fprintf(t, "%s\t%s\n", s.Name, s.Title)
	}
	return t.Flush()
}

// serveWorld runs the simulated vendors until the context ends.
func serveWorld(ctx context.Context, c console) error {
	w, err := world.New(world.Config{Now: time.Now})
	if err != nil {
		return err
	}
	defer w.Close()
	dir, cleanup, err := demoDir(c)
	if err != nil {
		return err
	}
	defer cleanup()
	env, err := demoEnvironment(w, dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.Out, "# The simulated vendors are up until Ctrl-C. In another shell, use this environment with sopd run, plan, check …")
	for _, key := range sortedKeys(env) {
		fmt.Fprintf(c.Out, "export %s='%s'\n", key, env[key])
	}
	<-ctx.Done()
	return nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// demoDir returns the folder for the demo's store and policies: SOPD_DATA_DIR, or one that is removed afterwards.
func demoDir(c console) (dir string, cleanup func(), err error) {
	if dir, ok := c.Env("SOPD_DATA_DIR"); ok && dir != "" {
		return dir, func() {}, os.MkdirAll(dir, 0o700)
	}
	dir, err = os.MkdirTemp("", "sopd-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// demoEnvironment writes the organisation's policies into the folder and returns what sopd needs to work with the world.
func demoEnvironment(w *world.World, dir string) (map[string]string, error) {
	policies := filepath.Join(dir, "policies")
	if err := w.WritePolicies(policies); err != nil {
		return nil, err
	}
	env := w.Env()
	env["SOPD_POLICY_DIR"], env["SOPD_DATA_DIR"] = policies, dir
	env["SOPD_WRITE"], env["SOPD_INTERVAL"] = "true", "2s"
	return env, nil
}

// demo is one playing of a story.
type demo struct {
	console console
	inner   console // of the daemon and of the commands that operate it
	world   *world.World
	daemon  *daemon
	running *running // nil before the daemon runs
	mortal  *mortal
	json    bool
	started time.Time
	told    map[change.ID]bool
	witness *witness
	result  demoResult
}

// demoResult is the outcome for scripts.
type demoResult struct {
	Story        string        `json:"story"`
	Changes      []demoChange  `json:"changes"`
	KPIs         []kpiLine     `json:"kpis"`
	Expectations []expectation `json:"expectations"`
	Rules        []ruleLine    `json:"rules"`
}

// ruleLine is whether one of the rules that must never break was kept after every step.
type ruleLine struct {
	Rule string `json:"rule"`
	Kept bool   `json:"kept"`
	Why  string `json:"why,omitempty"`
}

type demoChange struct {
	ID      change.ID     `json:"change_id"`
	Kind    change.Kind   `json:"kind"`
	Reason  change.Reason `json:"reason"`
	Ticket  string        `json:"ticket"`
	User    string        `json:"user"`
	Group   string        `json:"group"`
	Outcome change.State  `json:"outcome"`
}

// sentence says for a newcomer what the change did and why.
func (c demoChange) sentence() string {
	did := map[change.Kind]string{
		change.AddMember: "added " + c.User + " to " + c.Group, change.RemoveMember: "removed " + c.User + " from " + c.Group,
		change.ClearSessions: "ended the Okta sessions of " + c.User, change.Suspend: "suspended " + c.User,
		change.Deactivate: "deactivated " + c.User,
	}[c.Kind]
	why := map[change.Reason]string{
		change.ApprovedTicket: "approved in " + c.Ticket, change.Offboarding: "offboarding " + c.Ticket,
		change.Deprovisioned: "deactivated in Okta", change.Expired: "the access of " + c.Ticket + " ran out",
		change.Revocation: "revocation " + c.Ticket, change.Drift: "nobody approved it", change.Review: "revoked in the review " + c.Ticket,
		change.RoleChange: strings.TrimSpace("the role changed " + c.Ticket), change.Birthright: "the profile gives it",
		change.Containment: "contained in " + c.Ticket,
		change.BreakGlass:  "emergency " + c.Ticket, change.Unreviewed: "the emergency " + c.Ticket + " was not found justified",
		change.Undo: "a second person approved to take a change back",
	}[c.Reason]
	if c.Outcome == change.Refused {
		why += "; Okta refused"
	}
	return did + " (" + why + ")"
}

type expectation struct {
	Name string `json:"name"`
	Held bool   `json:"held"`
}

func playDemo(ctx context.Context, c console, o demoOptions) error {
	i := slices.IndexFunc(world.Stories(), func(s world.Story) bool { return s.Name == o.story })
	if i < 0 {
		return usage(fmt.Errorf("there is no story %q; see sopd demo --stories", o.story))
	}
	dir, cleanup, err := demoDir(c)
	if err != nil {
		return err
	}
	defer cleanup()
	w, err := world.New(world.Config{Now: time.Now})
	if err != nil {
		return err
	}
	defer w.Close()
	env, err := demoEnvironment(w, dir)
	if err != nil {
		return err
	}
	for name, v := range world.Stories()[i].Env {
		env[name] = v
	}
	if err := addPolicies(env["SOPD_POLICY_DIR"], world.Stories()[i]); err != nil {
		return err
	}
	env["SOPD_LISTEN"], env["SOPD_LOG_LEVEL"] = or(value(c, "SOPD_LISTEN"), "127.0.0.1:0"), or(value(c, "SOPD_LOG_LEVEL"), "error")
	inner := console{In: c.In, Out: c.Out, Err: c.Err, Env: func(key string) (string, bool) { v, ok := env[key]; return v, ok }}
	p := &demo{console: c, inner: inner, world: w, json: o.asJSON, told: make(map[change.ID]bool), result: demoResult{Story: o.story}}
	if err := p.connect(ctx); err != nil {
		return err
	}
	err = p.play(ctx, world.Stories()[i], o)
	return errors.Join(err, p.daemon.close())
}

// addPolicies writes the policy files that a story brings along.
func addPolicies(folder string, story world.Story) error {
	if story.Policies == nil {
		return nil
	}
	for name, text := range story.Policies(time.Now()) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func value(c console, key string) string {
	v, _ := c.Env(key)
	return v
}

func (p *demo) say(format string, args ...any) {
	if !p.json {
		fmt.Fprintf(p.console.Out, format+"\n", args...)
	}
}

// verdict prints the result for scripts, and turns an expectation that did not hold into a failure.
func (p *demo) verdict(o demoOptions) error {
	if p.json {
		if err := writeJSON(p.console.Out, p.result); err != nil {
			return err
		}
	}
	var broken []string
	for _, e := range p.result.Expectations {
		if !e.Held {
			broken = append(broken, "not true: "+e.Name)
		}
	}
	for _, r := range p.result.Rules {
		if !r.Kept {
			broken = append(broken, "broken rule "+r.Rule+": "+r.Why)
		}
	}
	if len(broken) > 0 && o.once {
		return fmt.Errorf("the story did not go as told:\n%s", strings.Join(broken, "\n"))
	}
	return nil
}

func (p *demo) prologue(ctx context.Context, story world.Story) error {
	p.started = time.Now()
	p.say("%s", story.Title)
	p.say("\nMaison RMI is a fictional organisation. Its Okta, Jira and Opsgenie are simulated on this machine; sopd is real.")
	chosen, err := chooseGroups(p.daemon.policies, nil)
	if err != nil {
		return err
	}
	result, err := adopt(ctx, p.daemon, adoption{days: 90, groups: chosen, by: "demo"})
	if err != nil {
		return fmt.Errorf("adopting what exists: %w", err)
	}
	p.daemon.reconciler.Write = true
	if p.witness, err = newWitness(ctx, p.world, p.daemon); err != nil {
		return err
	}
	p.say("sopd begins by adopting the %d memberships that exist in the %d groups it manages, to be reviewed by %s.",
		result.Memberships, result.Groups, result.ReviewBy.Format(time.DateOnly))
	return nil
}

// lookEvery is how often the demo asks the simulated vendors whether an expectation holds.
const lookEvery = 50 * time.Millisecond

func (p *demo) steps(ctx context.Context, story world.Story) error {
	for i, step := range story.Steps {
		p.say("\n%d. %s", i+1, step.Say)
		if err := p.perform(ctx, step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if err := p.expect(ctx, step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if err := p.tellChanges(ctx); err != nil {
			return err
		}
		if err := p.witness.judge(ctx, p.daemon); err != nil {
			return err
		}
	}
	return nil
}

// watched is an expectation while its step lasts.
type watched struct {
	world.Expectation
	settled bool // it is known how it went
	held    bool
	after   time.Duration
}

// expect looks at all expectations of a step together until each is settled: one that has to hold throughout when the
// time is up or it did not hold once; any other when it held once or the time is up.
func (p *demo) expect(ctx context.Context, step world.Step) error {
	all := make([]watched, len(step.Expect))
	for i, e := range step.Expect {
		all[i].Expectation = e
	}
	began := time.Now()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for open := true; open; {
		open = false
		for i := range all {
			if err := all[i].look(p.world, time.Since(began), step.Within); err != nil {
				return fmt.Errorf("%s: %w", all[i].Name, err)
			}
			open = open || !all[i].settled
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.running.ended:
			return fmt.Errorf("the daemon ended: %w", p.running.err)
		case <-ticker.C:
		}
	}
	for _, e := range all {
		p.result.Expectations = append(p.result.Expectations, expectation{Name: e.Name, Held: e.held})
		mark := "ok      "
		if !e.held {
			mark = "NOT TRUE"
		}
		p.say("   %s %s (%.1f s)", mark, e.Name, e.after.Seconds())
	}
	return nil
}

func (e *watched) look(w *world.World, after, within time.Duration) error {
	if e.settled {
		return nil
	}
	held, err := e.Held(w)
	if err != nil {
		return err
	}
	if held != e.Throughout || after >= within {
		e.settled, e.held, e.after = true, held, after
	}
	return nil
}

// tellChanges prints the changes that were made since it was last asked.
func (p *demo) tellChanges(ctx context.Context) error {
	changes, err := p.changes(ctx)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Outcome.Settled() && !p.told[c.ID] {
			p.told[c.ID] = true
			p.say("   %s: %s", c.ID, c.sentence())
		}
	}
	return nil
}

// changes returns all changes with the names that a person knows.
func (p *demo) changes(ctx context.Context) ([]demoChange, error) {
	var all []demoChange
	return all, p.daemon.store.Read(ctx, func(tx *store.Tx) error {
		changes, err := tx.ChangesSince(p.started)
		if err != nil {
			return err
		}
		for _, c := range changes {
			line := demoChange{
				ID: c.ID, Kind: c.Kind, Reason: c.Reason, Ticket: string(c.Ticket), User: string(c.User), Group: string(c.Group), Outcome: c.State,
			}
			user, known, err := tx.User(c.User)
			if err != nil {
				return err
			}
			if known {
				line.User = user.Login
			}
			if group, ok := p.daemon.policies.Catalog.Group(c.Group); ok {
				line.Group = group.Name
			}
			all = append(all, line)
		}
		return nil
	})
}

func (p *demo) epilogue(ctx context.Context, address string) error {
	var err error
	if p.result.Changes, err = p.changes(ctx); err != nil {
		return err
	}
	if p.result.KPIs, err = kpiLines(ctx, p.daemon.store, p.daemon.policies); err != nil {
		return err
	}
	kept := 0
	for _, v := range p.witness.worst {
		p.result.Rules = append(p.result.Rules, ruleLine{Rule: v.Name, Kept: v.Kept, Why: v.Why})
		if v.Kept {
			kept++
		}
	}
	if p.json {
		return nil
	}
	p.say("\nAfter every step a checker asked the vendors, the store and the ledger whether a rule was broken: %d of %d rules kept.",
		kept, len(p.result.Rules))
	p.say("\nThe promises, as measured, with the changes that stopped their clocks:")
	if err := printKPIs(p.console.Out, p.result.KPIs); err != nil {
		return err
	}
	p.say("\nFigures for Prometheus: %s/metrics", address)
	if _, kept := p.console.Env("SOPD_DATA_DIR"); kept && len(p.result.Changes) > 0 {
		p.say("The whole chain behind a change: sopd explain %s", p.result.Changes[0].ID)
	}
	return nil
}
