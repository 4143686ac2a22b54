// Package reconcile keeps Okta group membership equal to what approved tickets entitle.
//
// One [Reconciler.Pass] observes the vendors, judges tickets, plans, clears the plan with the guards, applies what is
// cleared, verifies it by reading back, and tells the tickets. Reading is whole or nothing; deciding is pure and lives in
// the packages authority, plan and guard; every write is recorded before it is made.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/span"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// Directory reads identities. Every list is complete or an error.
type Directory interface {
	// AllUsers lists every user, deactivated ones too.
	AllUsers(ctx context.Context) ([]access.User, error)
	// UsersChanged lists the users that were updated after since.
	UsersChanged(ctx context.Context, since time.Time) ([]access.User, error)
	// User reads one user, as it is and not as lists show it.
	User(ctx context.Context, id access.UserID) (access.User, error)
	// UserGroups lists the groups of a user.
	UserGroups(ctx context.Context, id access.UserID) ([]access.Group, error)
	// Group reads one group.
	Group(ctx context.Context, id access.GroupID) (access.Group, error)
	// GroupsChanged lists the groups whose profile or members changed after since.
	GroupsChanged(ctx context.Context, since time.Time) ([]access.Group, error)
	// Members lists who is in the group, sorted by user ID.
	Members(ctx context.Context, group access.GroupID) ([]access.User, error)
	// Rules lists the group rules, active or not.
	Rules(ctx context.Context) ([]access.Rule, error)
	// Events reads one page of the System Log after the cursor, or from since with none. An empty page is the end of a
	// round; next is to be kept.
	Events(ctx context.Context, cursor access.Cursor, since time.Time) ([]access.Event, access.Cursor, error)
}

// Writer changes access; it is called for several users at a time. An error that is [access.ErrUnconfirmed] leaves it open whether the change was made; any other
// error means that it was not.
type Writer interface {
	// Add puts the user into the group; being there already is no error.
	Add(ctx context.Context, m access.Membership) error
	// Remove takes the user out of the group; not being there is no error.
	Remove(ctx context.Context, m access.Membership) error
	// ClearSessions ends the user's Okta sessions.
	ClearSessions(ctx context.Context, user access.UserID) error
	// Suspend suspends an active user.
	Suspend(ctx context.Context, user access.UserID) error
	// Deactivate deactivates a user; being so already is no error.
	Deactivate(ctx context.Context, user access.UserID) error
}

// Tickets reads tickets. Every list is complete or an error.
type Tickets interface {
	// Ticket reads one ticket with its whole history.
	Ticket(ctx context.Context, key ticket.Key) (ticket.Ticket, error)
	// Changed lists the tickets of the projects that were updated since.
	Changed(ctx context.Context, projects []string, since time.Time) (ChangedTickets, error)
	// Approvals lists the ticket's approval objects.
	Approvals(ctx context.Context, key ticket.Key) ([]ticket.Approval, error)
}

// ChangedTickets is the answer to a search: the tickets, and those that could not be understood.
type ChangedTickets struct {
	Tickets []ticket.Ticket
	Bad     map[ticket.Key]error // and why
}

// Desk writes on tickets.
type Desk interface {
	// Comments lists the ticket's comments.
	Comments(ctx context.Context, key ticket.Key) ([]ticket.Comment, error)
	// Comment adds a comment; only its body and whether it is public count.
	Comment(ctx context.Context, key ticket.Key, c ticket.Comment) error
	// Transition moves the ticket to the status; being there already is no error.
	Transition(ctx context.Context, key ticket.Key, status string) error
	// Attachments lists the names of the ticket's attachments.
	Attachments(ctx context.Context, key ticket.Key) ([]string, error)
	// Attach adds a file.
	Attach(ctx context.Context, key ticket.Key, name string, content io.Reader) error
	// Open opens a ticket, unless one with the same marker is found: then that one's key is returned. The search for the
	// marker shows a new ticket late.
	Open(ctx context.Context, n ticket.New) (ticket.Key, error)
	// Link puts a link to elsewhere on the ticket, in place of one with the same ID.
	Link(ctx context.Context, key ticket.Key, l ticket.Link) error
}

// Pager pages people. Create joins an open alert of the same alias.
type Pager interface {
	// Create opens an alert, or joins the open one of the same alias.
	Create(ctx context.Context, a paging.NewAlert) (paging.AlertID, error)
	// Close closes an alert; one that is closed already is no error.
	Close(ctx context.Context, id paging.AlertID) error
	// Note adds a note to an alert. It may be on it twice after an error.
	Note(ctx context.Context, id paging.AlertID, text string) error
	// Alert reads an alert.
	Alert(ctx context.Context, id paging.AlertID) (paging.Alert, error)
	// Notes lists the notes of an alert.
	Notes(ctx context.Context, id paging.AlertID) ([]paging.Note, error)
}

// Config is what a [Reconciler] works with. All fields are required unless said otherwise.
type Config struct {
	Store     *store.Store
	Directory Directory
	Writer    Writer
	Tickets   Tickets
	Desk      Desk
	Pager     Pager // nil: nobody is paged
	// Roster says who is on call; nil: nobody is, and emergency access is for named people only.
	Roster Roster
	// Stages are the procedures besides access, in the order in which they run; their names and finding kinds differ.
	Stages   []Stage
	Admins   Admins // nil: only the policy says which groups administer Okta
	Traces   Traces // nil: nothing is said of leavers' roles and tokens
	Duties   Duties // nil: nothing is said of leavers' turns on call
	Policies *policies.Set
	// Write allows changes outside. When false a pass records what it would have done and touches nothing.
	Write bool
	// AtOnce is how many changes of one kind may be under way at a time; 0 is 1.
	AtOnce int
	// ReadAtOnce is how many groups may be read at a time; 0 is 1.
	ReadAtOnce int
	// Self is the Okta user whose credential sopd uses; empty for a service app.
	Self access.UserID
	// Ahead tells how far this machine's clock is ahead of Okta's, negative when behind, as the last answer showed; nil:
	// nobody knows.
	Ahead func() time.Duration
	// Program tells this build from every other. What the same build found in groups that have not changed since is not
	// looked at again after a restart; empty: everything is.
	Program string
	// Holder names this replica in the lease.
	Holder string
	// Sleep waits, or returns early with the context's cause. Tests replace it.
	Sleep  func(ctx context.Context, d time.Duration) error
	Now    func() time.Time // the store's clock
	Logger *slog.Logger     // one Info line a pass, one a change
	// Trace begins a span around each change; nil: none.
	Trace span.Start
	// Watch is told what happens, for metrics and for people who follow a demo; nil: nobody.
	Watch func(Notice)
}

// Notice is one thing that happened in a pass. Exactly one field is set.
type Notice struct {
	Change *change.Change
	Told   *change.Effect
	// Reading is what is read now, such as "users"; Done of Total say how far that is, both zero when nobody can know.
	Reading     string
	Done, Total int
}

// Reconciler runs passes. Make it with [New]; one pass at a time.
type Reconciler struct {
	Config
	// suspects are groups that a write did not find, or not the user in them: they are read again whatever the list of
	// changed groups says. After a restart the next write finds out again.
	suspects map[access.GroupID]struct{}
	// doubted are users who show as deactivated and could not be read by ID in the pass under way.
	doubted map[access.UserID]struct{}
	// leaving are the leavers whom the pass under way looks after.
	leaving map[ticket.Key]watch
	// rota is who is on call by schedule, as far as the pass under way needed and could read it.
	rota map[paging.ScheduleID][]string
	// blind are the stages that could not read what they need in the pass under way.
	blind map[string]error
	// quiet are the groups in which the last look found nothing to do.
	quiet *quietGroups
	// inSeveral are the people in groups that rules keep apart.
	inSeveral candidates
	// unserved counts the tickets of the pass under way for which the vendor did not serve.
	unserved int
	// recheckFrom is when tickets that have gone unread for long are looked for again; zero before the first pass.
	recheckFrom time.Time
	// fence proves, in each write of the pass under way, that nobody else has taken the writer's place since.
	fence int64
}

// New returns a reconciler.
//
// Errors: what of the configuration is missing.
func New(c Config) (*Reconciler, error) {
	for name, missing := range map[string]bool{
		"Store": c.Store == nil, "Directory": c.Directory == nil, "Writer": c.Writer == nil, "Tickets": c.Tickets == nil,
		"Desk": c.Desk == nil, "Policies": c.Policies == nil, "Holder": c.Holder == "", "Now": c.Now == nil, "Logger": c.Logger == nil,
	} {
		if missing {
			return nil, fmt.Errorf("reconcile: %s is missing", name)
		}
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Watch == nil {
		c.Watch = func(Notice) {}
	}
	if c.Ahead == nil {
		c.Ahead = func() time.Duration { return 0 }
	}
	return &Reconciler{Config: c, suspects: make(map[access.GroupID]struct{}), quiet: newQuietGroups()}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Result is what became of a pass.
type Result string

// The results of a pass.
const (
	Succeeded Result = "succeeded"
	Partial   Result = "partial" // some objects could not be read and were left alone
	Held      Result = "held"    // a guard stopped at least a part of the plan
	Failed    Result = "failed"
	Standby   Result = "standby" // another replica decides
)

// Results lists the results, for metrics.
func Results() []Result { return []Result{Succeeded, Partial, Held, Failed, Standby} }

// Report is what one pass saw and did.
type Report struct {
	Result  Result
	Started time.Time
	Ended   time.Time
	Plan    plan.Plan // as computed before anything was written
	Applied []change.Change
	// NextDue is when something becomes due by time alone, so that the next pass need not wait for its turn; zero for
	// nothing.
	NextDue  time.Time
	Unread   map[access.GroupID]error // groups left out because they could not be read
	Blind    map[string]error         // stages that could not read what they need, by name
	Holds    int                      // parts of the plan that wait for a person
	Findings int                      // that stand at the end
}

const (
	// leaseTime is how long a pass may hold the one writer's place without renewing it, and so how long a dead process
	// keeps the others waiting. It is renewed with every write, and at a third of it while a call takes its time.
	leaseTime = 30 * time.Second
	// leaseName is the place of the one writer.
	leaseName = "pass"
)

// Pass runs one round of the loop.
//
// Errors: when the vendors or the store could not be read or the pass could not be finished. What was done until then is
// recorded, and the next pass goes on from there.
func (r *Reconciler) Pass(ctx context.Context) (Report, error) {
	report := Report{Started: r.Now(), Result: Failed}
	fence, mine, err := r.lease(ctx)
	if err != nil {
		return report, err
	}
	if !mine {
		report.Result = Standby
		return report, nil
	}
	r.fence, r.doubted, r.unserved = fence, make(map[access.UserID]struct{}), 0
	stop := r.keep(ctx)
	if err = r.pass(ctx, &report); err != nil {
		r.watchdog(ctx, err)
	}
	stop()
	err = errors.Join(err, r.release(ctx, fence))
	report.Ended = r.Now()
	if err == nil {
		report.Result = result(report)
	}
	r.log(ctx, report, err)
	return report, err
}

func result(report Report) Result {
	switch {
	case report.Holds > 0:
		return Held
	case len(report.Unread) > 0, len(report.Blind) > 0:
		return Partial
	default:
		return Succeeded
	}
}

func (r *Reconciler) pass(ctx context.Context, report *Report) error {
	if err := r.onTime(ctx); err != nil {
		return err
	}
	// What an earlier pass left open is looked up first: nothing is planned on top of an unknown.
	if err := r.settle(ctx, false); err != nil {
		return fmt.Errorf("settling earlier changes: %w", err)
	}
	unread, err := r.observe(ctx)
	if err != nil {
		return fmt.Errorf("observing: %w", err)
	}
	report.Unread = unread
	if err := r.onTime(ctx); err != nil {
		return err
	}
	if report.Blind, err = r.observeStages(ctx); err != nil {
		return fmt.Errorf("observing: %w", err)
	}
	if err := r.readRota(ctx); err != nil {
		return fmt.Errorf("reading who is on call: %w", err)
	}
	view, err := r.view(ctx, unread)
	if err != nil {
		return fmt.Errorf("judging: %w", err)
	}
	report.Plan = view.plan()
	corrected, err := r.confirmLeavers(ctx, view, report.Plan)
	if err != nil {
		return fmt.Errorf("confirming leavers: %w", err)
	}
	moved, err := r.confirmProfiles(ctx, view)
	if err != nil {
		return fmt.Errorf("confirming profiles: %w", err)
	}
	if corrected || moved {
		if view, err = r.view(ctx, unread); err != nil {
			return fmt.Errorf("judging again: %w", err)
		}
		report.Plan = view.plan()
	}
	report.NextDue = nextDue(view)
	if err := r.recordDecisions(ctx, view, report.Plan); err != nil {
		return fmt.Errorf("recording decisions: %w", err)
	}
	if err := r.keepScore(ctx, view, report.Plan); err != nil {
		return fmt.Errorf("keeping score: %w", err)
	}
	if err := r.expireHolds(ctx); err != nil {
		return fmt.Errorf("ending holds: %w", err)
	}
	if err := r.carryOut(ctx, report); err != nil {
		return fmt.Errorf("carrying out: %w", err)
	}
	if err := r.trace(ctx, view); err != nil {
		return fmt.Errorf("looking after leavers: %w", err)
	}
	over, err := r.conclude(ctx, unread, report)
	if err != nil {
		return fmt.Errorf("concluding: %w", err)
	}
	if err := r.passed(ctx); err != nil {
		return err
	}
	return r.tell(ctx, over)
}

// worstClock is how far this machine's clock may be from Okta's. Grants run out, last days come and approvals are compared
// by it; hours off, it would take access from people, or leave it with them, without anybody having said so.
const worstClock = 10 * time.Minute

// onTime makes sure that the clock can be decided by. One that was wrong at the last answer may have been set right since, so
// it is compared with another.
//
// Errors: [access.ErrInvalid] when it is wrong. Nothing is decided until it is right.
func (r *Reconciler) onTime(ctx context.Context) error {
	if r.Ahead().Abs() > worstClock {
		if _, err := r.Directory.Rules(ctx); err != nil {
			return fmt.Errorf("comparing clocks: %w", err)
		}
	}
	ahead := r.Ahead()
	switch {
	case ahead > worstClock:
		return fmt.Errorf("this machine's clock is %s ahead of Okta's; nothing is decided until it is set right: %w", ahead, access.ErrInvalid)
	case ahead < -worstClock:
		return fmt.Errorf("this machine's clock is %s behind Okta's; nothing is decided until it is set right: %w", -ahead, access.ErrInvalid)
	default:
		return nil
	}
}

// carryOut clears the parts of the plan one after the other and applies what is cleared. Each part is measured against what
// the parts before it left.
func (r *Reconciler) carryOut(ctx context.Context, report *Report) error {
	if !r.Write {
		return r.recordProposal(ctx, report.Plan)
	}
	for _, part := range report.Plan.Parts() {
		if part.Empty() {
			continue
		}
		cleared, ok, err := r.clear(ctx, part, report.Unread)
		if err != nil {
			return err
		}
		if !ok {
			report.Holds++
			continue
		}
		applied, err := r.apply(ctx, cleared)
		report.Applied = append(report.Applied, applied...)
		if err != nil {
			return err
		}
		if err := r.settle(ctx, true); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) log(ctx context.Context, report Report, err error) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("result", string(report.Result)),
		slog.Duration("took", report.Ended.Sub(report.Started)),
		slog.Int("changes", len(report.Applied)),
		slog.Int("holds", report.Holds),
		slog.Int("drift", len(report.Plan.Drift)),
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	r.Logger.LogAttrs(ctx, level, "pass", attributes...)
}
