package reports

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/procedure"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

// largest is the largest file that is put on a ticket. A larger one is left out, and the ticket says how to make it.
//
// Source: Jira Data Center takes attachments of 10 MB unless its administrators raise that; Cloud takes more.
const largest = 10_000_000

// Input returns what a report of the period is composed of besides what the ledger holds and the time.
func Input(set *policies.Set, period report.Period, program string) report.Input {
	in := report.Input{Period: period, Clocks: set.Clocks, Program: program}
	for _, sop := range set.Documents {
		in.SOPs = append(in.SOPs, report.SOP{
			Name: sop.Name, Title: sop.Title, Version: sop.Version, Owner: sop.Owner, NextReview: sop.NextReview, Controls: sop.Controls,
		})
	}
	in.Covered = covered(set)
	names := make(map[string]string)
	for _, g := range set.Catalog.Groups {
		names[string(g.ID)] = g.Name
	}
	in.Group = func(id string) string { return names[id] }
	return in
}

// covered returns the procedures in tickets that say when a ticket is complete.
func covered(set *policies.Set) []report.Coverage {
	var all []report.Coverage
	for _, p := range set.Procedures {
		one := report.Coverage{SOP: p.Name}
		for _, t := range p.Facts {
			switch {
			case t.Created == procedure.On:
				one.Begins = append(one.Begins, t.Fact)
			case t.Complete == procedure.On:
				one.Complete = t.Fact
			}
		}
		if one.Complete != "" && len(one.Begins) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// composed is a report with its files, before it is queued.
type composed struct {
	turn   report.Turn
	report report.Report
	files  []file
}

// file is one format of a report.
type file struct {
	Name   string        `json:"name"`
	Format report.Format `json:"format"`
	SHA256 string        `json:"sha256"` // in hex, of what the ticket gets
	Bytes  int           `json:"bytes"`
	// Left: it is too large for a ticket and was left out.
	Left bool `json:"left,omitempty"`
	body []byte
}

// compose makes the report of a turn and writes its files. It reads the ledger in a transaction of its own.
func (i issue) compose(ctx context.Context, t report.Turn) (composed, error) {
	in := Input(i.stage.Policies, t.Period, i.stage.Program)
	in.SOP, in.Now = i.order.SOP, i.round.Now
	err := i.stage.Read(ctx, func(tx *store.Tx) error {
		var err error
		in.Found, err = report.Collect(func(fn func(ledger.Record) error) error {
			return tx.EachRecord(0, func(r ledger.Record) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return fn(r)
			})
		}, t.Period)
		return err
	})
	if err != nil {
		return composed{}, err
	}
	m := composed{turn: t, report: report.Compose(in)}
	for _, format := range i.order.Formats {
		var b bytes.Buffer
		if err := report.Write(&b, m.report, format); err != nil {
			return composed{}, fmt.Errorf("format %s: %w", format, err)
		}
		sum := sha256.Sum256(b.Bytes())
		m.files = append(m.files, file{
			Name: i.order.Task.Name + "-" + t.Period.Name + "." + string(format), Format: format, SHA256: hex.EncodeToString(sum[:]),
			Bytes: b.Len(), Left: b.Len() > largest, body: b.Bytes(),
		})
	}
	return m, nil
}

// entry is the body of a report.made entry: with the hashes anybody can tell which report was sent.
type entry struct {
	Key    string `json:"key"` // of the effect that opens the ticket
	Report string `json:"report"`
	Period string `json:"period"`
	SOP    string `json:"sop,omitempty"`
	Policy string `json:"policy"`
	Marker string `json:"marker"`
	// Records is the number of records of the ledger that it was made of, and InPeriod of those of the period.
	Records  int64  `json:"records"`
	InPeriod int64  `json:"recordsInPeriod"`
	Files    []file `json:"files"`
}

func effectKey(subject string) string { return "report/" + subject }

// queue has the report's ticket opened and its files attached, and records both before anything is sent. A report that was
// queued already stays as it is.
func (i issue) queue(tx *store.Tx, m composed) error {
	key := effectKey(i.subject(m.turn.Period.Name))
	n := ticket.New{
		Project: i.order.Task.Project, Type: i.order.Task.Type, Summary: i.order.Task.Title + ", " + m.turn.Period.Name,
		Labels: append([]string{"sopd-report"}, i.order.Task.Labels...), Description: i.words(m),
		Marker: "sopd-report-" + i.order.Task.Name + "-" + reconcile.Fingerprint(key),
	}
	fresh, err := tx.PutEffect(change.Effect{Key: key, Kind: change.Open, Created: i.round.Now, New: &n})
	if err != nil || !fresh {
		return err
	}
	for _, f := range m.files {
		if f.Left {
			continue
		}
		e := change.Effect{Key: key + "/" + string(f.Format), Kind: change.Attach, Name: f.Name, Body: string(f.body), Created: i.round.Now, After: key}
		if f.Format == report.XLSX || !utf8.Valid(f.body) {
			e.Body, e.Base64 = base64.StdEncoding.EncodeToString(f.body), true
		}
		if _, err := tx.PutEffect(e); err != nil {
			return err
		}
	}
	if _, err := tx.RecordFacts("", i.fact(agenda.Due, m.turn, m.turn.Opens)); err != nil {
		return err
	}
	_, err = tx.Append(ledger.Entry{Kind: ledger.ReportMade, At: i.round.Now, Body: entry{
		Key: key, Report: i.name(), Period: m.turn.Period.Name, SOP: i.order.SOP, Policy: i.agenda.Policy, Marker: n.Marker,
		Records: m.report.Records, InPeriod: m.report.InPeriod, Files: m.files,
	}})
	return err
}

// words is the description of the ticket.
func (i issue) words(m composed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, made %s (UTC) from %d records of the ledger, %d of them of the period. %s reads it.",
		m.report.Title, m.turn.Period.Name, m.report.Made.Format("2006-01-02 15:04"), m.report.Records, m.report.InPeriod, i.order.Task.Owner)
	if m.report.InPeriod == 0 {
		b.WriteString("\n\nThe ledger holds no record of that period: sopd did not run then.")
	}
	var lines []string
	for _, f := range m.files {
		line := fmt.Sprintf("%s, %d bytes, SHA-256 %s", f.Name, f.Bytes, f.SHA256)
		if f.Left {
			line = fmt.Sprintf("%s has %d bytes and is too large for a ticket; sopd report --period %s --format %s --out FILE makes it", f.Name, f.Bytes, m.turn.Period.Name, f.Format)
		}
		lines = append(lines, line)
	}
	b.WriteString("\n\nThe files:" + reconcile.Bullets(lines))
	return b.String()
}
