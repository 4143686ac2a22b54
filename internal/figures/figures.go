// Package figures exports what sopd did and how promises stand, to Prometheus.
//
// Figures that must survive a restart are read from the store when Prometheus asks; nothing that an auditor might rely on
// is counted in memory. Labels are closed sets: no person, group, ticket or text from outside is ever one.
package figures

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/backup"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/prometheus/client_golang/prometheus"
)

// readTime bounds the reading of the store for one scrape.
const readTime = 5 * time.Second

// Options are what the figures are drawn from.
type Options struct {
	Store *store.Store
	// Write tells whether changes outside are allowed.
	Write bool
	// Disabled lists the guards that are switched off.
	Disabled []guard.Name
	// Kinds are the findings that may be raised.
	Kinds []finding.Kind
	// Disagreements are the kinds of what two pagers may say differently.
	Disagreements []string
	// Disagreement is the kind of finding that says so; its details "what" and "count" name the kind and the number.
	Disagreement finding.Kind
	// Polls are the names of the cursors of the polls.
	Polls []string
	// Backups tells whether backups are made on a schedule.
	Backups bool
}

// Stored is a collector of what the store holds. Register it once.
type Stored struct {
	ctx     context.Context // ends when the program stops
	options Options

	disagreements *prometheus.Desc

	changes, holds, findings, records, anchor, depth, oldest, polls, writes, disabled, up *prometheus.Desc

	backups, backedUp, restored, restoring *prometheus.Desc
}

// NewStored returns the collector. Its reads end with the context.
func NewStored(ctx context.Context, o Options) *Stored {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sopd_"+name, help, labels, nil)
	}
	return &Stored{
		ctx:           ctx,
		options:       o,
		changes:       desc("changes_total", "Changes of access by what they do, why, and what became of them.", "kind", "reason", "outcome"),
		holds:         desc("holds", "Plans that wait for a person because this guard stopped them.", "guard"),
		findings:      desc("findings", "Things that stand and that a person should look at.", "kind"),
		records:       desc("ledger_records_total", "Records in the ledger."),
		anchor:        desc("ledger_last_anchor_timestamp_seconds", "When the ledger was last signed as a checkpoint; 0 before the first."),
		depth:         desc("queue_depth", "Work that is stored and not done.", "kind"),
		polls:         desc("poll_last_timestamp_seconds", "Up to when a poll has read what changed at its vendor; 0 before the first.", "poll"),
		oldest:        desc("queue_oldest_seconds", "Age of the oldest work that is not done; 0 with none."),
		writes:        desc("writes_enabled", "1 when sopd may change things outside, 0 when it only records what it would do."),
		disabled:      desc("guard_disabled", "1 for a guard that a policy has switched off.", "guard"),
		backups:       desc("backups_enabled", "1 when backups of the embedded database are made on a schedule."),
		backedUp:      desc("backup_last_success_timestamp_seconds", "When the copy was made of the last backup that was verified; 0 before the first."),
		restored:      desc("restore_test_last_success_timestamp_seconds", "When a backup was last restored to prove that it can be; 0 before the first."),
		restoring:     desc("restore_test_duration_seconds", "How long the last restore test took, from the file to a verified store; 0 before the first."),
		disagreements: desc("paging_disagreements", "What the two pagers say differently while an organisation crosses from one to the other.", "kind"),
		up:            desc("store_up", "1 when the store could be read for this scrape."),
	}
}

// Describe sends the descriptions of all figures.
func (s *Stored) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		s.changes, s.holds, s.findings, s.records, s.anchor, s.depth, s.oldest, s.writes, s.disabled, s.up, s.disagreements, s.polls,
		s.backups, s.backedUp, s.restored, s.restoring,
	} {
		ch <- d
	}
}

// snapshot is everything that one scrape reads.
type snapshot struct {
	totals   []store.ChangeTotal
	holds    []hold.Hold
	findings []finding.Finding
	records  int64
	anchor   store.Checkpoint
	queue    store.Queue
	polls    map[string]time.Time
	backedUp time.Time
	restored time.Time
	// restoring is how long the last restore test took.
	restoring time.Duration
}

// Collect reads the store and sends the figures. When the store cannot be read, sopd_store_up is 0 and the figures that
// come from it are absent: absence raises an alert, a stale figure would not.
func (s *Stored) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(s.writes, truth(s.options.Write))
	gauge(s.backups, truth(s.options.Backups))
	for _, name := range guard.Names() {
		off := false
		for _, d := range s.options.Disabled {
			off = off || d == name
		}
		gauge(s.disabled, truth(off), string(name))
	}
	var snap snapshot
	ctx, cancel := context.WithTimeout(s.ctx, readTime)
	defer cancel()
	err := s.options.Store.Read(ctx, snap.read)
	gauge(s.up, truth(err == nil))
	if err != nil {
		return
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	for _, t := range snap.totals {
		if !t.State.Settled() {
			continue // a counter never falls; what is under way is seen in the findings
		}
		counter(s.changes, float64(t.N), string(t.Kind), string(t.Reason), string(t.State))
	}
	counter(s.records, float64(snap.records))
	s.standing(gauge, snap)
}

func (s *Stored) standing(gauge func(*prometheus.Desc, float64, ...string), snap snapshot) {
	held := make(map[string]float64)
	for _, h := range snap.holds {
		for _, g := range h.Guards {
			held[g]++
		}
	}
	for _, name := range guard.Names() {
		gauge(s.holds, held[string(name)], string(name))
	}
	found := make(map[finding.Kind]float64)
	for _, f := range snap.findings {
		found[f.Kind]++
	}
	for _, kind := range s.options.Kinds {
		gauge(s.findings, found[kind], string(kind))
	}
	s.pagers(gauge, snap)
	gauge(s.anchor, seconds(snap.anchor.At))
	gauge(s.backedUp, seconds(snap.backedUp))
	gauge(s.restored, seconds(snap.restored))
	gauge(s.restoring, snap.restoring.Seconds())
	for kind, n := range map[string]int64{
		"webhook": snap.queue.Deliveries, "ticket": snap.queue.Effects, "page": snap.queue.Pages,
		"wake": snap.queue.Work, "parked": snap.queue.Parked,
	} {
		gauge(s.depth, float64(n), kind)
	}
	for _, name := range s.options.Polls {
		gauge(s.polls, seconds(snap.polls[name]), name)
	}
	age := 0.0
	if !snap.queue.Oldest.IsZero() {
		age = s.options.Store.Now().Sub(snap.queue.Oldest).Seconds()
	}
	gauge(s.oldest, max(age, 0))
}

// pagers counts what the two pagers say differently, from the findings that say so.
func (s *Stored) pagers(gauge func(*prometheus.Desc, float64, ...string), snap snapshot) {
	differ := make(map[string]float64)
	for _, f := range snap.findings {
		if n, err := strconv.Atoi(f.Detail["count"]); err == nil && f.Kind == s.options.Disagreement {
			differ[f.Detail["what"]] += float64(n)
		}
	}
	for _, kind := range s.options.Disagreements {
		gauge(s.disagreements, differ[kind], kind)
	}
}

func (s *snapshot) read(tx *store.Tx) (err error) {
	if s.totals, err = tx.ChangeTotals(); err != nil {
		return err
	}
	if s.holds, err = tx.Holds(hold.Open, hold.Approved); err != nil {
		return err
	}
	if s.findings, err = tx.OpenFindings(); err != nil {
		return err
	}
	if s.records, err = tx.TreeSize(); err != nil {
		return err
	}
	if s.anchor, _, err = tx.LastCheckpoint(); err != nil {
		return err
	}
	if s.polls, err = tx.CursorTimes(); err != nil {
		return err
	}
	if s.queue, err = tx.Queue(); err != nil {
		return err
	}
	return s.readBackups(tx)
}

// readBackups reads what package backup noted.
func (s *snapshot) readBackups(tx *store.Tx) (err error) {
	if _, s.backedUp, _, err = tx.Cursor(backup.CursorMade); err != nil {
		return err
	}
	took, at, _, err := tx.Cursor(backup.CursorTested)
	if err != nil || took == "" {
		return err
	}
	millis, err := strconv.ParseInt(string(took), 10, 64)
	if err != nil {
		return fmt.Errorf("duration of the last restore test is not understood: %w", access.ErrMalformed)
	}
	s.restored, s.restoring = at, time.Duration(millis)*time.Millisecond
	return nil
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds returns Unix seconds, 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
