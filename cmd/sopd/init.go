package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/connectors/opsgenie"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/policies/draft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
)

func newInitCommand(c console) *cobra.Command {
	var approvers string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Draft a policy folder from what the vendors show",
		Long: "Read Okta, Jira and the paging system and write a first policy folder, into SOPD_POLICY_DIR without an argument.\n" +
			"Read-only credentials are enough, and nothing outside is changed. What was concluded from a name is marked\n" +
			"\"guess\", what only you know is marked \"open\"; sopd check lists both. A folder that holds anything is left alone.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := value(c, "SOPD_POLICY_DIR")
			if len(args) == 1 {
				dir = args[0]
			}
			return initialise(cmd.Context(), c, dir, approvers)
		},
	}
	cmd.Flags().StringVar(&approvers, "approvers", "", "name or ID of the Okta group that approves until each system has its owner")
	return cmd
}

func initialise(ctx context.Context, c console, dir, approvers string) error {
	if dir == "" {
		return usage(errors.New("name the folder to write, or set SOPD_POLICY_DIR"))
	}
	if err := vacant(dir); err != nil {
		return usage(err)
	}
	d, err := connectToRead(ctx, c, dir)
	if err != nil {
		return err
	}
	site, err := d.survey(ctx, newProgress(c.Err))
	if err != nil {
		return fmt.Errorf("reading the vendors, nothing was written: %w", err)
	}
	if site.Approvers = approvers; approvers != "" && !site.Has(approvers) {
		return usage(fmt.Errorf("--approvers: no group that the credential sees has the name or ID %q; nothing was written", approvers))
	}
	files := draft.Folder(site)
	if err := writeFolder(dir, files); err != nil {
		return err
	}
	return tellDraft(c, dir, site)
}

// vacant returns nil when the folder can be written without touching anything that is there.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s cannot be read (%w); name a folder that does not exist yet", dir, cause(err))
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty, and nothing in it was touched; name a folder that does not exist yet", dir)
	}
	return nil
}

// connectToRead wires the connectors alone: no policies, which do not exist yet, and no store. An Okta service app is asked
// for the rights to read only.
func connectToRead(ctx context.Context, c console, dir string) (*daemon, error) {
	cfg, err := loadConfig(ctx, func(key string) (string, bool) {
		if key == "SOPD_POLICY_DIR" {
			return dir, true
		}
		return c.Env(key)
	})
	if err != nil {
		return nil, usage(fmt.Errorf("the configuration is not complete, nothing was written:\n%w", err))
	}
	d := &daemon{
		config: cfg, policies: &policies.Set{}, registry: prometheus.NewRegistry(), scopes: okta.ReadScopes(),
		logger: newLogger(c.Err, or(cfg.LogLevel, string(quietly))),
	}
	return d, d.connectVendors(ctx)
}

// survey reads what a draft is made of.
//
// Errors: every vendor's at once; with any of them the site is not whole and must not be drafted from.
func (d *daemon) survey(ctx context.Context, p progress) (draft.Site, error) {
	site := draft.Site{Day: time.Now().UTC()}
	if d.pager != nil {
		site.Pager = pagerName(d.config.Paging)
	}
	p.line("reading the desks and projects of Jira")
	var jiraErr, pagerErr error
	if _, jiraErr = d.jira.Self(ctx); jiraErr == nil { // an answer to nobody is empty, and no error
		jiraErr = d.surveyJira(ctx, &site)
	}
	p.line("reading the on-call schedules")
	site.Schedules, pagerErr = schedules(ctx, d.pager)
	p.line("reading the groups of Okta and their members")
	oktaErr := d.surveyOkta(ctx, &site)
	return site, errors.Join(wrap("Okta", oktaErr), wrap("Jira", jiraErr), wrap(site.Pager, pagerErr))
}

func (d *daemon) surveyJira(ctx context.Context, site *draft.Site) (err error) {
	if site.Desks, err = desks(ctx, d.jira); err != nil {
		return err
	}
	if site.Fields, err = d.jira.FieldNames(ctx); err != nil {
		return err
	}
	projects, err := d.jira.Projects(ctx)
	for _, p := range projects {
		project := draft.Project{Key: p.Key}
		for _, t := range p.Types {
			kind := draft.Type{Name: t.Name}
			for _, s := range t.Statuses {
				kind.Statuses = append(kind.Statuses, draft.Status(s))
			}
			project.Types = append(project.Types, kind)
		}
		site.Projects = append(site.Projects, project)
	}
	return err
}

func (d *daemon) surveyOkta(ctx context.Context, site *draft.Site) error {
	self, err := d.okta.Self(ctx)
	if err != nil {
		return err
	}
	if self.Type == "User" {
		site.Self = access.UserID(self.ID)
	}
	rules, err := d.okta.Rules(ctx)
	if err != nil {
		return err
	}
	fed := make(map[access.GroupID][]string)
	for _, r := range rules {
		for _, id := range r.Groups {
			if r.Active {
				fed[id] = append(fed[id], r.Name)
			}
		}
	}
	groups, err := d.okta.Groups(ctx)
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, g := range groups {
		members, err := d.okta.Members(ctx, g.ID)
		one := draft.Group{Group: g, Members: len(members), Rules: fed[g.ID]}
		switch {
		case err != nil && unreadable(err):
			one.Members = draft.Unread
		case err != nil:
			return err
		}
		site.Groups = append(site.Groups, one)
		site.Attributes = append(site.Attributes, attributes(members, seen)...)
	}
	return nil
}

// unreadable reports whether the failure is this group's alone.
func unreadable(err error) bool {
	return errors.Is(err, access.ErrDenied) || errors.Is(err, access.ErrNotFound) || errors.Is(err, access.ErrIncomplete)
}

// attributes returns the names of profile attributes that were not seen before.
func attributes(members []access.User, seen map[string]bool) (fresh []string) {
	for _, m := range members {
		for name := range m.Profile {
			if !seen[name] {
				seen[name] = true
				fresh = append(fresh, name)
			}
		}
	}
	return fresh
}

// desks reads the service desks in the draft's words.
func desks(ctx context.Context, t *jira.Tickets) ([]draft.Desk, error) {
	found, err := t.Desks(ctx)
	var out []draft.Desk
	for _, d := range found {
		desk := draft.Desk{Project: d.Project}
		for _, r := range d.Requests {
			request := draft.Request{Name: r.Name}
			for _, f := range r.Fields {
				kind := f.Kind
				if kind == "array" {
					kind = f.Items
				}
				request.Fields = append(request.Fields, draft.Field{Name: f.Name, Kind: kind})
			}
			for _, s := range r.Statuses {
				request.Statuses = append(request.Statuses, draft.Status(s))
			}
			desk.Requests = append(desk.Requests, request)
		}
		out = append(out, desk)
	}
	return out, err
}

// schedules reads the on-call schedules that are enabled, whichever system pages.
func schedules(ctx context.Context, p pager) ([]draft.Schedule, error) {
	var found []draft.Schedule
	switch p := p.(type) {
	case *opsgenie.Pager:
		all, err := p.Schedules(ctx)
		for _, s := range all {
			if s.Enabled {
				found = append(found, draft.Schedule{ID: string(s.ID), Name: s.Name, Team: s.Team})
			}
		}
		return found, err
	case *pair:
		return schedules(ctx, p.sides[0])
	case *jsmops.Pager:
		all, err := p.Schedules(ctx)
		for _, s := range all {
			if s.Enabled {
				found = append(found, draft.Schedule{ID: string(s.ID), Name: s.Name, Team: s.Team})
			}
		}
		return found, err
	}
	return nil, nil
}

// writeFolder writes the files beside the folder and moves them there at once, so that a folder is whole or not there.
func writeFolder(dir string, files []draft.File) error {
	failed := func(err error) error {
		return fmt.Errorf("the folder %s cannot be written, nothing was left behind: %w", dir, cause(err))
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return failed(err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(dir), ".sopd-init-")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(beside) }() // by then it is gone, or half written
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(beside, f.Name), []byte(f.Text), 0o600); err != nil {
			return failed(err)
		}
	}
	// Renaming takes the place of an empty folder and of no other.
	if err := os.Rename(beside, dir); err != nil {
		return failed(err)
	}
	return nil
}

// tellDraft says what was written, what is open, and what to do next.
func tellDraft(c console, dir string, site draft.Site) error {
	marks, err := draft.Marks(os.DirFS(dir))
	if err != nil {
		return err
	}
	open := 0
	for _, m := range marks {
		if m.Open {
			open++
		}
	}
	fmt.Fprintf(c.Out, "Read %d groups, %d service desks and %d on-call schedules; wrote %s.\n", len(site.Groups), len(site.Desks), len(site.Schedules), dir)
	fmt.Fprintf(c.Out, "%d questions are open and %d guesses are to be confirmed; README.md in it says how.\n", open, len(marks)-open)
	if _, err := policies.Load(os.DirFS(dir)); err != nil {
		_, err = fmt.Fprintf(c.Out, "Before anything else, the policies need:\n%v\n", err)
		return err
	}
	_, err = fmt.Fprintf(c.Out, "Next: SOPD_POLICY_DIR=%s sopd check, then sopd plan. Nothing is changed by either.\n", dir)
	return err
}
