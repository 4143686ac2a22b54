package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
	"github.com/maisonrmi/sopd/internal/span"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/pagers"
	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// daemon is everything wired together. Close it.
type daemon struct {
	config     config
	policies   *policies.Set
	store      *store.Store
	okta       *okta.Directory
	jira       *jira.Tickets
	pager      pager // nil when nobody is paged
	reconciler *reconcile.Reconciler
	registry   *prometheus.Registry
	logger     *slog.Logger
	trace      span.Start // nil: no traces
	scopes     []string   // asked for in Okta; nil: all that sopd needs

	closers []func() error // run in reverse
}

// later registers what has to be undone when the daemon closes.
func (d *daemon) later(undo func() error) { d.closers = append(d.closers, undo) }

// close undoes what was made, last first.
func (d *daemon) close() error {
	var all error
	for i := len(d.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, d.closers[i]())
	}
	d.closers = nil
	return all
}

// load reads the configuration and the policies and reports every problem of both at once.
func load(ctx context.Context, c console) (config, *policies.Set, error) {
	cfg, configErr := loadConfig(ctx, c.Env)
	var set *policies.Set
	var policyErr error
	if cfg.PolicyDir != "" {
		set, policyErr = policies.Load(os.DirFS(cfg.PolicyDir))
	}
	if err := errors.Join(configErr, policyErr); err != nil {
		return config{}, nil, usage(fmt.Errorf("the configuration is not complete, nothing was changed:\n%w", err))
	}
	return cfg, set, nil
}

// volume is the log level of a command where the configuration names none.
type volume string

const (
	aloud   volume = "info" // the daemon, whose log is what is left of it
	quietly volume = "warn" // a command that answers a person
)

// connect loads everything and wires it. It talks to nobody yet but the store.
func connect(ctx context.Context, c console, v volume) (*daemon, error) {
	cfg, set, err := load(ctx, c)
	if err != nil {
		return nil, err
	}
	d := &daemon{config: cfg, policies: set, registry: prometheus.NewRegistry(), logger: newLogger(c.Err, or(cfg.LogLevel, string(v)))}
	d.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context) error{d.startTracing, d.openStore, d.connectVendors, d.newReconciler} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	d.registry.MustRegister(figures.NewScores(ctx, figures.ScoreOptions{Store: d.store, Tallies: d.tallies}))
	stored := figures.Options{
		Store: d.store, Write: cfg.Write, Disabled: set.Guards.Disabled(), Kinds: d.reconciler.Kinds(), Polls: reconcile.Polls(),
		Backups: cfg.Backup.Dir != "" && d.store.Engine() == store.SQLite, Disagreement: pagers.Finding,
	}
	for _, kind := range crossing.Kinds() {
		stored.Disagreements = append(stored.Disagreements, string(kind))
	}
	d.registry.MustRegister(figures.NewStored(ctx, stored))
	return d, nil
}

func newLogger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo // loadConfig has refused other words
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

func (d *daemon) openStore(ctx context.Context) error {
	s, err := openDatabase(ctx, d.config.DatabaseURL, d.logger)
	if err != nil {
		return err
	}
	d.store = s
	d.later(s.Close)
	return nil
}

// openDatabase opens the database and makes the folder of an embedded one.
func openDatabase(ctx context.Context, url string, logger *slog.Logger) (*store.Store, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if err := makeFolder(path); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, store.Options{URL: url, Logger: logger})
}

// makeFolder makes the folder of an embedded database.
func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return usage(fmt.Errorf("SOPD_DATA_DIR: the folder cannot be made, choose one that sopd may write: %w", cause(err)))
	}
	return nil
}

// databaseURL reads where the database is.
func databaseURL(c console) (string, error) {
	l := &configLoader{}
	env := func(key string) string {
		value, _ := l.lookup(c.Env, key)
		return value
	}
	l.env.DataDir, l.env.DatabaseURL = env("SOPD_DATA_DIR"), env("SOPD_DATABASE_URL")
	url := l.database()
	return url, errors.Join(l.problems...)
}

// embedded returns the file of the embedded database, empty on PostgreSQL.
func embedded(c console) (string, error) {
	url, err := databaseURL(c)
	path, _ := strings.CutPrefix(url, "sqlite:")
	if path == url {
		path = ""
	}
	return path, err
}

// openStore opens the configured database for commands that need nothing else.
func openStore(ctx context.Context, c console) (*store.Store, error) {
	url, err := databaseURL(c)
	if err != nil {
		return nil, usage(err)
	}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, usage(fmt.Errorf("there is no database at %s; set SOPD_DATA_DIR or SOPD_DATABASE_URL to the one that sopd uses", path))
		}
	}
	return openDatabase(ctx, url, newLogger(c.Err, "error"))
}

// connectVendors makes the connectors, and reports every problem of all of them at once.
func (d *daemon) connectVendors(context.Context) error {
	shared := transport.Options{Logger: d.logger, Metrics: transport.NewMetrics(d.registry), Version: readVersion().Version, Share: d.config.RateShare, Trace: d.trace}
	var oktaErr, jiraErr, pagerErr error
	d.okta, oktaErr = okta.New(okta.Options{
		URL: d.config.OktaURL, Token: d.config.OktaToken, ClientID: d.config.OktaClientID, PrivateKey: d.config.OktaKey, Scopes: d.scopes,
		CanaryUser: d.policies.Canaries.User, CanaryGroup: d.policies.Canaries.Group, Transport: shared,
	})
	d.jira, jiraErr = jira.New(jira.Options{
		URL: d.config.JiraURL, User: d.config.JiraUser, Token: d.config.JiraToken, Fields: d.policies.Fields(), Transport: shared,
	})
	d.pager, pagerErr = d.newPager(shared)
	if err := errors.Join(oktaErr, jiraErr, pagerErr); err != nil {
		return usage(err)
	}
	return nil
}

// writesAtOnce is how many changes are under way in Okta at a time: enough that a leaver's twenty groups take a second, and
// far below the 75 simultaneous requests that the smallest org may make.
//
// Source: Okta developer docs, reference/rl-additional-limits, concurrent limits, 2026-08.
const writesAtOnce = 5

// readsAtOnce is how many groups are read at a time: the next while one is stored, and few enough that the members of all of
// them are small beside the list of all users.
const readsAtOnce = 4

func (d *daemon) newReconciler(context.Context) error {
	var pager reconcile.Pager
	var roster reconcile.Roster
	if d.pager != nil {
		pager, roster = d.pager, d.pager
	}
	duties, _ := d.pager.(reconcile.Duties)
	stages, err := d.stages()
	if err != nil {
		return err
	}
	r, err := reconcile.New(reconcile.Config{
		Admins: d.okta, Traces: d.okta, Duties: duties,
		Store: d.store, Directory: directory{d.okta}, Writer: d.okta, Tickets: tickets{d.jira, d.policies.Canaries.Ticket}, Desk: desk{d.jira},
		Pager: pager, Stages: stages, Roster: roster, Policies: d.policies, Write: d.config.Write, AtOnce: writesAtOnce, ReadAtOnce: readsAtOnce, Program: program(),
		Ahead: d.okta.Ahead, Holder: ulid.Make().String(), Now: d.store.Now, Logger: d.logger, Trace: d.trace,
	})
	d.reconciler = r
	return err
}

// program tells this build from others, also from one of the same version that somebody has built since. Empty when it cannot
// be told.
func program() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	file, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%+v/%d/%d", readVersion(), file.Size(), file.ModTime().UnixNano())
}

// directory is Okta as the reconciler reads it.
type directory struct{ *okta.Directory }

// AllUsers returns every user, the deactivated included.
func (d directory) AllUsers(ctx context.Context) ([]access.User, error) {
	return d.Directory.AllUsers(ctx)
}

// tickets is Jira as the reconciler reads it.
type tickets struct {
	*jira.Tickets
	canary ticket.Key
}

// Changed returns the tickets of the projects that changed since.
func (t tickets) Changed(ctx context.Context, projects []string, since time.Time) (reconcile.ChangedTickets, error) {
	found, err := t.Tickets.Changed(ctx, jira.Query{Projects: projects, Since: since, Canary: t.canary})
	if err != nil {
		return reconcile.ChangedTickets{}, err
	}
	bad := make(map[ticket.Key]error, len(found.Bad))
	for _, b := range found.Bad {
		bad[b.Key] = b.Err
	}
	return reconcile.ChangedTickets{Tickets: found.Tickets, Bad: bad}, nil
}

// desk is Jira as the reconciler writes on it.
type desk struct{ *jira.Tickets }

// Comment adds a comment.
func (t desk) Comment(ctx context.Context, key ticket.Key, c ticket.Comment) error {
	_, err := t.Tickets.Comment(ctx, key, jira.NewComment{Body: c.Body, Public: c.Public})
	return err
}

// Open opens a ticket, or finds the one that has its marker.
func (t desk) Open(ctx context.Context, n ticket.New) (ticket.Key, error) { return t.Create(ctx, n) }

// Link puts a link on a ticket.
func (t desk) Link(ctx context.Context, key ticket.Key, l ticket.Link) error {
	return t.Tickets.Link(ctx, key, jira.RemoteLink{GlobalID: l.ID, URL: l.URL, Title: l.Title})
}

// Attachments returns the names of a ticket's attachments.
func (t desk) Attachments(ctx context.Context, key ticket.Key) ([]string, error) {
	found, err := t.Tickets.Attachments(ctx, key)
	names := make([]string, len(found))
	for i, a := range found {
		names[i] = a.Name
	}
	return names, err
}
