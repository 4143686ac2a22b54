package opsgeniemock

import (
	"net/http"
	"slices"
)

// Schedule is an on-call schedule.
type Schedule struct {
	ID       string   // chosen by the server when empty
	Name     string   // as the console shows it
	Timezone string   // empty = "UTC"
	Disabled bool     // nobody is on call then
	Team     string   // the team that it belongs to; empty = none
	OnCall   []string // e-mail addresses of those on call now
	// Rotation holds the e-mail addresses of those who take turns; empty: those on call.
	Rotation  []string
	Overrides []Override
}

// wireSchedule is a schedule as the vendor shows it.
//
// Source: opsgenie-oas, definition Schedule.
type wireSchedule struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Timezone    string `json:"timezone"`
	Enabled     bool   `json:"enabled"`
	Rotations   any    `json:"rotations"` // empty unless asked for

	OwnerTeam *wireTeam `json:"ownerTeam,omitempty"` // absent when it belongs to nobody
}

// wireTeam names a team.
//
// Source: opsgenie-oas, definition TeamMeta.
type wireTeam struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// wireParent names the schedule that an on-call answer is about.
type wireParent struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

// wireParticipant is somebody on call.
//
// Source: opsgenie-oas, definition Participant; recorded answer of Who Is On Call.
type wireParticipant struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// wireOnCall is who is on call: names only when flat, participants otherwise.
type wireOnCall struct {
	Parent       wireParent         `json:"_parent"`
	Participants *[]wireParticipant `json:"onCallParticipants,omitempty"`
	Recipients   *[]string          `json:"onCallRecipients,omitempty"`
}

// AddSchedule adds an on-call schedule and returns its ID.
func (s *Server) AddSchedule(given Schedule) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if given.ID == "" {
		given.ID = s.newID()
	}
	s.schedules = append(s.schedules, &given)
	return given.ID
}

// SetOnCall changes who is on call, by e-mail address. It panics when there is no such schedule.
func (s *Server) SetOnCall(schedule string, people ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.schedule(schedule, "id")
	if found == nil {
		panic("opsgeniemock: no schedule " + schedule)
	}
	found.OnCall = slices.Clone(people)
}

func (s *Server) schedule(identifier, identifierType string) *Schedule {
	for _, c := range s.schedules {
		if identifierType == "name" && c.Name == identifier || identifierType != "name" && c.ID == identifier {
			return c
		}
	}
	return nil
}

func (c *Schedule) wire() wireSchedule {
	w := wireSchedule{ID: c.ID, Name: c.Name, Timezone: cmpOr(c.Timezone, "UTC"), Enabled: !c.Disabled, Rotations: []string{}}
	if c.Team != "" {
		w.OwnerTeam = &wireTeam{ID: "team-of-" + c.ID, Name: c.Team}
	}
	return w
}

func (s *Server) listSchedules(r *http.Request) answer {
	list := []wireSchedule{}
	for _, c := range s.schedules {
		w := c.wire()
		if r.URL.Query().Get("expand") == "rotation" {
			w.Rotations = s.rotations(c)
		}
		list = append(list, w)
	}
	a := ok(list)
	a.fields["expandable"] = []string{"rotation"}
	return a
}

// namedSchedule returns the schedule of the path; the name of the parameter that says what it is depends on the endpoint.
func (s *Server) namedSchedule(r *http.Request, parameter string) (*Schedule, answer, bool) {
	kind := cmpOr(r.URL.Query().Get(parameter), "id")
	if kind != "id" && kind != "name" {
		return nil, unprocessable(parameter, "must be one of id, name"), false
	}
	c := s.schedule(r.PathValue("schedule"), kind)
	if c == nil {
		return nil, failed(http.StatusNotFound, "Schedule with "+kind+" ["+r.PathValue("schedule")+"] does not exist."), false
	}
	return c, answer{}, true
}

func (s *Server) getSchedule(r *http.Request) answer {
	c, refused, found := s.namedSchedule(r, "identifierType")
	if !found {
		return refused
	}
	return ok(c.wire())
}

func (s *Server) getOnCalls(r *http.Request) answer {
	c, refused, found := s.namedSchedule(r, "scheduleIdentifierType")
	if !found {
		return refused
	}
	return ok(s.onCall(c, r.URL.Query().Get("flat") == "true"))
}

func (s *Server) listOnCalls(r *http.Request) answer {
	list := []wireOnCall{}
	for _, c := range s.schedules {
		list = append(list, s.onCall(c, r.URL.Query().Get("flat") == "true"))
	}
	return ok(list)
}

func (s *Server) onCall(c *Schedule, flat bool) wireOnCall {
	w := wireOnCall{Parent: wireParent{c.ID, c.Name, !c.Disabled}}
	people := []string{}
	if !c.Disabled {
		people = append(people, c.OnCall...)
	}
	if flat {
		w.Recipients = &people
		return w
	}
	participants := []wireParticipant{}
	for _, name := range people {
		participants = append(participants, wireParticipant{s.newID(), name, "user"})
	}
	w.Participants = &participants
	return w
}
