package opsgeniemock

import (
	"net/http"
	"time"
)

// Override is somebody who stands in for a time.
type Override struct {
	Person string // e-mail address
	Until  time.Time
}

// Escalation says whom to wake when nobody else answers.
type Escalation struct {
	Name   string   // as the console shows it
	People []string // e-mail addresses, in their order
}

// AddEscalation adds an escalation.
func (s *Server) AddEscalation(e Escalation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.escalations = append(s.escalations, e)
}

// wireRecipient is a user who takes turns, stands in, or is woken.
//
// Source: docs.opsgenie.com, Schedule API and Escalation API, sample responses.
type wireRecipient struct {
	Type     string `json:"type"`
	ID       string `json:"id"`
	Username string `json:"username"`
}

// wireRotation is a rotation of a schedule.
//
// Source: opsgenie-oas, definition ScheduleRotation.
type wireRotation struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	StartDate    time.Time       `json:"startDate"`
	EndDate      *time.Time      `json:"endDate,omitempty"`
	Type         string          `json:"type"`
	Length       int             `json:"length"`
	Participants []wireRecipient `json:"participants"`
}

// rotations are the schedule's rotations: one, of those who take turns.
func (s *Server) rotations(c *Schedule) []wireRotation {
	people := c.Rotation
	if len(people) == 0 {
		people = c.OnCall
	}
	r := wireRotation{
		ID: s.newID(), Name: "Rotation", StartDate: s.config.Now().UTC().AddDate(0, -6, 0), Type: "weekly", Length: 1,
		Participants: []wireRecipient{},
	}
	for _, p := range people {
		r.Participants = append(r.Participants, wireRecipient{"user", s.newID(), p})
	}
	return []wireRotation{r}
}

// listOverrides answers with the overrides of a schedule.
//
// Source: opsgenie-oas, definition ScheduleOverride.
func (s *Server) listOverrides(r *http.Request) answer {
	c, refused, found := s.namedSchedule(r, "scheduleIdentifierType")
	if !found {
		return refused
	}
	list := []map[string]any{}
	for _, o := range c.Overrides {
		list = append(list, map[string]any{
			"alias": s.newID(), "user": wireRecipient{"user", s.newID(), o.Person},
			"startDate": s.config.Now().UTC().Add(-time.Hour), "endDate": o.Until.UTC(), "rotations": []any{},
			"_parent": wireParent{c.ID, c.Name, !c.Disabled},
		})
	}
	return ok(list)
}

// listEscalations answers with every escalation.
//
// Source: opsgenie-oas, definitions Escalation and EscalationRule.
func (s *Server) listEscalations(*http.Request) answer {
	list := []map[string]any{}
	for _, e := range s.escalations {
		rules := []map[string]any{}
		for n, p := range e.People {
			rules = append(rules, map[string]any{
				"condition": "if-not-acked", "notifyType": "default", "delay": map[string]any{"timeAmount": 5 * n, "timeUnit": "minutes"},
				"recipient": wireRecipient{"user", s.newID(), p},
			})
		}
		list = append(list, map[string]any{"id": s.newID(), "name": e.Name, "description": "", "rules": rules})
	}
	return ok(list)
}
