package jiramock

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Story plays what people do. The server's own plays in the present and sends webhooks; [Server.At] plays in the past.
type Story struct {
	server *Server
	past   time.Time // zero for the present
}

// At returns a story in the past: what it plays stands in the history at that time, search knows it at once, and no
// webhook tells of it.
func (s *Server) At(when time.Time) Story {
	return Story{server: s, past: when.UTC().Truncate(time.Millisecond)}
}

func (p Story) time() time.Time {
	if p.past.IsZero() {
		return p.server.now()
	}
	return p.past
}

// act is somebody doing something at a time.
type act struct {
	by   AccountID
	at   time.Time
	lag  time.Duration
	told bool // webhooks are sent
}

// begin locks the server for one act of the person.
func (p Story) begin(as AccountID) (act, func(), error) {
	p.server.mu.Lock()
	if as != "" && p.server.users[as] == nil {
		p.server.mu.Unlock()
		return act{}, nil, unknown("user", string(as))
	}
	a := act{by: as, at: p.time(), told: p.past.IsZero()}
	if a.told {
		a.lag = p.server.config.IndexLag
	}
	return a, p.server.mu.Unlock, nil
}

// SetIndexLag changes [Config.IndexLag]: search shows every issue as it is now until what happens from now on is indexed.
func (s *Server) SetIndexLag(lag time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.IndexLag = lag
	for _, i := range s.issues {
		i.indexed = []version{{from: s.now(), issue: i.clone()}}
	}
}

// CreateRequest raises a request as the reporter. Fields are named as people see them, or by id; "Summary",
// "Description", "Labels" and "Linked issues", a list of keys, are taken too. A project without request types takes the name of an issue type.
func (p Story) CreateRequest(projectKey, typeName string, reporter AccountID, fields map[string]any) (Key, error) {
	a, done, err := p.begin(reporter)
	if err != nil {
		return "", err
	}
	defer done()
	s := p.server
	in := s.project(projectKey)
	if in == nil {
		return "", unknown("project", projectKey)
	}
	d := draft{project: in, request: in.requestType(typeName), reporter: reporter, values: map[string]any{}}
	if d.request != nil {
		typeName = d.request.IssueType
	}
	kind, known := in.issueType(typeName)
	if !known {
		return "", unknown("issue type", typeName)
	}
	d.kind, d.summary = kind, typeName
	for name, v := range fields {
		if err := s.fill(&d, name, v); err != nil {
			return "", err
		}
	}
	i, err := s.create(d, a)
	if err != nil {
		return "", err
	}
	return i.key, nil
}

// fill puts a named value into the draft.
func (s *Server) fill(d *draft, name string, v any) error {
	text, isText := v.(string)
	switch strings.ToLower(name) {
	case "summary":
		d.summary = text
	case "description":
		d.description = text
	case "labels":
		d.labels, isText = v.([]string)
	case "linked issues":
		d.linked, isText = v.([]Key)
	default:
		f := s.field(name)
		if f == nil {
			return unknown("field", name)
		}
		value, err := s.stored(f, v)
		d.values[f.id] = value
		return err
	}
	if !isText {
		return refused(fmt.Sprintf("%s does not take a %T", name, v))
	}
	return nil
}

// Edit changes fields as somebody. A nil value empties a field; all changes are one entry in the history.
func (p Story) Edit(as AccountID, key Key, fields map[string]any) error {
	return p.on(as, key, func(i *issue, a act) error {
		changes := []change{}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			c, err := p.server.namedChange(name, fields[name])
			if err != nil {
				return err
			}
			changes = append(changes, c)
		}
		p.server.apply(i, changes, a)
		return nil
	})
}

// Answer gives somebody's decision, "approve" or "decline", on the pending approval that asks them.
func (p Story) Answer(as AccountID, key Key, decision string) error {
	return p.on(as, key, func(i *issue, a act) error {
		ap := i.pending()
		if ap == nil {
			return refused("no approval is pending")
		}
		return p.server.answer(i, ap, decision, a)
	})
}

// Delegate lets somebody answer the pending approval in the place of an approver. The approver stays listed, without a
// decision of their own.
func (p Story) Delegate(key Key, from, to AccountID) error {
	return p.on(from, key, func(i *issue, a act) error {
		ap := i.pending()
		if ap == nil || !slices.Contains(ap.asked, from) {
			return refused("the person is not asked")
		}
		ap.asked = append(ap.asked, to)
		ap.step.Required = max(1, ap.required()-1)
		p.server.touch(i, a.at, a.lag)
		return nil
	})
}

// Transition moves the issue to a status as somebody, like dragging its card: by any transition that leads there,
// whatever approvals are pending.
func (p Story) Transition(as AccountID, key Key, status string) error {
	return p.on(as, key, func(i *issue, a act) error {
		if !i.project.may(as, "TRANSITION_ISSUES") {
			return refused("no permission to transition")
		}
		for _, t := range i.workflow().available(i.status.Name) {
			if t.To == status {
				p.server.move(i, status, a)
				return nil
			}
		}
		return refused(fmt.Sprintf("no transition leads from %q to %q", i.status.Name, status))
	})
}

// Comment comments as somebody; internal comments are not shown to the requester.
func (p Story) Comment(as AccountID, key Key, c NewComment) error {
	return p.on(as, key, func(i *issue, a act) error {
		p.server.comment(i, c, a)
		return nil
	})
}

// Rewrite puts another text into the comment that says what was, as somebody: its author, or whoever may edit everybody's.
func (p Story) Rewrite(as AccountID, key Key, was, body string) error {
	return p.on(as, key, func(i *issue, a act) error {
		at := slices.IndexFunc(i.comments, func(m *comment) bool { return m.body == was })
		if at < 0 {
			return unknown("comment", was)
		}
		p.server.rewrite(i, i.comments[at], body, a)
		return nil
	})
}

// NewComment is a comment to be made.
type NewComment struct {
	Body     string // plain text
	Internal bool   // kept from the requester
}

// Relate links two issues as somebody, each with the other.
func (p Story) Relate(as AccountID, key, other Key) error {
	return p.on(as, key, func(i *issue, a act) error {
		end := p.server.find(string(other))
		if end == nil {
			return unknown("issue", string(other))
		}
		p.server.relate(i, end, a)
		p.server.relate(end, i, a)
		return nil
	})
}

// Delete deletes the issue as somebody.
func (p Story) Delete(as AccountID, key Key) error {
	return p.on(as, key, func(i *issue, a act) error {
		p.server.remove(i, a)
		return nil
	})
}

// Move moves the issue to another project and returns its new key. The old one goes on leading to it.
func (p Story) Move(as AccountID, key Key, projectKey string) (Key, error) {
	var moved Key
	err := p.on(as, key, func(i *issue, a act) error {
		to := p.server.project(projectKey)
		if to == nil {
			return unknown("project", projectKey)
		}
		p.server.rehome(i, to, a)
		moved = i.key
		return nil
	})
	return moved, err
}

// on does something to an issue, locked.
func (p Story) on(as AccountID, key Key, do func(*issue, act) error) error {
	a, done, err := p.begin(as)
	if err != nil {
		return err
	}
	defer done()
	i := p.server.find(string(key))
	if i == nil {
		return unknown("issue", string(key))
	}
	return do(i, a)
}
