package opsgeniemock

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
	Details     map[string]string // further properties; not part of lists
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
}

// Responder is a team, user, escalation or schedule that answers for an alert.
type Responder struct {
	Type string `json:"type"`           // "team", "user", "escalation" or "schedule"
	ID   string `json:"id"`             // the vendor's
	Name string `json:"name,omitempty"` // as given by who created the alert
}

// wrong tells whether the vendor refuses the responder.
//
// Source: docs.opsgenie.com/docs/alert-api, Create Alert, responders; opsgenie-oas, definition Recipient.
func (r Responder) wrong() bool {
	return !slices.Contains([]string{"team", "user", "escalation", "schedule"}, r.Type) || r.ID == "" && r.Name == "" && r.Type != "user"
}

// Note is a note on an alert.
type Note struct {
	Text    string    // as written
	Owner   string    // who wrote it
	Created time.Time // by the server's clock
	offset  string
}

// alert is the server's own record of one.
type alert struct {
	Alert
	owner   string
	logs    []Note
	deleted bool
}

// wireAlert is an alert in a list.
//
// Source: opsgenie-oas, definition BaseAlert; sample answers of docs.opsgenie.com/docs/alert-api.
type wireAlert struct {
	ID             string          `json:"id"`
	TinyID         string          `json:"tinyId"`
	Alias          string          `json:"alias"`
	Message        string          `json:"message"`
	Status         string          `json:"status"`
	Acknowledged   bool            `json:"acknowledged"`
	IsSeen         bool            `json:"isSeen"`
	Tags           []string        `json:"tags"`
	Snoozed        bool            `json:"snoozed"`
	Count          int             `json:"count"`
	LastOccurredAt string          `json:"lastOccurredAt"`
	CreatedAt      string          `json:"createdAt"`
	UpdatedAt      string          `json:"updatedAt"`
	Source         string          `json:"source"`
	Owner          string          `json:"owner"`
	Priority       string          `json:"priority"`
	Responders     []Responder     `json:"responders"`
	Integration    wireIntegration `json:"integration"`
	Report         *wireReport     `json:"report,omitempty"`
}

// wireFullAlert is an alert read by itself.
//
// Source: opsgenie-oas, definition Alert.
type wireFullAlert struct {
	wireAlert
	Actions     []string          `json:"actions"`
	Entity      string            `json:"entity"`
	Description string            `json:"description"`
	Details     map[string]string `json:"details"`
}

type wireIntegration struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// wireReport holds durations from the creation, in milliseconds.
type wireReport struct {
	AckTime        int64  `json:"ackTime,omitempty"`
	CloseTime      int64  `json:"closeTime,omitempty"`
	AcknowledgedBy string `json:"acknowledgedBy,omitempty"`
	ClosedBy       string `json:"closedBy,omitempty"`
}

const integrationID = "4513b7ea-3b91-438f-b7e4-e3e54af9147c"

// vendorTime is how the vendor writes times.
const vendorTime = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(vendorTime) }

func (a *alert) wire() wireAlert {
	w := wireAlert{ID: a.ID, TinyID: a.TinyID, Alias: a.Alias, Message: a.Message, Status: a.status(), Acknowledged: a.Acknowledged,
		IsSeen: a.Acknowledged, Tags: notNil(a.Tags), Count: a.Count, LastOccurredAt: stamp(a.Updated), CreatedAt: stamp(a.Created),
		UpdatedAt: stamp(a.Updated), Source: a.Source, Owner: a.owner, Priority: a.Priority, Responders: notNil(a.Responders),
		Integration: wireIntegration{integrationID, "API", "API"}}
	if a.AckAfter > 0 || a.CloseAfter > 0 {
		w.Report = &wireReport{a.AckAfter.Milliseconds(), a.CloseAfter.Milliseconds(), a.AcknowledgedBy, a.ClosedBy}
	}
	return w
}

func (a *alert) full() wireFullAlert {
	details := a.Details
	if details == nil {
		details = map[string]string{}
	}
	return wireFullAlert{a.wire(), notNil(a.Actions), a.Entity, a.Description, details}
}

func (a *alert) status() string {
	if a.Closed {
		return "closed"
	}
	return "open"
}

// notNil returns s as a list that encodes as [] and not as null.
func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// AddAlert puts an alert into the account as if it had come earlier. Nobody is told. It returns the alert's ID.
func (s *Server) AddAlert(a Alert) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.insert(a).ID
}

// Alerts returns all alerts by creation, deleted ones left out.
func (s *Server) Alerts() []Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Alert
	for _, a := range s.alerts {
		if !a.deleted {
			all = append(all, a.copy())
		}
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
	if a.Alias == "" {
		a.Alias = a.ID
	}
	if a.Priority == "" {
		a.Priority = "P3"
	}
	a.Count = max(a.Count, 1)
	a.Acknowledged, a.Closed = a.Acknowledged || a.AckAfter > 0, a.Closed || a.CloseAfter > 0
	if a.Updated.IsZero() {
		a.Updated = a.Created.Add(max(a.AckAfter, a.CloseAfter))
	}
	for i := range a.Notes {
		a.Notes[i].offset = s.nextOffset(a.Notes[i].Created)
	}
	s.alerts = append(s.alerts, a)
	return a
}

// nextOffset returns the opaque position of a note or log entry.
func (s *Server) nextOffset(at time.Time) string {
	s.serial++
	return fmt.Sprintf("%d_%d", at.UnixMilli(), s.serial)
}

// find returns the alert that an identifier of a type stands for: an alias only while its alert is open, a tiny ID the
// newest alert that has it.
func (s *Server) find(identifier, identifierType string) *alert {
	for _, a := range slices.Backward(s.alerts) {
		if a.deleted {
			continue
		}
		switch {
		case (identifierType == "" || identifierType == "id") && a.ID == identifier,
			identifierType == "alias" && a.Alias == identifier && !a.Closed,
			identifierType == "tiny" && a.TinyID == identifier:
			return a
		}
	}
	return nil
}

// validType tells whether an identifierType is one that the vendor knows.
func validType(r *http.Request) bool {
	return slices.Contains([]string{"", "id", "alias", "tiny"}, r.URL.Query().Get("identifierType"))
}

func (s *Server) getAlert(r *http.Request) answer {
	a, refused, ok := s.named(r)
	if !ok {
		return refused
	}
	return answer{status: http.StatusOK, fields: map[string]any{"data": a.full()}}
}

// named returns the alert that the path and identifierType name, or how the request is refused.
func (s *Server) named(r *http.Request) (*alert, answer, bool) {
	if !validType(r) {
		return nil, unprocessable("identifierType", "must be one of id, alias, tiny"), false
	}
	a := s.find(r.PathValue("alert"), r.URL.Query().Get("identifierType"))
	if a == nil {
		return nil, failed(http.StatusNotFound, "Alert with "+cmpOr(r.URL.Query().Get("identifierType"), "id")+" ["+r.PathValue("alert")+"] does not exist."), false
	}
	return a, answer{}, true
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
