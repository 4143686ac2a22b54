package incidents

import (
	"fmt"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// Decision is the body of a playbook.step entry: on whose word, for which incident, what is done.
type Decision struct {
	Incident incident.ID   `json:"incident"`
	Playbook string        `json:"playbook"` // by name
	Step     change.Kind   `json:"step"`     // what is done; to whom stands in the entry
	By       access.UserID `json:"by"`       // who confirmed it
	Order    string        `json:"order"`    // where
	Policy   string        `json:"policy"`   // SOP@version
}

// contain takes on a playbook that somebody has confirmed, or says why not. What it decides is recorded before anything is
// demanded.
func (g *ingestion) contain(out *incident.Outcome, s incident.Sight, o incident.Judged) error {
	r := &out.Record
	r.Handled[o.Ref] = true
	refuse := func(format string, args ...any) {
		text := "Not done: " + fmt.Sprintf(format, args...) + "."
		out.Replies = append(out.Replies, incident.Reply{Order: o.Order, Text: text})
		r.Doubt(incident.Flag{Kind: incident.Refused, Ref: o.Ref, Text: text, At: g.round.Now})
	}
	policy := g.stage.policy.Containment
	book, known := playbook(policy.Playbooks, o.Command.Playbook)
	switch {
	case !o.Edited.IsZero():
		refuse("the comment was changed after it had been written, and such a comment confirms nothing; write a new one")
		return nil
	case o.By == "" || !o.Authorised:
		refuse("a playbook is run only on the word of somebody whom the policy authorises, written where the policy accepts it")
		return nil
	case g.round.Now.Sub(o.At) > policy.Within:
		refuse("this was written more than %s before it was read; write it again if it still holds", policy.Within)
		return nil
	case r.Reached(incident.Closed):
		refuse("the incident is closed")
		return nil
	case !known:
		refuse("there is no such playbook; there are: %s", names(policy.Playbooks))
		return nil
	}
	target, why, err := g.target(s, r.ID)
	if err != nil {
		return err
	}
	if why == "" && target.User == o.By {
		why = "nobody confirms a playbook for their own account"
	}
	if why != "" {
		refuse("%s", why)
		return nil
	}
	steps, err := book.Expand(target)
	if err != nil {
		refuse("playbook %s needs a user or a group that no alert of this incident names", book.Name)
		return nil //nolint:nilerr // said to whoever confirmed it
	}
	run := incident.Run{Ref: o.Ref, Playbook: book.Name, By: o.By, At: g.round.Now.UTC(), User: target.User, Group: target.Group, Steps: g.guarded(steps)}
	r.Runs = append(r.Runs, run)
	return g.decide(*r, run)
}

func playbook(books []incident.Playbook, name string) (incident.Playbook, bool) {
	for _, b := range books {
		if name == "" || b.Name == name {
			return b, true
		}
	}
	return incident.Playbook{}, false
}

func names(books []incident.Playbook) string {
	var all []string
	for _, b := range books {
		all = append(all, b.Name)
	}
	return strings.Join(all, ", ")
}

// guarded leaves to people what concerns protected users, and accounts where the policy only observes.
func (g *ingestion) guarded(steps []incident.Step) []incident.Step {
	for i := range steps {
		step := &steps[i]
		switch {
		case step.Done || step.Left != "":
		case g.protected(step.User):
			step.Left = "the user is protected by policy"
		case step.Kind != change.RemoveMember && !g.stage.policy.Containment.Mode.Writes():
			step.Left = "policy lets sopd only observe; somebody has to do it by hand"
		}
	}
	return steps
}

func (g *ingestion) protected(user access.UserID) bool {
	return user == g.stage.Self() || slices.Contains(g.stage.Policies.Guards.ProtectedUsers, user)
}

// decide records each step that is going to be demanded.
func (g *ingestion) decide(r incident.Record, run incident.Run) error {
	for _, step := range run.Steps {
		if step.Done || step.Left != "" {
			continue
		}
		err := record(g.tx, ledger.Entry{
			Kind: ledger.PlaybookStep, At: g.round.Now, Ticket: r.Ticket, User: step.User, Group: step.Group, Body: Decision{
				Incident: r.ID, Playbook: run.Playbook, Step: step.Kind, By: run.By, Order: run.Ref, Policy: g.stage.policy.ID,
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// target finds out whom the alerts of the incident name. why says, for people, why it is nobody.
func (g *ingestion) target(s incident.Sight, id incident.ID) (t incident.Target, why string, err error) {
	users, groups := map[string]bool{}, map[string]bool{}
	for _, a := range s.Alerts {
		if string(a.Alias) == id.Marker() { // sopd's own
			continue
		}
		if name := strings.TrimSpace(a.Details[g.stage.policy.UserDetail]); name != "" {
			users[name] = true
		}
		if name := strings.TrimSpace(a.Details[g.stage.policy.GroupDetail]); name != "" {
			groups[name] = true
		}
	}
	switch {
	case len(users) > 1 || len(groups) > 1:
		return t, "the alerts of this incident name more than one user or group; do it by hand", nil
	case len(users)+len(groups) == 0:
		return t, "no alert of this incident names a user or a group", nil
	}
	for name := range users {
		if why, err := g.targetUser(&t, name); err != nil || why != "" {
			return t, why, err
		}
	}
	for name := range groups {
		if why, err := g.targetGroup(&t, name); err != nil || why != "" {
			return t, why, err
		}
	}
	return t, "", g.bar(&t)
}

func (g *ingestion) targetUser(t *incident.Target, name string) (why string, err error) {
	user, found := access.User{}, false
	if id, bad := access.ParseUserID(name); bad == nil {
		if user, found, err = g.tx.User(id); err != nil {
			return "", err
		}
	}
	if !found && strings.Contains(name, "@") {
		one, unknown := g.people.Named(name)
		if err := g.people.Err(); err != nil {
			return "", err
		}
		user, found = one, unknown == nil
	}
	switch {
	case !found:
		return "the user whom the alert names is not known in Okta", nil
	case g.protected(user.ID):
		return "the user whom the alert names is protected by policy; somebody has to do it by hand", nil
	}
	t.User, t.Status = user.ID, user.Status
	held, err := g.tx.MembershipsOf(user.ID)
	for _, m := range held {
		if _, managed := g.stage.Policies.Catalog.Group(m.Group); managed {
			t.Held = append(t.Held, m.Group)
		}
	}
	slices.Sort(t.Held)
	return "", err
}

func (g *ingestion) targetGroup(t *incident.Target, name string) (why string, err error) {
	id, bad := access.ParseGroupID(name)
	if _, managed := g.stage.Policies.Catalog.Group(id); bad != nil || !managed {
		return "the group that the alert names is not one that sopd manages", nil //nolint:nilerr // it is said instead
	}
	members, _, known, err := g.tx.Members(id)
	if err != nil || !known {
		return "the group that the alert names could not be read", err
	}
	t.Group, t.In = id, map[access.GroupID][]access.UserID{id: members}
	return "", nil
}

// bar finds the groups whose members sopd may not change.
func (g *ingestion) bar(t *incident.Target) error {
	t.Barred = map[access.GroupID]string{}
	fed := map[access.GroupID]bool{}
	rules, err := g.tx.Rules()
	if err != nil {
		return err
	}
	for _, rule := range rules {
		for _, id := range rule.Groups {
			fed[id] = fed[id] || rule.Active
		}
	}
	groups := slices.Clone(t.Held)
	if t.Group != "" {
		groups = append(groups, t.Group)
	}
	for _, id := range groups {
		group, found, err := g.tx.Group(id)
		switch {
		case err != nil:
			return err
		case !found || group.Type != access.OktaGroup:
			t.Barred[id] = "the group's members are owned by an application or by Okta"
		case fed[id]:
			t.Barred[id] = "the group is fed by an Okta rule; take the user out of what the rule looks at"
		case !g.stage.Policies.Catalog.Mode(id).Writes():
			t.Barred[id] = "the system is only observed by sopd; somebody has to do it by hand"
		}
	}
	return nil
}
