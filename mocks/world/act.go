package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

// Key is a ticket's key, such as "ACC-17".
type Key = jiramock.Key

// File is a ticket's attachment.
type File = jiramock.File

// AccessRequest is what somebody asks for in the portal. People are named by their short names.
type AccessRequest struct {
	By     string // who asks
	For    string // whom it is for; empty is By
	System string // the system's ID; empty leaves the field empty
	Role   string // empty leaves the field empty
	// Justification is a sentence of filler when empty, and the field is left empty when it is "-".
	Justification string
	Until         time.Time // zero leaves the field empty
	// Approvers is who is asked; when empty, an owner of the system and, for a high-risk system, one of Security
	// Operations, neither By nor For.
	Approvers []string
}

// Request raises an access request. It is asked for approval at once.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Request(r AccessRequest) (Key, error) { return w.raise(w.Jira.Story, requestAccess, r) }

// RequestPlain raises an access request in the project that is no service desk. Nobody is asked: an owner agrees by moving
// the ticket.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) RequestPlain(r AccessRequest) (Key, error) {
	by, fields, err := r.asked()
	if err != nil {
		return "", err
	}
	delete(fields, fieldApprovers)
	return w.Jira.CreateRequest(projectPlain, issueAccess, by.Account, fields)
}

// Revoke raises a request to take access away. Owners of the system approve it, and for a high-risk one Security
// Operations too.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Revoke(r AccessRequest) (Key, error) {
	return w.raise(w.Jira.Story, requestRevocation, r)
}

func (w *World) raise(when jiramock.Story, kind string, r AccessRequest) (Key, error) {
	by, fields, err := r.asked()
	if err != nil {
		return "", err
	}
	fields["Summary"] = fmt.Sprintf("%s: %s", kind, r.System)
	return when.CreateRequest(projectAccess, kind, by.Account, fields)
}

// asked returns who asks, and the fields that they fill in.
func (r AccessRequest) asked() (Person, map[string]any, error) {
	by, err := find(r.By)
	if err != nil {
		return Person{}, nil, err
	}
	if r.For == "" {
		r.For = r.By
	}
	fields, err := r.fields()
	return by, fields, err
}

func (r AccessRequest) fields() (map[string]any, error) {
	beneficiary, err := find(r.For)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{fieldFor: beneficiary.Account}
	asked := r.Approvers
	if r.System != "" {
		s, ok := findSystem(r.System)
		if !ok {
			return nil, fmt.Errorf("%w system %q", ErrUnknown, r.System)
		}
		fields[fieldSystem] = []string{s.name}
		if len(asked) == 0 {
			asked = s.approversFor(r.By, r.For)
		}
	}
	if r.Role != "" {
		fields[fieldRole] = r.Role
	}
	if !r.Until.IsZero() {
		fields[fieldUntil] = r.Until
	}
	switch r.Justification {
	case "":
		fields[fieldJustification] = "Needed for the work that the team has taken over this week"
	case "-":
	default:
		fields[fieldJustification] = r.Justification
	}
	fields[fieldApprovers], err = accounts(asked)
	return fields, err
}

func accounts(shorts []string) ([]jiramock.AccountID, error) {
	out := make([]jiramock.AccountID, 0, len(shorts))
	for _, short := range shorts {
		p, err := find(short)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Account)
	}
	return out, nil
}

type offboarding struct {
	by, leaver string
	lastDay    time.Time
}

// Offboard raises the ticket of somebody who leaves. Somebody of People Operations other than the two is asked.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Offboard(by, leaver string, lastDay time.Time) (Key, error) {
	return w.raiseOffboarding(w.Jira.Story, offboarding{by, leaver, lastDay})
}

func (w *World) raiseOffboarding(when jiramock.Story, o offboarding) (Key, error) {
	by, err := find(o.by)
	if err != nil {
		return "", err
	}
	leaver, err := find(o.leaver)
	if err != nil {
		return "", err
	}
	asked, err := accounts(firstOther(members("people-operations"), []string{o.by, o.leaver}))
	if err != nil {
		return "", err
	}
	return when.CreateRequest(projectPeople, requestOffboard, by.Account, map[string]any{
		"Summary": "Offboarding", fieldLeaver: leaver.Account, fieldLastDay: o.lastDay, fieldApprovers: asked,
	})
}

// Approve answers yes as somebody who is asked.
//
// Errors: [ErrUnknown]; the Jira's, when the person is not asked or nothing is pending.
func (w *World) Approve(as string, key Key) error { return w.answer(as, key, "approve") }

// Decline answers no as somebody who is asked. One no ends the approval.
//
// Errors: as [World.Approve].
func (w *World) Decline(as string, key Key) error { return w.answer(as, key, "decline") }

func (w *World) answer(as string, key Key, decision string) error {
	p, err := find(as)
	if err != nil {
		return err
	}
	return w.Jira.Answer(p.Account, key, decision)
}

// Validate says that the access works, as somebody.
//
// Errors: [ErrUnknown]; the Jira's, when the ticket does not wait for it.
func (w *World) Validate(as string, key Key) error { return w.Drag(as, key, StatusValidated) }

// Rate says how satisfied somebody was with a ticket, 1 to 5, as Jira Service Management asks them when it is resolved.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Rate(as string, key Key, rating int) error {
	p, err := find(as)
	if err != nil {
		return err
	}
	return w.Jira.Edit(p.Account, key, map[string]any{fieldRating: rating, fieldRated: w.in(0)})
}

// Drag moves a ticket to a status as somebody, whatever approvals are pending, when its workflow has a way there.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Drag(as string, key Key, status string) error {
	p, err := find(as)
	if err != nil {
		return err
	}
	return w.Jira.Transition(p.Account, key, status)
}

// Delegate lets somebody answer in the place of a person who is asked, as a service desk may.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Delegate(from, to string, key Key) error {
	absent, err := find(from)
	if err != nil {
		return err
	}
	deputy, err := find(to)
	if err != nil {
		return err
	}
	return w.Jira.Delegate(key, absent.Account, deputy.Account)
}

// MoveTicket moves a ticket to another project as somebody and returns its new key.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) MoveTicket(as string, key Key, project string) (Key, error) {
	p, err := find(as)
	if err != nil {
		return "", err
	}
	return w.Jira.Move(p.Account, key, project)
}

// DeleteTicket deletes a ticket as somebody.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) DeleteTicket(as string, key Key) error {
	p, err := find(as)
	if err != nil {
		return err
	}
	return w.Jira.Delete(p.Account, key)
}

// EditField changes one field as somebody; nil empties it. Fields are named as people see them.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) EditField(as string, key Key, field string, value any) error {
	p, err := find(as)
	if err != nil {
		return err
	}
	return w.Jira.Edit(p.Account, key, map[string]any{field: value})
}

// ConsoleAdd puts a person into a group in Okta's console, as an administrator.
//
// Errors: [ErrUnknown], also when the first person administers nothing.
func (w *World) ConsoleAdd(admin, person, groupName string) error {
	if !slices.Contains(oktaAdmins(), admin) {
		return fmt.Errorf("%w administrator %q", ErrUnknown, admin)
	}
	p, err := find(person)
	if err != nil {
		return err
	}
	g, err := w.group(groupName)
	if err != nil {
		return err
	}
	return w.Okta.AddMember(userID(admin), g.ID, p.OktaID)
}

// Deactivate ends people's accounts in Okta's console, all at once. Their groups stay as they are.
//
// Errors: [ErrUnknown], and nobody is deactivated.
func (w *World) Deactivate(people ...string) error {
	ids := make([]string, 0, len(people))
	for _, short := range people {
		p, err := find(short)
		if err != nil {
			return err
		}
		ids = append(ids, p.OktaID)
	}
	return w.Okta.DeactivateAll(userID(oktaAdmins()[0]), ids...)
}

// Suspend suspends people's accounts in Okta's console, as for a long leave. Their groups stay as they are.
//
// Errors: [ErrUnknown].
func (w *World) Suspend(people ...string) error {
	for _, short := range people {
		p, err := find(short)
		if err != nil {
			return err
		}
		if err := w.Okta.Suspend(userID(oktaAdmins()[0]), p.OktaID); err != nil {
			return err
		}
	}
	return nil
}

// SecondAccount gives a person another Okta account with the same e-mail address and the same Jira account, as a careless
// import does, and returns its identifier.
//
// Errors: [ErrUnknown]; the Okta's.
func (w *World) SecondAccount(short string) (id string, err error) {
	p, err := find(short)
	if err != nil {
		return "", err
	}
	return w.Okta.CreateUser(userID(oktaAdmins()[0]), oktamock.User{
		Login: short + ".2@example.com", Email: p.Login, FirstName: p.Name, LastName: "2",
		Profile: map[string]any{"jiraAccountId": string(p.Account)},
	})
}

// Note keeps something that a later step of a story needs, such as a ticket's key, under a name.
func (w *World) Note(name, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes[name] = value
}

// Noted returns what was kept under the name; ok is false when nothing was.
func (w *World) Noted(name string) (value string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	value, ok = w.notes[name]
	return value, ok
}
