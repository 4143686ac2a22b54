package opsgeniemock

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// payload is the body of any write. What a write does not use, it ignores, as the vendor does.
//
// Source: opsgenie-oas, definitions CreateAlertPayload, AlertActionPayload and their kin.
type payload struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description"`
	Responders  []Responder       `json:"responders"`
	VisibleTo   []Responder       `json:"visibleTo"`
	Actions     []string          `json:"actions"`
	Tags        []string          `json:"tags"`
	Details     map[string]string `json:"details"`
	Entity      string            `json:"entity"`
	Source      string            `json:"source"`
	Priority    string            `json:"priority"`
	User        string            `json:"user"`
	Note        string            `json:"note"`
}

// decode reads the body of a write, which may be empty.
func decode(r *http.Request) (payload, bool) {
	var p payload
	if r.ContentLength == 0 {
		return p, true
	}
	return p, json.NewDecoder(r.Body).Decode(&p) == nil
}

// problem returns the first field of p that the vendor refuses, and why; "" when there is none.
//
// Source: docs.opsgenie.com/docs/alert-api, Create Alert, field limits.
func (p payload) problem() (field, why string) {
	limits := []struct {
		field, value string
		most         int
	}{{"message", p.Message, 130}, {"alias", p.Alias, 512}, {"description", p.Description, 15000}, {"entity", p.Entity, 512},
		{"source", p.Source, 100}, {"user", p.User, 100}, {"note", p.Note, 25000}}
	for _, l := range limits {
		if utf8.RuneCountInString(l.value) > l.most {
			return l.field, fmt.Sprintf("%s can not be longer than %d characters.", l.field, l.most)
		}
	}
	switch {
	case len(p.Tags) > 20 || longest(p.Tags) > 50:
		return "tags", "at most 20 tags of 50 characters"
	case slices.ContainsFunc(p.Responders, Responder.wrong):
		return "responders", "type must be one of user, team, escalation, schedule, with an id or a name"
	case len(p.Actions) > 10 || longest(p.Actions) > 50:
		return "actions", "at most 10 actions of 50 characters"
	case !slices.Contains([]string{"", "P1", "P2", "P3", "P4", "P5"}, p.Priority):
		return "priority", "must be one of P1, P2, P3, P4, P5"
	}
	return "", ""
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
	name  string
	apply func(*alert, payload) string
}

// actions returns the writes by the pattern of their path.
func actions() map[string]action {
	return map[string]action{
		"POST /v2/alerts/{alert}/acknowledge":   {"Acknowledge", acknowledge},
		"POST /v2/alerts/{alert}/unacknowledge": {"UnAcknowledge", unacknowledge},
		"POST /v2/alerts/{alert}/close":         {"Close", closeAlert},
		"POST /v2/alerts/{alert}/notes":         {"AddNote", func(*alert, payload) string { return "" }},
		"POST /v2/alerts/{alert}/tags":          {"AddTags", addTags},
		"DELETE /v2/alerts/{alert}/tags":        {"RemoveTags", removeTags},
		"POST /v2/alerts/{alert}/details":       {"AddDetails", addDetails},
		"PUT /v2/alerts/{alert}/priority":       {"UpdatePriority", func(a *alert, p payload) string { a.Priority = p.Priority; return "" }},
		"PUT /v2/alerts/{alert}/message":        {"UpdateMessage", func(a *alert, p payload) string { a.Message = p.Message; return "" }},
		"PUT /v2/alerts/{alert}/description":    {"UpdateDescription", func(a *alert, p payload) string { a.Description = p.Description; return "" }},
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

func addTags(a *alert, p payload) string {
	for _, tag := range p.Tags {
		if !slices.Contains(a.Tags, tag) {
			a.Tags = append(a.Tags, tag)
		}
	}
	return ""
}

func removeTags(a *alert, p payload) string {
	a.Tags = slices.DeleteFunc(a.Tags, func(tag string) bool { return slices.Contains(p.Tags, tag) })
	return ""
}

func addDetails(a *alert, p payload) string {
	if a.Details == nil {
		a.Details = map[string]string{}
	}
	maps.Copy(a.Details, p.Details)
	return ""
}

// createAlert accepts a new alert.
func (s *Server) createAlert(r *http.Request) answer {
	p, parsed := decode(r)
	if !parsed {
		return failed(http.StatusUnprocessableEntity, "Request body is not processable. Please check the errors.")
	}
	if p.Message == "" {
		return unprocessable("message", "Message can not be empty.")
	}
	if field, why := p.problem(); field != "" {
		return unprocessable(field, why)
	}
	return s.accept(&request{action: "Create", alias: p.Alias, run: func() result { return s.create(p) }})
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
	a := s.insert(Alert{Alias: p.Alias, Message: p.Message, Description: p.Description, Priority: p.Priority, Source: p.Source,
		Entity: p.Entity, Tags: p.Tags, Actions: p.Actions, Details: p.Details, Responders: p.Responders})
	s.log(a, "Alert created via API", "System")
	if p.Note != "" {
		s.note(a, p)
	}
	s.tell("Create", a, p)
	return result{a, ""}
}

// act returns the handler of a write on an existing alert. Whether the alert exists is told by the request's status only.
func (s *Server) act(name string, apply func(*alert, payload) string) handler {
	return func(r *http.Request) answer {
		p, parsed := decode(r)
		if !parsed {
			return failed(http.StatusUnprocessableEntity, "Request body is not processable. Please check the errors.")
		}
		if tags := r.URL.Query().Get("tags"); tags != "" {
			p.Tags = strings.Split(tags, ",")
		}
		if field, why := p.problem(); field != "" {
			return unprocessable(field, why)
		}
		if name == "AddNote" && p.Note == "" {
			return unprocessable("note", "Note can not be empty.")
		}
		if !validType(r) {
			return unprocessable("identifierType", "must be one of id, alias, tiny")
		}
		identifier, kind := r.PathValue("alert"), r.URL.Query().Get("identifierType")
		return s.accept(&request{action: name, run: func() result { return s.carryOut(actionOn{name, identifier, kind, p}, apply) }})
	}
}

// actionOn is a write waiting to be carried out.
type actionOn struct {
	name, identifier, identifierType string
	payload                          payload
}

// told is how the log puts the write. Of acknowledging and closing the vendor's words are known, the others are assumed.
func (on actionOn) told() string {
	switch on.name {
	case "Acknowledge":
		return "Alert acknowledged via API"
	case "Close":
		return "Alert closed via API"
	case "AddTags":
		return "Tags added via API [" + strings.Join(on.payload.Tags, ", ") + "]"
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
	if on.name == "Delete" {
		a.deleted = true
	}
	s.log(a, on.told(), on.payload.User)
	s.tell(on.name, a, on.payload)
	return result{a, ""}
}

func (s *Server) note(a *alert, p payload) {
	now := s.config.Now().UTC()
	a.Notes = append(a.Notes, Note{Text: p.Note, Owner: cmpOr(p.User, "System"), Created: now, offset: s.nextOffset(now)})
}

func (s *Server) log(a *alert, text, owner string) {
	now := s.config.Now().UTC()
	a.logs = append(a.logs, Note{Text: text, Owner: cmpOr(owner, "System"), Created: now, offset: s.nextOffset(now)})
}

// Acknowledge acknowledges an alert as user, as a person would in the console. It returns the server's objection, or "".
func (s *Server) Acknowledge(id, user string) string {
	return s.byHand("Acknowledge", id, acknowledge, payload{User: user})
}

// CloseAlert closes an alert as user. It returns the server's objection, or "".
func (s *Server) CloseAlert(id, user string) string {
	return s.byHand("Close", id, closeAlert, payload{User: user})
}

// AddNote adds a note as user. It returns the server's objection, or "".
func (s *Server) AddNote(id, user, text string) string {
	return s.byHand("AddNote", id, func(*alert, payload) string { return "" }, payload{User: user, Note: text})
}

// CreateAlert creates an alert now, as an integration of somebody else would; those told of alerts are told. It returns
// the alert's ID.
func (s *Server) CreateAlert(a Alert) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(payload{Message: a.Message, Alias: a.Alias, Description: a.Description, Priority: a.Priority, Source: a.Source,
		Entity: a.Entity, Tags: a.Tags, Actions: a.Actions, Details: a.Details, Responders: a.Responders}).alert.ID
}

func (s *Server) byHand(name, id string, apply func(*alert, payload) string, p payload) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carryOut(actionOn{name, id, "id", p}, apply).problem
}
