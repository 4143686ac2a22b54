package jsmopsmock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

// payload is the body of an integration event: the same as Opsgenie's. What a write does not use, it ignores.
//
// Source: developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events.
type payload struct {
	Message     string             `json:"message"`
	Alias       string             `json:"alias"`
	Description string             `json:"description"`
	Responders  []payloadResponder `json:"responders"`
	Actions     []string           `json:"actions"`
	Tags        []string           `json:"tags"`
	Details     map[string]string  `json:"details"`
	Entity      string             `json:"entity"`
	Source      string             `json:"source"`
	Priority    string             `json:"priority"`
	User        string             `json:"user"`
	Note        string             `json:"note"`
}

type payloadResponder struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// wrong tells whether the vendor refuses the responder.
//
// Source: JSM Operations API, schema Responder; that integration events take names is Opsgenie's.
func (r payloadResponder) wrong() bool {
	return !slices.Contains([]string{"team", "user", "escalation", "schedule"}, r.Type) || r.ID == "" && r.Name == ""
}

// userPayload is the body of a write by a user. Acknowledging and closing have none; what is sent is not looked at.
//
// Source: JSM Operations API, schema CreateAlertRequest; POST alerts/{id}/notes.
type userPayload struct {
	payload
	ExtraProperties map[string]string `json:"extraProperties"`
}

// decode reads the body of a write, which may be empty.
func decode(r *http.Request, into any) bool {
	return r.ContentLength == 0 || json.NewDecoder(r.Body).Decode(into) == nil
}

// problem returns what the vendor refuses about p; "" when there is nothing.
//
// Source: JSM Operations API, schema CreateAlertRequest; the limits on tags and actions are Opsgenie's.
func (p payload) problem() string {
	limits := []struct {
		field, value string
		most         int
	}{{"message", p.Message, 130}, {"alias", p.Alias, 512}, {"description", p.Description, 15_000}, {"entity", p.Entity, 512},
		{"source", p.Source, 100}, {"user", p.User, 100}, {"note", p.Note, 25_000}}
	for _, l := range limits {
		if utf8.RuneCountInString(l.value) > l.most {
			return fmt.Sprintf("%s can not be longer than %d characters.", l.field, l.most)
		}
	}
	switch {
	case len(p.Tags) > 20 || longest(p.Tags) > 50:
		return "at most 20 tags of 50 characters"
	case len(p.Actions) > 10 || longest(p.Actions) > 50:
		return "at most 10 actions of 50 characters"
	case len(p.Responders) > 50:
		return "at most 50 responders"
	case slices.ContainsFunc(p.Responders, payloadResponder.wrong):
		return "a responder must be one of team, user, escalation, schedule, with an id or a name"
	case !slices.Contains([]string{"", "P1", "P2", "P3", "P4", "P5"}, p.Priority):
		return "priority must be one of P1, P2, P3, P4, P5"
	}
	return ""
}

func longest(all []string) int {
	most := 0
	for _, s := range all {
		most = max(most, utf8.RuneCountInString(s))
	}
	return most
}

// action is a write on an existing alert. apply returns why it cannot be done, or "".
type action struct {
	path  string // the last part of its path
	name  string // as webhooks call it
	apply func(*alert, payload) string
}

func actions() []action {
	return []action{
		{"acknowledge", "Acknowledge", acknowledge},
		{"unacknowledge", "UnAcknowledge", unacknowledge},
		{"close", "Close", closeAlert},
		{"notes", "AddNote", addNote},
	}
}

// elapsed is how long after its creation something happens to an alert: never nothing, which would mean not at all.
func (a *alert) elapsed(now time.Time) time.Duration {
	return max(now.Sub(a.Created), time.Millisecond)
}

func acknowledge(a *alert, p payload) string {
	switch {
	case a.Closed:
		return "Alert is already closed"
	case a.Acknowledged:
		return "Alert is already acknowledged"
	}
	a.Acknowledged, a.AcknowledgedBy, a.owner = true, p.User, p.User
	a.AckAfter = a.elapsed(a.Updated)
	return ""
}

func unacknowledge(a *alert, _ payload) string {
	if !a.Acknowledged || a.Closed {
		return "Alert is not acknowledged"
	}
	a.Acknowledged = false
	return ""
}

func closeAlert(a *alert, p payload) string {
	if a.Closed {
		return "Alert is already closed"
	}
	a.Closed, a.ClosedBy = true, p.User
	a.CloseAfter = a.elapsed(a.Updated)
	return ""
}

func addNote(*alert, payload) string { return "" }

// refusedToCreate returns how the vendor refuses p for a create, or "".
func (p payload) refusedToCreate() string {
	if p.Message == "" {
		return "Message can not be empty."
	}
	return p.problem()
}

func (s *Server) createByEvent(r *http.Request) answer {
	var p payload
	if !decode(r, &p) {
		return eventFailed(http.StatusUnprocessableEntity, "Request body is not processable. Please check the errors.")
	}
	if why := p.refusedToCreate(); why != "" {
		return eventFailed(http.StatusUnprocessableEntity, why)
	}
	return s.accept(http.StatusAccepted, &request{action: "Create", alias: p.Alias, run: func() result { return s.create(p) }})
}

// createByUser answers 200 where the integration events answer 202.
//
// Source: JSM Operations API, POST alerts.
func (s *Server) createByUser(r *http.Request, u User) answer {
	var p userPayload
	if !decode(r, &p) {
		return restFailed(http.StatusUnprocessableEntity, "payload cannot be validated")
	}
	if why := p.refusedToCreate(); why != "" {
		return restFailed(http.StatusUnprocessableEntity, why)
	}
	p.User, p.Details = u.Email, p.ExtraProperties
	return s.accept(http.StatusOK, &request{action: "Create", alias: p.Alias, run: func() result { return s.create(p.payload) }})
}

// create makes an alert, or counts another occurrence of the open one with its alias.
func (s *Server) create(p payload) result {
	if p.Alias != "" {
		if a := s.find(p.Alias, "alias"); a != nil {
			a.Count++
			a.Updated = s.config.Now().UTC()
			return result{a, ""}
		}
	}
	given := Alert{Alias: p.Alias, Message: p.Message, Description: p.Description, Priority: p.Priority, Source: p.Source,
		Entity: p.Entity, Tags: p.Tags, Actions: p.Actions, Details: p.Details}
	for _, r := range p.Responders {
		given.Responders = append(given.Responders, Responder(r))
	}
	a := s.insert(given)
	s.log(a, "Alert created via API", "System")
	if p.Note != "" {
		s.note(a, p)
	}
	s.tell("Create", a, p)
	return result{a, ""}
}

// actByEvent returns the handler of a write on an alert by an integration. Whether the alert exists is told by the
// request's status only.
func (s *Server) actByEvent(act action) handler {
	return func(r *http.Request) answer {
		var p payload
		kind := r.URL.Query().Get("identifierType")
		switch parsed := decode(r, &p); {
		case !parsed:
			return eventFailed(http.StatusUnprocessableEntity, "Request body is not processable. Please check the errors.")
		case p.problem() != "":
			return eventFailed(http.StatusUnprocessableEntity, p.problem())
		case act.name == "AddNote" && p.Note == "":
			return eventFailed(http.StatusUnprocessableEntity, "Note can not be empty.")
		case !slices.Contains([]string{"", "id", "alias", "tiny"}, kind):
			return eventFailed(http.StatusUnprocessableEntity, "identifierType must be one of id, alias, tiny")
		}
		on := actionOn{act.name, r.PathValue("alert"), kind, p}
		return s.accept(http.StatusAccepted, &request{action: act.name, run: func() result { return s.carryOut(on, act.apply) }})
	}
}

// actByUser returns the handler of a write on an alert by a user. It takes the long ID only, and a note by itself only.
func (s *Server) actByUser(act action) userHandler {
	return func(r *http.Request, u User) answer {
		p := payload{User: u.Email}
		if act.name == "AddNote" {
			if !decode(r, &p) || p.Note == "" || p.problem() != "" {
				return restFailed(http.StatusUnprocessableEntity, "note is not valid")
			}
			p = payload{User: u.Email, Note: p.Note}
		}
		on := actionOn{act.name, r.PathValue("alert"), "id", p}
		return s.accept(http.StatusAccepted, &request{action: act.name, run: func() result { return s.carryOut(on, act.apply) }})
	}
}

// actionOn is a write waiting to be carried out.
type actionOn struct {
	name, identifier, identifierType string
	payload                          payload
}

// told is how the log puts the write. Of acknowledging and closing the vendor's words are known, those of notes are assumed.
func (on actionOn) told() string {
	switch on.name {
	case "Acknowledge":
		return "Alert acknowledged via API"
	case "Close":
		return "Alert closed via API"
	default:
		return "Alert " + on.name + " via API"
	}
}

func (s *Server) carryOut(on actionOn, apply func(*alert, payload) string) result {
	a := s.find(on.identifier, on.identifierType)
	if a == nil {
		return result{nil, "Alert does not exist"}
	}
	before := a.Updated
	a.Updated = s.config.Now().UTC()
	if problem := apply(a, on.payload); problem != "" {
		a.Updated = before
		return result{a, problem}
	}
	if on.payload.Note != "" {
		s.note(a, on.payload)
	}
	s.log(a, on.told(), on.payload.User)
	s.tell(on.name, a, on.payload)
	return result{a, ""}
}

func (s *Server) note(a *alert, p payload) {
	now := s.config.Now().UTC()
	a.Notes = append(a.Notes, Note{Text: p.Note, Owner: cmpOr(p.User, "System"), Created: now, id: s.noteID(now)})
}

func (s *Server) log(a *alert, text, owner string) {
	now := s.config.Now().UTC()
	a.logs = append(a.logs, Note{Text: text, Owner: cmpOr(owner, "System"), Created: now, id: s.noteID(now)})
}

// Acknowledge acknowledges an alert as user, as a person would in the console. It returns the server's objection, or "".
func (s *Server) Acknowledge(id, user string) string {
	return s.byHand(actionOn{"Acknowledge", id, "id", payload{User: user}}, acknowledge)
}

// CloseAlert closes an alert as user. It returns the server's objection, or "".
func (s *Server) CloseAlert(id, user string) string {
	return s.byHand(actionOn{"Close", id, "id", payload{User: user}}, closeAlert)
}

// AddNote adds a note as user. It returns the server's objection, or "".
func (s *Server) AddNote(id, user, text string) string {
	return s.byHand(actionOn{"AddNote", id, "id", payload{User: user, Note: text}}, addNote)
}

// CreateAlert creates an alert now, as an integration of somebody else would; those told of alerts are told. It returns
// the alert's ID.
func (s *Server) CreateAlert(a Alert) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := payload{Message: a.Message, Alias: a.Alias, Description: a.Description, Priority: a.Priority, Source: a.Source,
		Entity: a.Entity, Tags: a.Tags, Actions: a.Actions, Details: a.Details}
	for _, r := range a.Responders {
		p.Responders = append(p.Responders, payloadResponder(r))
	}
	return s.create(p).alert.ID
}

func (s *Server) byHand(on actionOn, apply func(*alert, payload) string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carryOut(on, apply).problem
}
