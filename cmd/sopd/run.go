package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/intake"
	"github.com/maisonrmi/sopd/internal/jobs"
	"github.com/maisonrmi/sopd/internal/span"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func newRunCommand(c console) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: "Run the daemon: poll the vendors, take their webhooks, keep access as the tickets say, export the figures.\n" +
			"Nothing outside is changed unless SOPD_WRITE=true.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := connect(cmd.Context(), c, aloud)
			if err != nil {
				return err
			}
			if once {
				err = d.once(cmd.Context())
			} else {
				err = d.run(cmd.Context(), func(net.Addr) {})
			}
			return errors.Join(err, d.close())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "do one pass and end; exit code 4 when a guard stopped it")
	return cmd
}

// once does one pass.
func (d *daemon) once(ctx context.Context) error {
	if err := d.hello(ctx); err != nil {
		return err
	}
	if err := d.recordPolicies(ctx); err != nil {
		return err
	}
	report, err := d.traced(ctx)
	if err != nil {
		return err
	}
	if report.Result == reconcile.Held || report.Result == reconcile.Standby {
		return &exitError{code: exitStopped, cause: fmt.Errorf("the pass was stopped: %s; see sopd holds list", report.Result)}
	}
	return nil
}

// hello makes sure, before anything is decided, that every vendor answers and accepts its credential: an answer to a
// credential that is not accepted can look like an empty organisation. It also learns which account sopd itself uses, so
// that it never takes access from it.
func (d *daemon) hello(ctx context.Context) error {
	self, oktaErr := d.okta.Self(ctx)
	_, jiraErr := d.jira.Self(ctx)
	problems := []error{wrap("Okta", oktaErr), wrap("Jira", jiraErr)}
	if d.pager != nil {
		for _, p := range d.pager.Check(ctx) {
			problems = append(problems, fmt.Errorf("%s: %s: %s", pagerName(d.config.Paging), p.What, p.Fix))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return usage(fmt.Errorf("a vendor cannot be used, nothing was changed; sopd check says more:\n%w", err))
	}
	if self.Type == "User" {
		d.reconciler.Self = access.UserID(self.ID)
	}
	return nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// listen opens the address of SOPD_LISTEN, or says what is wrong with it and what to do.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("SOPD_LISTEN: another program listens on %s already, perhaps another sopd: end it, or set SOPD_LISTEN to "+
			"another address; 127.0.0.1:0 takes any port that is free", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("SOPD_LISTEN: this user may not listen on %s; choose a port above 1023", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("SOPD_LISTEN: this machine has no address %s; write one of its own, or 0.0.0.0 for all", address)
	default:
		return nil, fmt.Errorf("SOPD_LISTEN: %s cannot be listened on; write HOST:PORT, such as 127.0.0.1:9464", address)
	}
}

// run is the daemon until the context ends. bound is told the address once the daemon listens.
func (d *daemon) run(ctx context.Context, bound func(net.Addr)) error {
	if err := d.hello(ctx); err != nil {
		return err
	}
	if err := d.recordPolicies(ctx); err != nil {
		return err
	}
	l, err := listen(ctx, d.config.Listen)
	if err != nil {
		return usage(err)
	}
	loop := &loop{
		daemon: d, stopping: ctx, due: make(chan time.Time, 1), health: &health{write: d.config.Write, store: d.store.Probe},
		passes: figures.NewPasses(d.registry, resultNames()), kpis: figures.NewKPIs(d.registry, d.policies.Clocks, coverages(d.policies)...),
	}
	loop.runner, err = jobs.New(ctx, d.store, jobs.Handlers{Wake: loop.job}, jobs.Options{Logger: d.logger})
	if err == nil {
		loop.intake, err = d.newIntake(loop.runner)
	}
	if err == nil {
		err = errors.Join(loop.intake.Remember(ctx), loop.kpis.Update(ctx, d.store))
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.logger.LogAttrs(ctx, slog.LevelInfo, "listening", slog.String("address", l.Addr().String()), slog.Bool("write", d.config.Write))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.serve(ctx, l, d.routes(loop)) })
	group.Go(func() error { return loop.work(ctx) })
	group.Go(func() error { return d.anchoring(ctx) })
	group.Go(func() error { return d.backups(ctx) })
	group.Go(func() error { return d.archiving(ctx) })
	bound(l.Addr())
	return group.Wait()
}

// coverages returns the KPIs that are a share of tickets with everything there.
func coverages(set *policies.Set) []figures.Coverage {
	var all []figures.Coverage
	for _, p := range set.Procedures {
		if p.Coverage != "" {
			all = append(all, figures.Coverage{SOP: p.Name, KPI: p.Coverage})
		}
	}
	return all
}

func resultNames() []string {
	var names []string
	for _, r := range reconcile.Results() {
		names = append(names, string(r))
	}
	return names
}

// loop asks for a pass at the interval; webhooks ask for one in between. The passes themselves are jobs, so that replicas
// share them and one runs at a time.
type loop struct {
	daemon   *daemon
	stopping context.Context // ends when the daemon is told to stop
	health   *health
	runner   *jobs.Runner
	intake   *intake.Intake
	passes   *figures.Passes
	kpis     *figures.KPIs
	due      chan time.Time // when the next pass is due by time alone; the newest counts
}

// stopTime is how long a pass may take to come to a place where it can stop: one call to a vendor, and its recording.
const stopTime = 45 * time.Second

// work runs jobs until the context ends, then lets the pass under way come to a stop.
func (l *loop) work(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	err := l.tick(ctx)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(err, l.runner.Stop(drain))
}

// startWait is the time between two attempts to begin work on a database that does not answer.
const startWait = time.Second

// begin starts to work jobs. A database that is away for a while is waited for, as it is later on.
func (l *loop) begin(ctx context.Context) error {
	for {
		err := l.runner.Start(ctx)
		if !errors.Is(err, access.ErrUnavailable) {
			return err
		}
		l.daemon.logger.LogAttrs(ctx, slog.LevelError, "work cannot begin", slog.String("error", err.Error()))
		wait := time.NewTimer(startWait)
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// tick asks for a pass at the interval, and earlier when something becomes due before that.
func (l *loop) tick(ctx context.Context) error {
	for {
		err := l.daemon.store.Write(ctx, func(tx *store.Tx) error { return l.runner.Wake(tx) })
		if err != nil && ctx.Err() == nil {
			// The database may be down for a minute; the next tick asks again.
			l.daemon.logger.LogAttrs(ctx, slog.LevelError, "no pass could be asked for", slog.String("error", err.Error()))
		}
		if !l.wait(ctx) {
			return nil
		}
	}
}

// wait returns true when the next pass is to be asked for, false when the daemon is told to stop.
func (l *loop) wait(ctx context.Context) bool {
	every := l.daemon.interval()
	interval := time.NewTimer(every)
	defer interval.Stop()
	due := time.NewTimer(every)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-interval.C:
			return true
		case <-due.C:
			return true
		case at := <-l.due:
			due.Reset(max(at.Sub(l.daemon.store.Now()), 0) + dueGrace)
		}
	}
}

// longestStretch is how many times the interval grows at most while a vendor's budget is short.
const longestStretch = 8

// interval returns the time to the next pass: what was configured, and longer while a vendor reports that less of its rate
// budget is left than our share leaves to others.
func (d *daemon) interval() time.Duration {
	now := d.store.Now()
	scarce := 1.0
	for _, b := range slices.Concat(slices.Collect(maps.Values(d.okta.Budgets())), slices.Collect(maps.Values(d.jira.Budgets()))) {
		if b.Known && b.Limit > 0 && now.Before(b.Reset) {
			scarce = min(scarce, float64(b.Remaining)/float64(b.Limit))
		}
	}
	return stretched(d.config.Interval, scarce, d.config.RateShare)
}

// stretched returns the interval for the part of a budget that is left, of which share percent are ours.
func stretched(interval time.Duration, left float64, share int) time.Duration {
	others := 1 - float64(share)/100
	if left >= others {
		return interval
	}
	factor := min(others/max(left, 1e-3), longestStretch)
	return time.Duration(float64(interval) * factor)
}

// dueGrace is added to a due time, so that the pass finds it past and not a moment ahead.
const dueGrace = 50 * time.Millisecond

// tellDue replaces what the loop knew of the next due time.
func (l *loop) tellDue(at time.Time) {
	if at.IsZero() {
		return
	}
	select {
	case <-l.due:
	default:
	}
	l.due <- at
}

// job is one job that wakes sopd, traced.
func (l *loop) job(ctx context.Context) error {
	ctx, end := l.daemon.trace.Begin(ctx, "job", span.Attribute{Key: "kind", Value: "wake"})
	err := l.pass(ctx)
	end(outcomeWord(err))
	return err
}

// pass runs one pass and records how it went. A pass that fails is not the end of the daemon: its job is tried again.
func (l *loop) pass(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.stopping, cancel)()
	report, err := l.daemon.traced(ctx)
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: the pass has recorded what it did, and the rest stays to be done
	}
	l.health.record(report, err)
	l.tellDue(report.NextDue)
	l.passes.Record(passFigures(report, err))
	if report.Result == reconcile.Standby {
		// What the webhooks hinted at was not read: it stays to be done.
		err = errors.Join(err, fmt.Errorf("another sopd decides: %w", access.ErrConflict))
	}
	if kpiErr := l.kpis.Update(ctx, l.daemon.store); kpiErr != nil {
		return errors.Join(err, fmt.Errorf("computing the figures: %w", kpiErr))
	}
	return err
}

func passFigures(report reconcile.Report, err error) figures.Pass {
	pass := figures.Pass{
		Began: report.Started, Ended: report.Ended, Result: string(report.Result),
		Succeeded: report.Result == reconcile.Succeeded || report.Result == reconcile.Held,
	}
	if err == nil && report.Result != reconcile.Standby {
		counts := report.Plan.Counts
		pass.Memberships = map[string]int{
			"granted": counts.Granted, "baseline": counts.Baseline, "drift": counts.Drift, "foreign": counts.Foreign,
		}
	}
	return pass
}
