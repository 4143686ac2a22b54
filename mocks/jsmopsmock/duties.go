package jsmopsmock

import (
	"net/http"
	"net/url"
	"time"
)

// Override is somebody who stands in for a time.
type Override struct {
	Person string // account ID
	Until  time.Time
}

// Escalation says whom to wake when nobody else answers.
type Escalation struct {
	Name   string   // as the console shows it
	People []string // account IDs, in their order
}

// AddEscalation adds an escalation to the team that owns every schedule.
func (s *Server) AddEscalation(e Escalation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.escalations = append(s.escalations, e)
}

// wireRotation is a rotation of a schedule.
//
// Source: JSM Operations API, schema Rotation.
type wireRotation struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	StartDate    time.Time         `json:"startDate"`
	Type         string            `json:"type"`
	Length       int               `json:"length"`
	Participants []wireParticipant `json:"participants"`
}

// rotations are the schedule's rotations: one, of those who take turns.
func (s *Server) rotations(c *Schedule) []wireRotation {
	people := c.Rotation
	if len(people) == 0 {
		people = c.OnCall
	}
	r := wireRotation{
		ID: s.newID(), Name: "Rotation", StartDate: s.config.Now().UTC().AddDate(0, -6, 0), Type: "weekly", Length: 1,
		Participants: []wireParticipant{},
	}
	for _, p := range people {
		r.Participants = append(r.Participants, wireParticipant{p, "user"})
	}
	return []wireRotation{r}
}

// listOverrides answers with the overrides of a schedule.
//
// Source: JSM Operations API, schema Override.
func (s *Server) listOverrides(r *http.Request, u User) answer {
	c, refused, found := s.namedSchedule(r, u)
	if !found {
		return refused
	}
	list := []any{}
	for _, o := range c.Overrides {
		list = append(list, map[string]any{
			"alias": s.newID(), "responder": wireParticipant{o.Person, "user"},
			"startDate": s.config.Now().UTC().Add(-time.Hour), "endDate": o.Until.UTC(), "rotationIds": []any{},
		})
	}
	return paged(r.URL, list)
}

// listEscalations answers with the escalations of a team.
//
// Source: JSM Operations API, schema EscalationPaginatedResponse.
func (s *Server) listEscalations(r *http.Request, _ User) answer {
	list := []any{}
	for n, e := range s.escalations {
		if r.PathValue("team") != teamID {
			break
		}
		rules := []any{}
		for _, p := range e.People {
			rules = append(rules, map[string]any{
				"condition": "if-not-acked", "notifyType": "default", "delay": 5 * n, "recipient": wireParticipant{p, "user"},
			})
		}
		list = append(list, map[string]any{"id": s.newID(), "name": e.Name, "description": "", "rules": rules, "enabled": true})
	}
	return paged(r.URL, list)
}

// paged answers with a page of a list.
func paged(u *url.URL, list []any) answer {
	p, refused, ok := pageOf(u.Query())
	if !ok {
		return refused
	}
	body := map[string]any{"values": part(list, p)}
	if p.offset+p.size < len(list) {
		body["links"] = wireLinks{next(u, u.Path, p)}
	}
	return answer{status: http.StatusOK, body: body}
}
