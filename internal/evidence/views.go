package evidence

import (
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// form is a list of an export and what fills it. A new list is a file of its own, with a form that stands in [forms]; a line
// in docs/verify_evidence.py and one in docs/evidence.md.
type form struct {
	View
	columns []string // after those of [ViewColumns]; they tell what was known when the export was made
	// policies are the kinds of policy whose controls the list is evidence of, or one procedure of a kind, such as
	// "Procedure/vendor-onboarding"; none for a list that is about the ledger.
	policies []string
	// cells returns what stands under columns. In an archive, whose people are [Concealed], the record names pseudonyms; what
	// is looked up beside it must name nobody.
	cells func(*exporter, ledger.Record) ([]string, error)
}

// forms returns every list, in the order of the report. They belong to the format: a verifier knows them, an export cannot
// choose others.
func forms() []form {
	return []form{
		grantForm(), grantEndForm(), lapseForm(), changeForm(), leaverForm(), refusalForm(), holdForm(), exceptionForm(), reviewForm(),
		incidentForm(), milestoneForm(), stepForm(), pageForm(), vendorForm(), factForm(), findingForm(), openedForm(), reportForm(), backupForm(),
		policyForm(), anchorForm(),
	}
}

// serves reports whether the list is evidence of the procedure.
func (f form) serves(s PolicySOP) bool {
	return slices.Contains(f.policies, s.Kind) || slices.Contains(f.policies, s.Kind+"/"+s.Name)
}

// Views returns the views of an export.
func Views() []View {
	all := make([]View, 0, len(forms()))
	for _, f := range forms() {
		all = append(all, f.View)
	}
	return all
}

// viewWriter writes one view.
type viewWriter struct {
	exporter *exporter
	form     form
	table    *table
}

func newViewWriter(e *exporter, f form) (*viewWriter, error) {
	t, err := e.folder.table(f.File, slices.Concat(ViewColumns(), f.columns))
	return &viewWriter{exporter: e, form: f, table: t}, err
}

// record writes a row when the record is in the view's population. name is what [factName] returns.
func (v *viewWriter) record(r ledger.Record, name string) error {
	if !v.form.holds(r.Kind, name) {
		return nil
	}
	cells, err := v.form.cells(v.exporter, r)
	if err != nil {
		return err
	}
	return v.table.row(slices.Concat(recordCells(r), cells)...)
}

// recordCells returns what stands under [ViewColumns].
func recordCells(r ledger.Record) []string {
	return []string{strconv.FormatInt(r.Seq, 10), iso(r.At), string(r.Change), string(r.Ticket), string(r.User), string(r.Group)}
}

// iso writes a time for spreadsheets, as the ledger does; nothing for the zero time.
func iso(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// login returns the user's login, nothing for nobody known or when people are not named.
func (e *exporter) login(id access.UserID) (string, error) {
	if id == "" || e.options.People != Named {
		return "", nil
	}
	user, _, err := e.tx.User(id)
	return user.Login, err
}

// names returns the login of the record's user and the name of its group.
func (e *exporter) names(r ledger.Record) (login, group string, err error) {
	if login, err = e.login(r.User); err != nil || r.Group == "" {
		return login, "", err
	}
	g, _, err := e.tx.Group(r.Group)
	return login, g.Name, err
}

// factAt returns when the fact happened to the subject, zero when it is not known.
func (e *exporter) factAt(subject, name string) (time.Time, error) {
	facts, err := e.tx.Facts(subject)
	for _, f := range facts {
		if f.Name == name {
			return f.At, nil
		}
	}
	return time.Time{}, err
}
