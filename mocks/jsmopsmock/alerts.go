package jsmopsmock

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Alert is an alert as a story sets it up, and as [Server.Alerts] shows it.
type Alert struct {
	ID          string            // chosen by the server when empty
	TinyID      string            // chosen by the server when empty; used again after a while
	Alias       string            // empty = the ID
	Message     string            // what is shown first
	Description string            // longer; not part of lists
	Priority    string            // "P1" to "P5"; empty = "P3"
	Source      string            // where it came from
	Entity      string            // what it is about
	Tags        []string          // in the order in which they were added
	Actions     []string          // names of custom actions
	Details     map[string]string // extra properties; not part of lists
	Responders  []Responder       // who answers for it
	Created     time.Time         // zero = now
	Updated     time.Time         // zero = Created, or what happened last
	// AckAfter and CloseAfter say when it was acknowledged and closed, counted from Created; zero = not.
	AckAfter, CloseAfter time.Duration
	AcknowledgedBy       string // who did, as the vendor names them
	ClosedBy             string // who did, as the vendor names them
	Count                int    // occurrences; 0 = 1
	Notes                []Note // oldest first
	Acknowledged         bool   // set with AckAfter
	Closed               bool   // set with CloseAfter
	Snoozed              bool   // its status is then "snoozed", and it is open
}

// Responder is a team, user, escalation or schedule that answers for an alert.
type Responder struct {
	Type string // "team", "user", "escalation" or "schedule"
	ID   string // the vendor's
	Name string // as given by an integration; never shown
}

// Note is a note on an alert.
type Note struct {
	Text    string    // as written
	Owner   string    // who wrote it
	Created time.Time // by the server's clock
	id      string    // also the cursor of lists
}

// alert is the server's own record of one.
type alert struct {
	Alert
	owner string
	logs  []Note
}

// wireResponder is a responder as the vendor shows it: without a name.
type wireResponder struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// wireAlert is an alert. Lists leave out what is behind pointers and maps.
//
// Source: JSM Operations API, schema AlertResponse. ackTime and closeTime are moments here, durations in Opsgenie.
// lastOccuredAt is the vendor's spelling.
type wireAlert struct {
	ID              string            `json:"id"`
	TinyID          string            `json:"tinyId"`
	Alias           string            `json:"alias"`
	Message         string            `json:"message"`
	Entity          string            `json:"entity"`
	Source          string            `json:"source"`
	Status          string            `json:"status"`
	Acknowledged    bool              `json:"acknowledged"`
	Seen            bool              `json:"seen"`
	Snoozed         bool              `json:"snoozed"`
	Tags            []string          `json:"tags"`
	Actions         []string          `json:"actions"`
	Count           int               `json:"count"`
	Owner           string            `json:"owner"`
	Priority        string            `json:"priority"`
	Responders      []wireResponder   `json:"responders"`
	CreatedAt       string            `json:"createdAt"`
	UpdatedAt       string            `json:"updatedAt"`
	LastOccuredAt   string            `json:"lastOccuredAt"`
	AckTime         string            `json:"ackTime,omitempty"`
	CloseTime       string            `json:"closeTime,omitempty"`
	IntegrationType string            `json:"integrationType"`
	IntegrationName string            `json:"integrationName"`
	Description     *string           `json:"description,omitempty"`
	ExtraProperties map[string]string `json:"extraProperties,omitempty"`
}

const integrationID = "4513b7ea-3b91-438f-b7e4-e3e54af9147c"

// vendorTime is how the vendor writes times.
const vendorTime = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(vendorTime) }

func (a *alert) wire() wireAlert {
	w := wireAlert{ID: a.ID, TinyID: a.TinyID, Alias: a.Alias, Message: a.Message, Entity: a.Entity, Source: a.Source, Status: a.status(),
		Acknowledged: a.Acknowledged, Seen: a.Acknowledged, Snoozed: a.Snoozed, Tags: notNil(a.Tags), Actions: notNil(a.Actions), Count: a.Count,
		Owner: a.owner, Priority: a.Priority, Responders: []wireResponder{}, CreatedAt: stamp(a.Created), UpdatedAt: stamp(a.Updated),
		LastOccuredAt: stamp(a.Updated), IntegrationType: "API", IntegrationName: "sopd"}
	for _, r := range a.Responders {
		w.Responders = append(w.Responders, wireResponder{r.ID, r.Type})
	}
	if a.AckAfter > 0 {
		w.AckTime = stamp(a.Created.Add(a.AckAfter))
	}
	if a.CloseAfter > 0 {
		w.CloseTime = stamp(a.Created.Add(a.CloseAfter))
	}
	return w
}

func (a *alert) full() wireAlert {
	w := a.wire()
	w.Description, w.ExtraProperties = &a.Description, a.Details
	return w
}

// status is one of the vendor's five. An acknowledged alert is "acked", not "open".
func (a *alert) status() string {
	switch {
	case a.Closed:
		return "closed"
	case a.Snoozed:
		return "snoozed"
	case a.Acknowledged:
		return "acked"
	default:
		return "open"
	}
}

// notNil returns s as a list that encodes as [] and not as null.
func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// AddAlert puts an alert into the site as if it had come earlier. Nobody is told. It returns the alert's ID.
func (s *Server) AddAlert(a Alert) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.insert(a).ID
}

// Alerts returns all alerts by creation.
func (s *Server) Alerts() []Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Alert
	for _, a := range s.alerts {
		all = append(all, a.copy())
	}
	return all
}

// copy shares nothing with the server's record.
func (a *alert) copy() Alert {
	c := a.Alert
	c.Tags, c.Actions, c.Notes, c.Responders = slices.Clone(c.Tags), slices.Clone(c.Actions), slices.Clone(c.Notes), slices.Clone(c.Responders)
	c.Details = maps.Clone(c.Details)
	return c
}

// insert stores a new alert, filling in what the server chooses.
func (s *Server) insert(given Alert) *alert {
	a := &alert{Alert: given}
	if a.Created.IsZero() {
		a.Created = s.config.Now()
	}
	a.Created = a.Created.UTC()
	if a.ID == "" {
		a.ID = fmt.Sprintf("%s-%d", s.newID(), a.Created.UnixMilli())
	}
	if a.TinyID == "" {
		a.TinyID = strconv.Itoa(len(s.alerts)%s.config.TinyIDs + 1)
	}
	a.Alias, a.Priority = cmpOr(a.Alias, a.ID), cmpOr(a.Priority, "P3")
	a.Count = max(a.Count, 1)
	a.Acknowledged, a.Closed = a.Acknowledged || a.AckAfter > 0, a.Closed || a.CloseAfter > 0
	if a.Updated.IsZero() {
		a.Updated = a.Created.Add(max(a.AckAfter, a.CloseAfter))
	}
	for i := range a.Notes {
		a.Notes[i].id = s.noteID(a.Notes[i].Created)
	}
	s.alerts = append(s.alerts, a)
	return a
}

// noteID returns the identifier of a note or log entry, by which lists page.
func (s *Server) noteID(at time.Time) string {
	s.serial++
	return fmt.Sprintf("%d%06d", at.UnixMilli(), s.serial%1_000_000)
}

// find returns the alert that an identifier of a type stands for: an alias only while its alert is open, a tiny ID the
// newest alert that has it.
func (s *Server) find(identifier, identifierType string) *alert {
	for _, a := range slices.Backward(s.alerts) {
		switch {
		case (identifierType == "" || identifierType == "id") && a.ID == identifier,
			identifierType == "alias" && a.Alias == identifier && !a.Closed,
			identifierType == "tiny" && a.TinyID == identifier:
			return a
		}
	}
	return nil
}

// visible returns the alert of the path that u may see, or how the request is refused. The path takes the long ID only.
func (s *Server) visible(r *http.Request, u User) (*alert, answer, bool) {
	a := s.find(r.PathValue("alert"), "id")
	switch {
	case a == nil:
		return nil, restFailed(http.StatusNotFound, "Alert not found"), false
	case u.Blind:
		return nil, restFailed(http.StatusForbidden, "You are not allowed to see this alert"), false
	default:
		return a, answer{}, true
	}
}

func (s *Server) getAlert(r *http.Request, u User) answer {
	a, refused, ok := s.visible(r, u)
	if !ok {
		return refused
	}
	return answer{status: http.StatusOK, body: a.full()}
}

func (s *Server) getByAlias(r *http.Request, u User) answer {
	a := s.find(r.URL.Query().Get("alias"), "alias")
	switch {
	case a == nil:
		return restFailed(http.StatusNotFound, "Alert not found")
	case u.Blind:
		return restFailed(http.StatusForbidden, "You are not allowed to see this alert")
	default:
		return answer{status: http.StatusOK, body: a.full()}
	}
}
