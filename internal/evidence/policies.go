package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// policyCursor names the cursor that holds the hash of the policies in force.
const policyCursor = "policies.loaded"

// RecordPolicies records which policies are in force from now on, unless they are the ones that were in force before, and keeps
// the text of each file. texts holds them by name.
func RecordPolicies(ctx context.Context, s *store.Store, texts map[string]string, sops []PolicySOP) error {
	body := PolicyBody{SOPs: sops, Files: []PolicyFile{}}
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		sum := sha256.Sum256([]byte(texts[name]))
		body.Files = append(body.Files, PolicyFile{Name: name, SHA256: hex.EncodeToString(sum[:])})
		_, _ = fmt.Fprintf(all, "%x  %s\n", sum, name) // as sha256sum writes it; a hash takes everything
	}
	body.Hash = hex.EncodeToString(all.Sum(nil))
	return s.Write(ctx, func(tx *store.Tx) error {
		last, _, _, err := tx.Cursor(policyCursor)
		if err != nil || string(last) == body.Hash {
			return err
		}
		for _, f := range body.Files {
			if err := tx.PutPolicyFile(f.SHA256, f.Name, texts[f.Name]); err != nil {
				return err
			}
		}
		if err := tx.SetCursor(policyCursor, access.Cursor(body.Hash), tx.Now()); err != nil {
			return err
		}
		_, err = tx.Append(ledger.Entry{Kind: ledger.PolicyLoaded, At: tx.Now(), Body: body})
		return err
	})
}

// inForce are policies and when they were in force: from From to before Until, which is zero for those in force at the end of
// the period.
type inForce struct {
	PolicyBody
	From, Until time.Time
}

// policiesOfPeriod returns the policies in force at any time in the period, in order.
func (e *exporter) policiesOfPeriod() ([]inForce, error) {
	var all []inForce
	err := e.tx.EachRecordOf(ledger.PolicyLoaded, func(r ledger.Record) error {
		if !r.At.Before(e.manifest.To) {
			return errStop
		}
		p := inForce{From: r.At}
		if err := DecodeBody(r, &p.PolicyBody); err != nil {
			return err
		}
		if n := len(all); n > 0 {
			all[n-1].Until = r.At
		}
		if !r.At.After(e.manifest.From) {
			all = nil // the ones before it had ended by then
		}
		all = append(all, p)
		return nil
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return all, err
}

// policyLine is a policy file in force in the period.
type policyLine struct {
	Name   string    `json:"name"`
	SHA256 string    `json:"sha256"`
	From   time.Time `json:"from"` // put in force
	Until  time.Time `json:"until,omitzero"`
	Text   string    `json:"text"`
}

// writePolicies writes the policy files in force in the period and which controls they serve, and applies the filter.
func (e *exporter) writePolicies() error {
	var err error
	if e.inForce, err = e.policiesOfPeriod(); err != nil {
		return err
	}
	if err := e.choose(); err != nil {
		return err
	}
	out, err := e.folder.jsonLines(FilePolicies)
	if err != nil {
		return err
	}
	for _, p := range e.inForce {
		for _, f := range p.Files {
			if e.options.People == Concealed {
				break // a file may map accounts of persons
			}
			text, _, err := e.tx.PolicyFile(f.SHA256)
			if err == nil {
				err = out.put(policyLine{Name: f.Name, SHA256: f.SHA256, From: p.From, Until: p.Until, Text: text})
			}
			if err != nil {
				return errors.Join(err, out.file.close())
			}
		}
	}
	return errors.Join(out.file.close(), e.writeControls())
}

// choose finds the procedures that the filter lets through.
//
// Errors: [access.ErrInvalid] for a filter that lets nothing through, with what it could have been.
func (e *exporter) choose() error {
	filter := e.options.Filter
	if filter == (Filter{}) {
		return nil
	}
	e.manifest.Filter = &filter
	e.chosen = []PolicySOP{}
	var names, controls []string
	for _, p := range e.inForce {
		for _, s := range p.SOPs {
			names, controls = append(names, s.Name), append(controls, s.Controls...)
			if filter.lets(s) {
				e.chosen = append(e.chosen, s)
			}
		}
	}
	if len(e.chosen) > 0 {
		return nil
	}
	slices.Sort(names)
	slices.Sort(controls)
	return fmt.Errorf("no policy in force in the period is of procedure %q and framework %q; procedures: %s; controls: %s: %w", filter.SOP, filter.Framework,
		strings.Join(slices.Compact(names), ", "), strings.Join(slices.Compact(controls), ", "), access.ErrInvalid)
}

// lets reports whether the procedure passes the filter.
func (f Filter) lets(s PolicySOP) bool {
	serves := func(control string) bool {
		return control == f.Framework || strings.HasPrefix(control, f.Framework+":")
	}
	return (f.SOP == "" || s.Name == f.SOP) && (f.Framework == "" || slices.ContainsFunc(s.Controls, serves))
}

// shows reports whether the list is on the page and in the workbook.
func (e *exporter) shows(f form) bool {
	return e.chosen == nil || len(f.policies) == 0 || slices.ContainsFunc(e.chosen, f.serves)
}

// controlRow is a control, what serves it, and where its evidence stands.
type controlRow struct {
	Control, Procedure, Title string
	Effective                 time.Time
	From, Until               time.Time // when that version was in force
	Lists                     []string  // files
}

// controls returns the controls of the policies in force, sorted by control.
func (e *exporter) controls() []controlRow {
	var all []controlRow
	for _, p := range e.inForce {
		for _, s := range p.SOPs {
			for _, control := range s.Controls {
				one := PolicySOP{Name: s.Name, Controls: []string{control}}
				if e.chosen != nil && !e.options.Filter.lets(one) {
					continue
				}
				all = append(all, controlRow{
					Control: control, Procedure: s.Name + "@" + s.Version, Title: s.Title, Effective: s.Effective, From: p.From, Until: p.Until, Lists: listsOf(s),
				})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b controlRow) int { return strings.Compare(a.Control, b.Control) })
	return all
}

// listsOf returns the lists that are evidence of the procedure.
func listsOf(s PolicySOP) []string {
	var files []string
	for _, f := range forms() {
		if f.serves(s) {
			files = append(files, f.File)
		}
	}
	return files
}

// writeControls writes the index of controls.
func (e *exporter) writeControls() error {
	t, err := e.folder.table(FileControls, []string{"control", "procedure", "title", "effective", "in_force_from", "in_force_until", "lists"})
	if err != nil {
		return err
	}
	for _, c := range e.controls() {
		if err := t.row(c.Control, c.Procedure, c.Title, iso(c.Effective), iso(c.From), iso(c.Until), strings.Join(c.Lists, " ")); err != nil {
			return errors.Join(err, t.close())
		}
	}
	return t.close()
}
