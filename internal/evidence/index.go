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

// indexData is everything on the page.
type indexData struct {
	Manifest
	Views   []ViewCount
	Before  string // time of the checkpoint at the beginning, empty at the beginning of the ledger
	After   string
	Clipped bool
	Counts  []indexCount
	Rows    []indexRow
	More    int64 // orphans that are not among the rows
}

// writeIndex writes the page that people read and print. It needs no other file, network or script.
func (e *exporter) writeIndex() error {
	page, err := template.New("index").Funcs(template.FuncMap{"stamp": stamp}).Parse(indexPage)
	if err != nil {
		return err
	}
	data := indexData{
		Manifest: e.manifest, Views: e.manifest.Views, After: stamp(e.after.At), Clipped: e.manifest.To.Before(e.manifest.Asked),
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

func (e *exporter) indexOrphans(data *indexData) error {
	if e.manifest.Comparison == nil {
		return nil
	}
	for _, kind := range Orphans() {
		n := e.manifest.Comparison.Orphans[kind]
		data.Counts = append(data.Counts, indexCount{Kind: kind, N: n})
		data.More += n
	}
	data.More -= int64(len(e.orphans))
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
