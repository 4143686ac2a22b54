package evidence

import (
	_ "embed"
	"errors"
	"html/template"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

//go:embed index.html.tmpl
var indexPage string

// indexRow is an orphan as the page shows it.
type indexRow struct {
	Kind                                           Orphan
	User, Login, Group, Ticket, Change, At, Detail string
}

// indexCount is a number of the comparison with its words.
type indexCount struct {
	Kind Orphan
	N    int64
}

// indexList is a list of the export as the page names it.
type indexList struct {
	ViewCount
	Controls []string // that it is evidence of
	Shown    bool     // the filter lets it through
}

// indexData is everything on the page.
type indexData struct {
	Manifest
	Stamp    string
	Lists    []indexList
	Policies []indexPolicy
	Controls []controlRow
	Before   string // time of the checkpoint at the beginning, empty at the beginning of the ledger
	After    string
	Clipped  bool
	Counts   []indexCount
	Rows     []indexRow
	Total    int64 // orphans
	More     int64 // orphans that are not among the rows
}

// writeIndex writes the page that people read and print. It needs no other file, network or script.
func (e *exporter) writeIndex() error {
	page, err := template.New("index").Funcs(template.FuncMap{"stamp": stamp, "day": func(t time.Time) string { return t.UTC().Format(time.DateOnly) }}).Parse(indexPage)
	if err != nil {
		return err
	}
	data := indexData{
		Manifest: e.manifest, Stamp: incompleteStamp, Lists: e.indexLists(), Policies: e.indexPolicies(), Controls: e.controls(), After: stamp(e.after.At), Clipped: e.manifest.To.Before(e.manifest.Asked),
	}
	if e.before.Size > 0 {
		data.Before = stamp(e.before.At)
	}
	if err := e.indexOrphans(&data); err != nil {
		return err
	}
	out, err := e.folder.create(FileIndex)
	if err != nil {
		return err
	}
	return errors.Join(page.Execute(out, data), out.close())
}

// indexPolicy is a procedure that was in force in the period.
type indexPolicy struct {
	PolicySOP
	From, Until time.Time
}

func (e *exporter) indexPolicies() []indexPolicy {
	var all []indexPolicy
	for _, p := range e.inForce {
		for _, s := range p.SOPs {
			if e.chosen == nil || e.options.Filter.lets(s) {
				all = append(all, indexPolicy{PolicySOP: s, From: p.From, Until: p.Until})
			}
		}
	}
	return all
}

func (e *exporter) indexLists() []indexList {
	var all []indexList
	controls := e.controls()
	for i, f := range forms() {
		list := indexList{ViewCount: e.manifest.Views[i], Shown: e.shows(f)}
		for _, c := range controls {
			if slices.Contains(c.Lists, f.File) && !slices.Contains(list.Controls, c.Control) {
				list.Controls = append(list.Controls, c.Control)
			}
		}
		all = append(all, list)
	}
	return all
}

func (e *exporter) indexOrphans(data *indexData) error {
	if e.manifest.Comparison == nil {
		return nil
	}
	for _, kind := range Orphans() {
		n := e.manifest.Comparison.Orphans[kind]
		data.Counts = append(data.Counts, indexCount{Kind: kind, N: n})
		data.Total += n
	}
	data.More = data.Total - int64(len(e.orphans))
	names := make(map[access.GroupID]string)
	for _, g := range e.options.Groups {
		names[g.ID] = g.Name
	}
	for _, o := range e.orphans {
		login, err := e.login(o.member.User)
		if err != nil {
			return err
		}
		at := ""
		if o.at.After(time.Time{}) {
			at = stamp(o.at)
		}
		data.Rows = append(data.Rows, indexRow{
			Kind: o.kind, User: string(o.member.User), Login: login, Group: or(names[o.member.Group], string(o.member.Group)),
			Ticket: string(o.ticket), Change: string(o.change), At: at, Detail: o.detail,
		})
	}
	order := Orphans()
	slices.SortStableFunc(data.Rows, func(a, b indexRow) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
	return nil
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
