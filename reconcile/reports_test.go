package reconcile_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/reports"
)

// reads reads the store as it is open now; a restart opens another.
func (b *bench) reads(ctx context.Context, fn func(*store.Tx) error) error {
	return b.store.Read(ctx, fn)
}

// sends is a report about each day.
func sends(formats string) [3]string {
	return [3]string{"Reports", "sends", `
project: OPS
type: Report
reports: [{name: day, period: daily, formats: ` + formats + `, within: 20h, owner: readers}]
`}
}

// hashes returns the SHA-256 of each file of the report.made records, by the files' names.
func (b *bench) hashes() map[string]string {
	all := make(map[string]string)
	b.look(func(tx *store.Tx) error {
		return tx.EachRecordOf(ledger.ReportMade, func(r ledger.Record) error {
			var body struct {
				Files []struct{ Name, SHA256 string } `json:"files"`
			}
			raw, _ := r.Body.(json.RawMessage)
			err := json.Unmarshal(raw, &body)
			for _, f := range body.Files {
				all[f.Name] = f.SHA256
			}
			return err
		})
	})
	return all
}

// attached returns the SHA-256 of each file on the ticket.
func attached(i *issue) map[string]string {
	all := make(map[string]string)
	for n, name := range i.attachments {
		sum := sha256.Sum256(i.contents[n])
		all[name] = hex.EncodeToString(sum[:])
	}
	return all
}

// reportSent is the story of a report that is made and put on its ticket.
func reportSent() story {
	return story{
		name:  "a report on schedule",
		begin: func(b *bench) { b.procedural(sends("[md, xlsx]")) },
		then:  []func(*bench){later(time.Hour)},
		end: func(b *bench) {
			tickets := b.opened()
			if len(tickets) != 1 {
				b.Fatalf("%d tickets were opened, want 1", len(tickets))
			}
			names := slices.Sorted(slices.Values(tickets[0].attachments))
			if diff := cmp.Diff([]string{"day-2026-11-22.md", "day-2026-11-22.xlsx"}, names); diff != "" {
				b.Errorf("attachments: %s", diff)
			}
			if diff := cmp.Diff(b.hashes(), attached(tickets[0])); diff != "" {
				b.Errorf("the ledger's hashes are not those of what was sent: %s", diff)
			}
			if n := b.records(ledger.ReportMade); n != 1 {
				b.Errorf("%d reports are recorded, want 1", n)
			}
			facts := b.facts("sends/day@2026-11-22")
			if _, done := facts["sends.done"]; !done || len(facts) != 2 {
				b.Errorf("facts %v, want it due and done", facts)
			}
		},
	}
}

func TestADaemonThatWasOffMakesTheLatestReportAndRecordsTheOthersAsMissed(t *testing.T) {
	b := newBench(t)
	b.procedural(sends("[csv]"))
	b.settle()
	later(4 * 24 * time.Hour)(b)
	b.restart()
	b.settle()
	var names []string
	for _, i := range b.opened() {
		names = append(names, i.attachments...)
	}
	if diff := cmp.Diff([]string{"day-2026-11-22.csv", "day-2026-11-26.csv"}, names); diff != "" {
		t.Error(diff)
	}
	missed := 0
	for _, f := range b.everyFact() {
		if f.Name == "sends.missed" {
			missed++
		}
	}
	if missed != 3 {
		t.Errorf("%d are recorded as missed, want 3", missed)
	}
	if diff := cmp.Diff(map[finding.Kind]int{reports.FindingMissed: 3}, b.kinds(reports.FindingMissed)); diff != "" {
		t.Error(diff)
	}
	later(25 * time.Hour)(b)
	b.settle()
	if n := len(b.findings(reports.FindingMissed)); n != 0 {
		t.Errorf("%d findings of missed reports stand after a day", n)
	}
}

func TestWithWritingOffNoReportIsMadeAndAfterwardsTheNewestIs(t *testing.T) {
	b := newBench(t)
	b.write = false
	b.procedural(sends("[md]"))
	b.passed()
	if n := b.records(ledger.ReportMade) + len(b.opened()); n != 0 {
		t.Errorf("%d reports or tickets", n)
	}
	b.write = true
	b.r = b.reconciler(b.holder)
	b.settle()
	if n := len(b.opened()); n != 1 {
		t.Errorf("%d tickets, want 1", n)
	}
}

func TestAPassMakesOneReportAtMost(t *testing.T) {
	b := newBench(t)
	second := sends("[md]")
	second[1] = "more"
	b.procedural(sends("[md]"), second)
	b.passed()
	if n := b.records(ledger.ReportMade); n != 1 {
		t.Errorf("the first pass made %d, want 1", n)
	}
	b.settle()
	if n := b.records(ledger.ReportMade); n != 2 {
		t.Errorf("%d reports in the end, want 2", n)
	}
}

func TestNoReportIsMadeThatWasLateBeforeTheFirstStart(t *testing.T) {
	b := newBench(t)
	late := sends("[md]")
	late[2] = strings.Replace(late[2], "20h", "8h", 1) // it is nine in the morning
	b.procedural(late)
	b.settle()
	if n := len(b.opened()); n != 0 {
		t.Errorf("%d tickets about what nobody waits for", n)
	}
	later(24 * time.Hour)(b)
	b.settle()
	if n := len(b.opened()); n != 1 {
		t.Errorf("%d tickets the day after, want 1", n)
	}
}

func TestAReportThatCameLateIsRecordedAsDoneThoughTheNextWasMade(t *testing.T) {
	b := newBench(t)
	b.procedural(sends("[md]"))
	b.v.fate = func(c call) fate {
		if c.name == "Attach" {
			return down
		}
		return done
	}
	b.passed()
	later(24 * time.Hour)(b)
	b.passed()
	for _, subject := range []string{"sends/day@2026-11-22", "sends/day@2026-11-23"} {
		if _, there := b.facts(subject)["sends.done"]; there {
			t.Errorf("%s is done without its file", subject)
		}
	}
	b.v.fate = nil
	later(time.Hour)(b)
	b.settle()
	for _, subject := range []string{"sends/day@2026-11-22", "sends/day@2026-11-23"} {
		if _, there := b.facts(subject)["sends.done"]; !there {
			t.Errorf("%s is on its ticket and not recorded as done", subject)
		}
	}
}
