package incident

import (
	"fmt"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// View is what the severity tree may look at.
type View struct {
	Priority string            // of the most urgent alert, "P1" to "P5"; empty for none
	Source   string            // of the first alert
	Title    string            // of the ticket, else of the first alert
	Tags     []string          // of all alerts, in small letters
	Details  map[string]string // of all alerts; the first that has a name counts
	Ticket   TicketView
}

// TicketView is what the tree sees of the ticket; empty without one.
type TicketView struct {
	Priority string            // by name
	Type     string            // the issue type
	Labels   []string          // as Jira has them
	Fields   map[string]string // the mapped fields, as text
}

// Condition reports whether a branch of the tree holds.
//
// Errors: when the view lacks what the condition needs.
type Condition func(View) (bool, error)

// Branch is one question of the severity tree.
type Branch struct {
	Severity Severity
	When     Condition // nil: always
	Reason   string    // for people
}

// Tree is the questions in their order; the first that holds decides.
type Tree []Branch

// Judge returns the severity and its reason. A condition that cannot be answered does not hold, and the reason says so. When
// nothing holds, the incident is [High]: what nobody has thought of is not for the small hours to find out.
func (t Tree) Judge(v View) (Severity, string) {
	var unanswered []string
	because := func(reason string) string {
		if len(unanswered) == 0 {
			return reason
		}
		return reason + " (not to be answered: " + strings.Join(unanswered, "; ") + ")"
	}
	for _, b := range t {
		if b.When == nil {
			return b.Severity, because(b.Reason)
		}
		holds, err := b.When(v)
		if err != nil {
			unanswered = append(unanswered, b.Reason)
			continue
		}
		if holds {
			return b.Severity, because(b.Reason)
		}
	}
	return High, because("no question of the severity tree holds")
}

// See returns what the tree may look at.
func See(alerts []Alert, t *ticket.Ticket) View {
	v := View{Details: map[string]string{}, Ticket: TicketView{Fields: map[string]string{}}}
	most := paging.Priority(0)
	for i, a := range alerts {
		if i == 0 {
			v.Source, v.Title = a.Source, a.Message
		}
		if a.Priority != 0 && (most == 0 || a.Priority < most) {
			most = a.Priority
		}
		for _, tag := range a.Tags {
			v.Tags = append(v.Tags, strings.ToLower(tag))
		}
		for name, value := range a.Details {
			if _, taken := v.Details[name]; !taken {
				v.Details[name] = value
			}
		}
	}
	v.Priority = most.String()
	if t == nil {
		return v
	}
	v.Title = t.Summary
	v.Ticket.Priority, v.Ticket.Type, v.Ticket.Labels = t.Priority, t.Type, t.Labels
	for name, value := range t.Fields {
		v.Ticket.Fields[name] = strings.Join(value.Texts, ", ")
	}
	return v
}

// StepKind is what a step of a playbook does.
type StepKind string

// The kinds of step.
const (
	EndSessions StepKind = "clear-sessions"
	SuspendUser StepKind = "suspend"
	// LeaveGroups takes the user out of every group that sopd manages.
	LeaveGroups StepKind = "remove-from-groups"
	// LeaveNamed takes the user out of the group that the alert names; when it names no user, everybody.
	LeaveNamed StepKind = "remove-from-named-group"
)

// StepKinds lists the kinds of step.
func StepKinds() []StepKind { return []StepKind{EndSessions, SuspendUser, LeaveGroups, LeaveNamed} }

// Playbook is a way to contain an incident.
type Playbook struct {
	Name  string     // by which people ask for it
	Steps []StepKind // in the order in which they are listed; which is done first is the plan's to say
}

// Target is whom an incident is about, as its alerts name them, and what is known of their access.
type Target struct {
	User   access.UserID // empty: only a group is named
	Status access.UserStatus
	Group  access.GroupID                     // empty: none is named
	Held   []access.GroupID                   // managed groups that the user is in, sorted
	In     map[access.GroupID][]access.UserID // members of the named group
	// Barred says why sopd does not change the members of a group; empty: it does.
	Barred map[access.GroupID]string
}

// Expand returns what the playbook does to the target, with what is left to people.
//
// Errors: [access.ErrInvalid] when the alert names too little.
func (p Playbook) Expand(t Target) ([]Step, error) {
	var steps []Step
	for _, kind := range p.Steps {
		switch kind {
		case EndSessions, SuspendUser:
			if t.User == "" {
				return nil, fmt.Errorf("playbook %s is about a user and no alert names one: %w", p.Name, access.ErrInvalid)
			}
			steps = append(steps, aboutUser(kind, t))
		case LeaveGroups:
			if t.User == "" {
				return nil, fmt.Errorf("playbook %s is about a user and no alert names one: %w", p.Name, access.ErrInvalid)
			}
			for _, g := range t.Held {
				steps = append(steps, Step{Kind: change.RemoveMember, User: t.User, Group: g, Left: t.Barred[g]})
			}
		case LeaveNamed:
			if t.Group == "" {
				return nil, fmt.Errorf("playbook %s is about a group and no alert names one: %w", p.Name, access.ErrInvalid)
			}
			for _, user := range t.named() {
				steps = append(steps, Step{Kind: change.RemoveMember, User: user, Group: t.Group, Left: t.Barred[t.Group]})
			}
		}
	}
	return once(steps), nil
}

// named returns those of the named group whom the playbook is about.
func (t Target) named() []access.UserID {
	if t.User != "" {
		return []access.UserID{t.User}
	}
	return t.In[t.Group]
}

func aboutUser(kind StepKind, t Target) Step {
	s := Step{Kind: change.ClearSessions, User: t.User}
	if kind == SuspendUser {
		s.Kind = change.Suspend
	}
	switch {
	case t.Status == access.Deprovisioned:
		s.Done = true // there is nothing left to end or to suspend
	case s.Kind == change.Suspend && t.Status == access.Suspended:
		s.Done = true
	case s.Kind == change.Suspend && t.Status != access.Active:
		s.Left = "Okta suspends only users that are active; this one is " + string(t.Status)
	}
	return s
}

// once leaves out a step that stands before.
func once(steps []Step) []Step {
	type same struct {
		kind  change.Kind
		user  access.UserID
		group access.GroupID
	}
	seen := map[same]bool{}
	var kept []Step
	for _, s := range steps {
		key := same{s.Kind, s.User, s.Group}
		if !seen[key] {
			seen[key], kept = true, append(kept, s)
		}
	}
	return kept
}
