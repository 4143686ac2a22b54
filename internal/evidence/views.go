package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// viewWriter writes one view.
type viewWriter struct {
	exporter *exporter
	view     View
	table    *table
	cells    func(ledger.Record) ([]string, error) // what follows ViewColumns
}

func newViewWriter(e *exporter, v View) (*viewWriter, error) {
	columns, cells := e.form(v.File)
	t, err := e.folder.table(v.File, slices.Concat(ViewColumns(), columns))
	return &viewWriter{exporter: e, view: v, table: t, cells: cells}, err
}

// form returns the further columns of a view and what fills them. They tell what was known when the export was made.
func (e *exporter) form(file string) (columns []string, cells func(ledger.Record) ([]string, error)) {
	switch file {
	case "grants.csv":
		return []string{
			"login", "group_name", "system", "role", "policy", "requested", "approved", "approvers", "fields_hash", "expires", "change_id",
			"provisioned", "system_log_event", "validated", "ended", "end_reason", "end_ticket",
		}, e.grantCells
	case "grant-ends.csv":
		return []string{"login", "group_name", "system", "role", "policy", "approved", "expires", "ended", "end_reason", "end_ticket"}, e.endCells
	case "changes.csv":
		return []string{
			"kind", "reason", "login", "group_name", "grant", "policy", "plan", "intended", "state", "settled", "system_log_event", "error",
		}, e.changeCells
	case "leavers.csv":
		return []string{"subject", "left", "removed", "hours", "people", "changes"}, e.leaverCells
	case "refusals.csv":
		return []string{"login", "outcome", "problems", "waiting_for", "policy"}, e.refusalCells
	case "holds.csv":
		return []string{"decision", "hold", "guards", "reasons", "plan", "made", "expires", "by", "why"}, e.holdCells
	case "exceptions.csv":
		return []string{"login", "group_name", "decision", "by", "review_by"}, e.exceptionCells
	case "findings.csv":
		return []string{"kind", "login", "group_name", "title", "raised", "cleared", "system_log_event"}, e.findingCells
	default:
		return []string{"kind", "detail"}, anchorCells
	}
}

// record writes a row when the record is in the view's population.
func (v *viewWriter) record(r ledger.Record) error {
	held, err := v.view.holds(r)
	if err != nil || !held {
		return err
	}
	cells, err := v.cells(r)
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

func (e *exporter) grantCells(r ledger.Record) ([]string, error) {
	var g change.Grant
	if err := DecodeBody(r, &g); err != nil {
		return nil, err
	}
	now, found, err := e.tx.Grant(g.ID)
	if err != nil {
		return nil, err
	}
	if found {
		g.Ended, g.EndReason, g.EndTicket = now.Ended, now.EndReason, now.EndTicket
	}
	login, group, err := e.names(r)
	if err != nil {
		return nil, err
	}
	add, err := e.provision(g)
	if err != nil {
		return nil, err
	}
	validated, err := e.factAt(string(g.Ticket), factValidated)
	return []string{
		login, group, g.System, g.Role, g.Policy, iso(g.Requested), iso(g.Approved), approvers(g), g.FieldsHash, iso(g.Expires), string(add.ID),
		iso(add.Settled), string(add.Event), iso(validated), iso(g.Ended), string(g.EndReason), string(g.EndTicket),
	}, err
}

// provision returns the confirmed change that gave what the grant entitles to. There is none when the member was in the
// group already.
func (e *exporter) provision(g change.Grant) (change.Change, error) {
	changes, err := e.tx.ChangesByTicket(g.Ticket)
	if err != nil {
		return change.Change{}, err
	}
	for _, c := range changes {
		if c.Kind == change.AddMember && c.State == change.Confirmed && c.Membership() == g.Membership() {
			return c, nil
		}
	}
	return change.Change{}, nil
}

func approvers(g change.Grant) string {
	all := make([]string, len(g.Approvals))
	for i, p := range g.Approvals {
		all[i] = fmt.Sprintf("%s: user %s, account %s, approval %s, %s (%s)", p.Role, p.User, p.Account, p.Approval, iso(p.At), p.Eligible)
	}
	return strings.Join(all, "; ")
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

func (e *exporter) endCells(r ledger.Record) ([]string, error) {
	var g change.Grant
	if err := DecodeBody(r, &g); err != nil {
		return nil, err
	}
	login, group, err := e.names(r)
	return []string{
		login, group, g.System, g.Role, g.Policy, iso(g.Approved), iso(g.Expires), iso(g.Ended), string(g.EndReason), string(g.EndTicket),
	}, err
}

func (e *exporter) changeCells(r ledger.Record) ([]string, error) {
	c, found, err := e.tx.Change(r.Change)
	if err != nil {
		return nil, err
	}
	if !found || e.options.People == Concealed {
		if err := DecodeBody(r, &c); err != nil {
			return nil, err
		}
	}
	login, group, err := e.names(r)
	return []string{
		string(c.Kind), string(c.Reason), login, group, string(c.Grant), c.Policy, c.Plan, iso(c.Intended), string(c.State), iso(c.Settled),
		string(c.Event), c.Error,
	}, err
}

// leaverCells tells one departure: whose, when it should have ended, when it had.
func (e *exporter) leaverCells(r ledger.Record) ([]string, error) {
	var f kpi.Fact
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	removed, err := e.factAt(f.Subject, factRemoved)
	if err != nil {
		return nil, err
	}
	hours := ""
	if !removed.IsZero() {
		hours = strconv.FormatFloat(removed.Sub(f.At).Hours(), 'f', 2, 64)
	}
	changes, err := e.departure(f)
	if err != nil {
		return nil, err
	}
	var people, ids []string
	for _, c := range changes {
		ids = append(ids, string(c.ID))
		if e.options.People == Concealed {
			continue
		}
		if person := string(c.User); !slices.Contains(people, person) {
			people = append(people, person)
		}
	}
	return []string{f.Subject, iso(f.At), iso(removed), hours, strings.Join(people, " "), strings.Join(ids, " ")}, nil
}

// departure returns the changes of a departure: of its ticket, or of the user and time that its subject names.
func (e *exporter) departure(f kpi.Fact) ([]change.Change, error) {
	if key, err := ticket.ParseKey(f.Subject); err == nil {
		return e.tx.ChangesByTicket(key)
	}
	id, _, _ := strings.Cut(f.Subject, "@")
	changes, err := e.tx.ChangesByUser(access.UserID(id))
	return slices.DeleteFunc(changes, func(c change.Change) bool {
		return c.Reason != change.Deprovisioned || c.Intended.Before(f.At)
	}), err
}

func (e *exporter) refusalCells(r ledger.Record) ([]string, error) {
	var body struct {
		Outcome    string   `json:"outcome"`
		Problems   []string `json:"problems"`
		WaitingFor []string `json:"waitingFor"`
		Policy     string   `json:"policy"`
	}
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	login, err := e.login(r.User)
	return []string{login, body.Outcome, strings.Join(body.Problems, "; "), strings.Join(body.WaitingFor, "; "), body.Policy}, err
}

func (e *exporter) holdCells(r ledger.Record) ([]string, error) {
	var h hold.Hold
	if err := DecodeBody(r, &h); err != nil {
		return nil, err
	}
	by := h.ApprovedBy
	if r.Kind == ledger.HoldCancelled {
		by = h.CancelledBy
	}
	return []string{
		string(r.Kind), string(h.ID), strings.Join(h.Guards, " "), strings.Join(h.Reasons, "; "), h.PlanHash, iso(h.Made), iso(h.Expires), by, h.Reason,
	}, nil
}

func (e *exporter) exceptionCells(r ledger.Record) ([]string, error) {
	var body struct {
		By       string    `json:"by"`
		ReviewBy time.Time `json:"reviewBy"`
	}
	if r.Body != nil {
		if err := DecodeBody(r, &body); err != nil {
			return nil, err
		}
	}
	login, group, err := e.names(r)
	return []string{login, group, string(r.Kind), body.By, iso(body.ReviewBy)}, err
}

func (e *exporter) findingCells(r ledger.Record) ([]string, error) {
	var f finding.Finding
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	now, found, err := e.tx.Finding(f.Key)
	if err != nil {
		return nil, err
	}
	if found && now.Raised.Equal(f.Raised) {
		f.Cleared = now.Cleared
	}
	login, group, err := e.names(r)
	return []string{string(f.Kind), login, group, f.Title, iso(f.Raised), iso(f.Cleared), string(f.Event)}, err
}

// anchorCells shows the body as it is: a place with size and root hash, or a key.
func anchorCells(r ledger.Record) ([]string, error) {
	var body any
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	text := fmt.Sprint(body)
	return []string{string(r.Kind), strings.TrimPrefix(text, "map")}, nil
}
