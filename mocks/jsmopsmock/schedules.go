package jsmopsmock

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
	OnCall   []string // account IDs of those on call now
	// Rotation holds the account IDs of those who take turns; empty: those on call.
	Rotation  []string
	Overrides []Override
}

// wireSchedule is a schedule as the vendor shows it.
//
// Source: JSM Operations API, schema Schedule.
type wireSchedule struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Timezone    string `json:"timezone"`
	Enabled     bool   `json:"enabled"`
	TeamID      string `json:"teamId"`
	// Rotations are there only when they are asked for.
	Rotations []wireRotation `json:"rotations,omitempty"`
}

// wireParticipant is somebody on call.
//
// Source: JSM Operations API, schema OnCallParticipant.
type wireParticipant struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

const teamID = "cd68207b-c55d-4611-ab25-72fd0c439e9f"

// AddSchedule adds an on-call schedule and returns its ID.
func (s *Server) AddSchedule(given Schedule) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	given.ID = cmpOr(given.ID, s.newID())
	s.schedules = append(s.schedules, &given)
	return given.ID
}

// SetOnCall changes who is on call, by account ID. It panics when there is no such schedule.
func (s *Server) SetOnCall(schedule string, people ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.schedule(schedule)
	if found == nil {
		panic("jsmopsmock: no schedule " + schedule)
	}
	found.OnCall = slices.Clone(people)
}

func (s *Server) schedule(id string) *Schedule {
	for _, c := range s.schedules {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (c *Schedule) wire() wireSchedule {
	return wireSchedule{ID: c.ID, Name: c.Name, Timezone: cmpOr(c.Timezone, "UTC"), Enabled: !c.Disabled, TeamID: teamID}
}

// listSchedules answers with a page of the schedules: an empty one to a user who is in no team.
func (s *Server) listSchedules(r *http.Request, u User) answer {
	p, refused, ok := pageOf(r.URL.Query())
	if !ok {
		return refused
	}
	seen := s.schedules
	if u.Blind {
		seen = nil
	}
	list := []wireSchedule{}
	for _, c := range part(seen, p) {
		w := c.wire()
		if r.URL.Query().Get("expand") == "rotation" {
			w.Rotations = s.rotations(c)
		}
		list = append(list, w)
	}
	body := map[string]any{"values": list, "_expands": []string{"rotation"}}
	if p.offset+p.size < len(seen) {
		body["links"] = wireLinks{next(r.URL, "/v1/schedules", p)}
	}
	return answer{status: http.StatusOK, body: body}
}

// namedSchedule returns the schedule of the path, which takes its ID only, or how the request is refused.
func (s *Server) namedSchedule(r *http.Request, u User) (*Schedule, answer, bool) {
	c := s.schedule(r.PathValue("schedule"))
	switch {
	case c == nil:
		return nil, restFailed(http.StatusNotFound, "No schedule exists with this ID"), false
	case u.Blind:
		return nil, restFailed(http.StatusForbidden, "You are not allowed to see this schedule"), false
	default:
		return c, answer{}, true
	}
}

func (s *Server) getSchedule(r *http.Request, u User) answer {
	c, refused, found := s.namedSchedule(r, u)
	if !found {
		return refused
	}
	return answer{status: http.StatusOK, body: c.wire()}
}

// getOnCalls answers with account IDs when flat is asked for, with participants otherwise.
//
// Source: JSM Operations API, schemas OnCallUsers and OnCallParticipants.
func (s *Server) getOnCalls(r *http.Request, u User) answer {
	c, refused, found := s.namedSchedule(r, u)
	if !found {
		return refused
	}
	people := []string{}
	if !c.Disabled {
		people = append(people, c.OnCall...)
	}
	if r.URL.Query().Get("flat") == "true" {
		return answer{status: http.StatusOK, body: map[string][]string{"onCallUsers": people}}
	}
	participants := []wireParticipant{}
	for _, id := range people {
		participants = append(participants, wireParticipant{id, "user"})
	}
	return answer{status: http.StatusOK, body: map[string][]wireParticipant{"onCallParticipants": participants}}
}
