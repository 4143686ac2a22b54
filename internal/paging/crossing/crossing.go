// Package crossing runs two pagers side by side while an organisation moves from one to the other: pages go to one of
// them, both are read, and what they say differently is reported. Opsgenie ends, so every organisation has to cross.
package crossing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// OpsgenieEnd returns the day on which Opsgenie is switched off: log-in and API stop. An account is switched off earlier, 120
// days after its own data was moved; only the vendor's console knows that day.
//
// Source: support.atlassian.com/opsgenie/docs/what-happens-when-opsgenie-is-turned-off, read 2026-11.
func OpsgenieEnd() time.Time { return time.Date(2027, 4, 5, 0, 0, 0, 0, time.UTC) }

// DaysLeft returns how many days of Opsgenie are left at now, the present one included: 0 from [OpsgenieEnd] on. Days are
// those of UTC; the vendor names no hour.
func DaysLeft(now time.Time) int {
	const day = 24 * time.Hour
	return int(max(OpsgenieEnd().Sub(now.UTC().Truncate(day)), 0) / day)
}

// Writer sends pages and follows them.
type Writer interface {
	// Create makes an alert, or joins the open one with the same alias.
	Create(ctx context.Context, a paging.NewAlert) (paging.AlertID, error)
	// Note adds a note to an alert.
	Note(ctx context.Context, id paging.AlertID, text string) error
	// Acknowledge acknowledges an alert; one that is acknowledged stays so.
	Acknowledge(ctx context.Context, id paging.AlertID) error
	// Close closes an alert; one that is closed stays so.
	Close(ctx context.Context, id paging.AlertID) error
}

// Looker reads single alerts.
type Looker interface {
	// Alert reads one alert with its description and details.
	Alert(ctx context.Context, id paging.AlertID) (paging.Alert, error)
	// AlertByAlias reads the open alert with an alias.
	AlertByAlias(ctx context.Context, alias paging.Alias) (paging.Alert, error)
	// Notes lists the notes of an alert, oldest first.
	Notes(ctx context.Context, id paging.AlertID) ([]paging.Note, error)
	// Logs lists what was done to an alert, oldest first.
	Logs(ctx context.Context, id paging.AlertID) ([]paging.Entry, error)
}

// Reader reads what both sides should agree on.
type Reader interface {
	// Alerts lists the alerts created in a window, whole: an empty list means that there are none.
	Alerts(ctx context.Context, w paging.Window) ([]paging.Alert, error)
	// OnCall returns who answers for a schedule now.
	OnCall(ctx context.Context, id paging.ScheduleID) (paging.OnCall, error)
	// Schedules lists the schedules, whole.
	Schedules(ctx context.Context) ([]paging.Schedule, error)
}

// Primary is the side that is written to.
type Primary interface {
	Writer
	Looker
	Reader
}

// Identify returns who is behind a vendor's name for somebody on call, in a form that both sides share, such as an Okta
// user ID: Opsgenie names e-mail addresses, JSM Operations account IDs. Empty means not known.
type Identify func(ctx context.Context, name string) (string, error)

// Options say which pagers cross, and what is compared. The sides and their names are required.
type Options struct {
	Primary   Primary
	Secondary Reader // read only
	// PrimaryName and SecondaryName stand in errors: "opsgenie", "jsmops".
	PrimaryName, SecondaryName string
	// IdentifyPrimary and IdentifySecondary name people alike; nil: the vendor's name, in lower case.
	IdentifyPrimary, IdentifySecondary Identify
	// Prefix picks the alerts that are compared, by the beginning of their alias; "" = all that have an alias. The aliases of
	// others may hold personal data, and show in [Disagreement.What].
	Prefix string
	// Lookback is how old an alert may be to be compared; 0 = seven days.
	Lookback time.Duration
	// Settle is how long a change may take to reach the other side before it counts; 0 = five minutes.
	Settle time.Duration
}

// The values of the options that are left zero.
const (
	defaultLookback = 7 * 24 * time.Hour
	defaultSettle   = 5 * time.Minute
)

// Pair is two pagers of which the first is written to. What is found by an ID is of the primary side: an ID means
// nothing on the other. It is safe for concurrent use if its pagers are.
type Pair struct {
	Writer
	Looker
	options Options
}

// New returns the pair.
//
// Errors: [access.ErrInvalid] when a side or its name is missing, both have one name, or a time is negative.
func New(o Options) (*Pair, error) {
	switch {
	case o.Primary == nil || o.Secondary == nil:
		return nil, fmt.Errorf("crossing: two pagers are needed: %w", access.ErrInvalid)
	case o.PrimaryName == "" || o.SecondaryName == "" || o.PrimaryName == o.SecondaryName:
		return nil, fmt.Errorf("crossing: two different names are needed: %w", access.ErrInvalid)
	case o.Lookback < 0 || o.Settle < 0:
		return nil, fmt.Errorf("crossing: negative time: %w", access.ErrInvalid)
	}
	if o.Lookback == 0 {
		o.Lookback = defaultLookback
	}
	if o.Settle == 0 {
		o.Settle = defaultSettle
	}
	if o.IdentifyPrimary == nil {
		o.IdentifyPrimary = asNamed
	}
	if o.IdentifySecondary == nil {
		o.IdentifySecondary = asNamed
	}
	return &Pair{Writer: o.Primary, Looker: o.Primary, options: o}, nil
}

func asNamed(_ context.Context, name string) (string, error) { return strings.ToLower(name), nil }

// Alerts lists the alerts of the primary side. The other side's are seen by [Pair.Compare].
//
// Errors: those of the primary side. On any error the list is nil.
func (p *Pair) Alerts(ctx context.Context, w paging.Window) ([]paging.Alert, error) {
	return p.options.Primary.Alerts(ctx, w)
}

// Schedules lists the schedules of the primary side.
//
// Errors: those of the primary side. On any error the list is nil.
func (p *Pair) Schedules(ctx context.Context) ([]paging.Schedule, error) {
	return p.options.Primary.Schedules(ctx)
}

// OnCall returns who answers now for a schedule of the primary side, when both sides name the same people. It fails closed:
// acting on the word of one side could wake the wrong person and leave the right one asleep.
//
// Errors: [access.ErrConflict] when the sides disagree, or cannot be compared; those of either side; the context's.
func (p *Pair) OnCall(ctx context.Context, id paging.ScheduleID) (paging.OnCall, error) {
	here, err := p.options.Primary.OnCall(ctx, id)
	if err != nil {
		return paging.OnCall{}, p.ofPrimary(err)
	}
	schedules, err := p.options.Secondary.Schedules(ctx)
	if err != nil {
		return paging.OnCall{}, p.ofSecondary(err)
	}
	i := slices.IndexFunc(schedules, func(s paging.Schedule) bool { return s.Name == here.Schedule })
	if i < 0 || len(byName(schedules)[here.Schedule]) != 1 {
		return paging.OnCall{}, fmt.Errorf("%s has no single schedule of that name: %w", p.options.SecondaryName, access.ErrConflict)
	}
	there, err := p.options.Secondary.OnCall(ctx, schedules[i].ID)
	if err != nil {
		return paging.OnCall{}, p.ofSecondary(err)
	}
	kind := p.people(ctx, here, there)
	if ctx.Err() != nil {
		return paging.OnCall{}, ctx.Err()
	}
	if kind != "" {
		return paging.OnCall{}, fmt.Errorf("%s and %s do not name the same people (%s): %w", p.options.PrimaryName, p.options.SecondaryName, kind, access.ErrConflict)
	}
	return here, nil
}

func (p *Pair) ofPrimary(err error) error { return fmt.Errorf("%s: %w", p.options.PrimaryName, err) }

func (p *Pair) ofSecondary(err error) error {
	return fmt.Errorf("%s: %w", p.options.SecondaryName, err)
}
