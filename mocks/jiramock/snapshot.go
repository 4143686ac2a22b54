package jiramock

import (
	"slices"
	"strconv"
	"time"
)

// Snapshot is an issue as it stands, for a test to look at.
type Snapshot struct {
	ID          string   // the number, as text
	Key         Key      // the present one
	Status      string   // by name
	Summary     string   // the issue's title
	Description string   // as plain text
	Labels      []string // in the order they were set
	Reporter    AccountID
	Updated     time.Time
	Resolved    time.Time // zero while open
	// Values holds the custom fields that are not empty, by name.
	Values      map[string]any
	Edits       int               // entries of the history
	Properties  map[string]string // as JSON, by key
	Attachments []File            // oldest first
	Links       []string          // global ids of remote links
	// Approvals are the final decisions, oldest first.
	Approvals []string
}

// File is an attachment.
type File struct {
	Name string // as sent
	Data []byte // as sent
}

// Remark is a comment as it stands.
type Remark struct {
	By     AccountID // who wrote it
	Body   string    // as plain text
	Public bool      // the requester sees it
	At     time.Time // when it was made
}

// Issue returns the issue; ok is false when there is none.
func (s *Server) Issue(key Key) (snapshot Snapshot, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(string(key))
	if i == nil {
		return Snapshot{}, false
	}
	out := Snapshot{
		ID: strconv.Itoa(i.id), Key: i.key, Status: i.status.Name, Summary: i.summary, Description: i.description, Labels: slices.Clone(i.labels),
		Reporter: i.reporter, Updated: i.updated, Resolved: i.resolved, Values: map[string]any{}, Edits: len(i.history),
		Properties: map[string]string{},
	}
	for _, f := range s.fields {
		if v, set := i.values[f.id]; set {
			out.Values[f.name] = v
		}
	}
	for name, raw := range i.properties {
		out.Properties[name] = string(raw)
	}
	for _, a := range i.attachments {
		out.Attachments = append(out.Attachments, File{a.name, slices.Clone(a.data)})
	}
	for _, l := range i.links {
		out.Links = append(out.Links, l.globalID)
	}
	for _, ap := range i.approvals {
		out.Approvals = append(out.Approvals, ap.decision)
	}
	return out, true
}

// Comments lists the issue's comments, oldest first.
func (s *Server) Comments(key Key) []Remark {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(string(key))
	if i == nil {
		return nil
	}
	var out []Remark
	for _, c := range i.comments {
		out = append(out, Remark{By: c.by, Body: c.body, Public: c.public, At: c.at})
	}
	return out
}

// Issues lists the keys of every issue, in the order of their creation.
func (s *Server) Issues() []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Key
	for _, i := range s.issues {
		if !i.deleted {
			out = append(out, i.key)
		}
	}
	return out
}
