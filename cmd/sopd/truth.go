package main

import (
	"context"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/maisonrmi/sopd/mocks/world"
	"github.com/maisonrmi/sopd/reconcile/rules"
)

// witness looks at the simulated vendors from behind, not through sopd, and lets the rules be judged by what is there.
type witness struct {
	world  *world.World
	groups []access.Group
	fed    map[access.GroupID]time.Time
	// worst keeps the first breach of each rule: what was broken once stays broken.
	worst []rules.Verdict
}

// newWitness learns the groups and rules, which no story changes, while every vendor is well.
func newWitness(ctx context.Context, w *world.World, d *daemon) (*witness, error) {
	groups, err := d.okta.Groups(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the groups: %w", err)
	}
	active, err := d.okta.Rules(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the group rules: %w", err)
	}
	fed := make(map[access.GroupID]time.Time)
	for _, rule := range active {
		for _, g := range rule.Groups {
			if rule.Active {
				fed[g] = time.Time{}
			}
		}
	}
	return &witness{world: w, groups: groups, fed: fed}, nil
}

// judge checks every rule that can be checked, and remembers what was broken.
func (v *witness) judge(ctx context.Context, d *daemon) error {
	truth := v.truth()
	return d.store.Read(ctx, func(tx *store.Tx) error {
		found, err := rules.Check(tx, truth, d.policies)
		if err != nil {
			return err
		}
		for i, was := range v.worst {
			if !was.Kept {
				found[i] = was
			}
		}
		v.worst = found
		return nil
	})
}

func (v *witness) truth() rules.Truth {
	t := rules.Truth{
		At: time.Now(), Actor: v.world.Okta.TokenOwner(), Groups: v.groups, Fed: v.fed,
		Members: make(map[access.GroupID][]access.UserID), Comments: make(map[ticket.Key][]ticket.Comment),
	}
	known := make(map[access.UserID]bool)
	for _, g := range v.groups {
		for _, id := range v.world.Okta.Members(string(g.ID)) {
			t.Members[g.ID] = append(t.Members[g.ID], access.UserID(id))
			known[access.UserID(id)] = true
		}
	}
	for _, e := range v.world.Okta.Log() {
		t.Events = append(t.Events, eventOf(e))
	}
	for id := range known {
		if u, ok := v.world.Okta.User(string(id)); ok {
			t.Users = append(t.Users, access.User{
				ID: id, Login: u.Login, Email: u.Login, Name: u.FirstName + " " + u.LastName,
				Status: access.UserStatus(u.Status), StatusChanged: u.StatusChanged, Profile: texts(u.Profile),
			})
		}
	}
	for _, key := range v.world.Jira.Issues() {
		for _, c := range v.world.Jira.Comments(key) {
			t.Comments[ticket.Key(key)] = append(t.Comments[ticket.Key(key)], ticket.Comment{
				Author: ticket.AccountID(c.By), Body: c.Body, Created: c.At, Public: c.Public,
			})
		}
	}
	return t
}

// texts keeps the attributes that are text.
func texts(profile map[string]any) map[string]string {
	kept := make(map[string]string, len(profile))
	for name, value := range profile {
		if text, ok := value.(string); ok {
			kept[name] = text
		}
	}
	return kept
}

func eventOf(e oktamock.Event) access.Event {
	out := access.Event{
		ID: access.EventID(e.UUID), Published: e.Published, Type: e.Type, Actor: access.Actor{ID: e.Actor.ID, Type: e.Actor.Type},
		Succeeded: e.Result == "SUCCESS", Reason: e.Reason, Transaction: e.Transaction,
	}
	for _, target := range e.Targets {
		switch target.Type {
		case "User":
			out.Users = append(out.Users, access.UserID(target.ID))
		case "UserGroup":
			out.Groups = append(out.Groups, access.GroupID(target.ID))
		}
	}
	return out
}
