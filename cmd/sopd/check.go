package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/policies/draft"
	"github.com/spf13/cobra"
)

// checkTime bounds the questions to one vendor.
const checkTime = time.Minute

// checked is one line of the check's answer.
type checked struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Fix  string `json:"fix,omitempty"`
	// Warning: sopd works without it, and less well.
	Warning bool `json:"warning,omitempty"`
}

func newCheckCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, the policies, and every permission that the vendors have to give",
		Long: "Check everything that sopd needs before it runs: the configuration, the policies, each vendor's credential, and\n" +
			"each permission by name. Nothing is changed. The exit code is 2 when something is missing.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := connect(cmd.Context(), c, quietly)
			if err != nil {
				return err
			}
			defer d.close()
			newProgress(c.Err).line("asking Okta, Jira and the pager")
			lines := d.check(cmd.Context())
			if asJSON {
				err = writeJSON(c.Out, lines)
			} else {
				printChecks(c, lines)
			}
			for _, line := range lines {
				if !line.OK && !line.Warning {
					return errors.Join(err, &exitError{code: exitUsage})
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printChecks(c console, lines []checked) {
	for _, line := range lines {
		sign := "ok     "
		switch {
		case !line.OK && line.Warning:
			sign = "warning"
		case !line.OK:
			sign = "missing"
		}
		fmt.Fprintf(c.Out, "%s  %s\n", sign, line.What)
		if line.Fix != "" {
			fmt.Fprintf(c.Out, "         %s\n", line.Fix)
		}
	}
}

func (d *daemon) check(ctx context.Context) []checked {
	lines := []checked{
		{What: "configuration", OK: true},
		{What: fmt.Sprintf("policies: %d procedures, %d systems, %d groups", len(d.policies.Documents), len(d.policies.Catalog.Systems), len(d.policies.Catalog.Groups)), OK: true},
		{What: "store", OK: true},
	}
	ctx, cancel := context.WithTimeout(ctx, 3*checkTime)
	defer cancel()
	missing := d.okta.Check(ctx)
	lines = append(lines, problems("Okta", "credential and permissions", missing)...)
	if len(missing) == 0 { // without its permissions every group would be missing too
		lines = append(lines, d.checkGroups(ctx)...)
	}
	missing = d.jira.Check(ctx, d.policies.Projects())
	lines = append(lines, problems("Jira", "credential, permissions and fields", missing)...)
	lines = append(lines, d.checkProofs()...)
	if len(missing) == 0 {
		lines = append(lines, d.checkWorkflows(ctx)...)
	}
	lines = append(lines, d.checkPaging(ctx, d.store.Now())...)
	lines = append(lines, d.checkAnchors(), d.checkBackups())
	lines = append(lines,
		hookCheck("okta", "SOPD_OKTA_WEBHOOK_SECRET", d.config.OktaHooks),
		hookCheck("jira", "SOPD_JIRA_WEBHOOK_SECRET", d.config.JiraHooks),
		hookCheck("opsgenie", "SOPD_OPSGENIE_WEBHOOK_SECRET", d.config.OpsHook))
	if host, _, err := net.SplitHostPort(d.config.Listen); err == nil && !loopback(host) && d.config.WebConfig == "" {
		lines = append(lines, checked{
			What: "whoever reaches " + d.config.Listen + " reads the figures, in clear text", Warning: true,
			Fix: "set SOPD_WEB_CONFIG_FILE, or let a proxy stand before it",
		})
	}
	lines = append(lines, checkSafeguards(d.policies)...)
	return append(lines, d.checkMarks()...)
}

// checkSafeguards warns of every safeguard that the policies may leave out and that nobody would miss until it is needed.
func checkSafeguards(set *policies.Set) []checked {
	var lines []checked
	warn := func(what, fix string) {
		lines = append(lines, checked{What: what, Warning: true, Fix: fix + " in the policy of kind Guards"})
	}
	for _, name := range set.Guards.Disabled() {
		warn("guard "+string(name)+" is switched off", "give it a number")
	}
	if set.Canaries.User == "" || set.Canaries.Group == "" {
		warn("no canary in Okta: an empty answer cannot be told from an empty group", "name a lasting member and their group under canaries")
	}
	if set.Canaries.Ticket == "" {
		warn("no canary in Jira: a search that finds nothing cannot be told from one that may see nothing", "name a lasting ticket under canaries")
	}
	if len(set.HoldApprovers) == 0 {
		warn("whoever may run sopd here lets held plans through, also who has caused them", "name holdApprovers")
	}
	return lines
}

// checkMarks lists what a draft left to a person: each open question, and how many guesses each file still holds.
func (d *daemon) checkMarks() []checked {
	marks, err := draft.Marks(os.DirFS(d.config.PolicyDir))
	if err != nil {
		return []checked{{What: "the policy folder could be read and now cannot", Fix: "look at its owner and its rights"}}
	}
	var lines []checked
	guesses, files := map[string]int{}, []string{}
	for _, m := range marks {
		switch {
		case m.Open:
			lines = append(lines, checked{What: fmt.Sprintf("%s:%d is open: %s", m.File, m.Line, m.Text), Warning: true})
		case guesses[m.File] == 0:
			files = append(files, m.File)
			fallthrough
		default:
			guesses[m.File]++
		}
	}
	for _, name := range files {
		lines = append(lines, checked{
			What: fmt.Sprintf("%s: guesses of sopd init to be confirmed: %d", name, guesses[name]), Warning: true,
			Fix: `correct each, and take its mark "guess" away`,
		})
	}
	return lines
}

func problems(vendor, what string, found []access.Problem) []checked {
	if len(found) == 0 {
		return []checked{{What: vendor + ": " + what, OK: true}}
	}
	var lines []checked
	for _, p := range found {
		line := checked{What: vendor + ": " + p.What, Fix: p.Fix}
		if p.Err != nil {
			line.What += fmt.Sprintf(" (%v)", p.Err)
		}
		lines = append(lines, line)
	}
	return lines
}

func hookCheck(name, variable string, secrets []secret.Value) checked {
	if len(secrets) > 0 {
		return checked{What: "webhook " + name + ": secret is set", OK: true}
	}
	return checked{
		What: "webhook " + name + ": no secret, so every delivery is refused; polling alone does the work", Warning: true,
		Fix: "set " + variable,
	}
}

// checkGroups compares every catalogued group with Okta: that it exists, has the name that people think it has, and may
// be written at all.
func (d *daemon) checkGroups(ctx context.Context) []checked {
	var lines []checked
	for _, g := range d.policies.Catalog.Groups {
		found, err := d.okta.Group(ctx, g.ID)
		switch {
		case errors.Is(err, access.ErrNotFound):
			lines = append(lines, checked{What: fmt.Sprintf("group %s (%s) does not exist in Okta", g.ID, g.Name), Fix: "correct its id in the catalog"})
		case err != nil:
			lines = append(lines, checked{What: fmt.Sprintf("group %s (%s) cannot be read: %v", g.ID, g.Name, err), Fix: "give sopd's role access to the group"})
		case found.Name != g.Name:
			lines = append(lines, checked{What: fmt.Sprintf("group %s is called %q in Okta and %q in the catalog", g.ID, found.Name, g.Name), Fix: "make sure that it is the group you mean"})
		case found.Type != access.OktaGroup:
			lines = append(lines, checked{What: fmt.Sprintf("group %s (%s) is of type %s; sopd only reports it", g.ID, g.Name, found.Type), Warning: true})
		}
	}
	if len(lines) == 0 {
		lines = append(lines, checked{What: fmt.Sprintf("catalog: all %d groups are in Okta under their names", len(d.policies.Catalog.Groups)), OK: true})
	}
	return lines
}
