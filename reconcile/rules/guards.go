package rules

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// body decodes the body of a record.
func body[T any](r ledger.Record) (value T, ok bool) {
	text, isText := r.Body.(json.RawMessage)
	return value, isText && json.Unmarshal(text, &value) == nil
}

// guards is rule 4: what a guard had stopped was written only after somebody had let exactly that plan through, once, and
// nothing was written beyond the limits otherwise.
func (c *checker) guards() error {
	used := c.uses()
	plans := make(map[string][]change.Change)
	for _, ch := range c.changes {
		plans[ch.Plan] = append(plans[ch.Plan], ch)
		if c.held(ch, used) {
			c.broken(4, "%s was written while its plan was held", ch.ID)
		}
	}
	for hash, changes := range plans {
		if len(used[hash]) > 0 {
			continue
		}
		c.within(changes)
	}
	c.rolling(used)
	c.floors(used)
	return nil
}

// uses returns when each plan was let through, by its hash, and holds each use against the approval before it.
func (c *checker) uses() map[string][]time.Time {
	used := make(map[string][]time.Time)
	approved := make(map[hold.ID]hold.Hold)
	times := make(map[hold.ID]int)
	for _, r := range c.records {
		h, ok := body[hold.Hold](r)
		if !ok {
			continue
		}
		switch r.Kind {
		case ledger.HoldApproved:
			approved[h.ID] = h
		case ledger.HoldUsed:
			times[h.ID]++
			used[h.PlanHash] = append(used[h.PlanHash], r.At)
			a, known := approved[h.ID]
			switch {
			case !known || a.ApprovedBy == "":
				c.broken(4, "hold %s was used without an approval", h.ID)
			case a.PlanHash != h.PlanHash:
				c.broken(4, "hold %s was used for another plan", h.ID)
			case !r.At.Before(h.Expires):
				c.broken(4, "hold %s was used after it had expired", h.ID)
			case times[h.ID] > 1:
				c.broken(4, "hold %s was used %d times", h.ID, times[h.ID])
			}
		default: // not about the use of a hold
		}
	}
	return used
}

// held reports whether the change's plan was stopped before it, and not let through since. A hold that has run out stops
// nothing any more; the guards do.
func (c *checker) held(ch change.Change, used map[string][]time.Time) bool {
	var stopped time.Time
	for _, h := range c.holds {
		stands := !h.Made.After(ch.Intended) && ch.Intended.Before(h.Expires)
		if h.Kind == hold.Guarded && h.PlanHash == ch.Plan && stands && h.Made.After(stopped) {
			stopped = h.Made
		}
	}
	if stopped.IsZero() {
		return false
	}
	return !slices.ContainsFunc(used[ch.Plan], func(at time.Time) bool { return !at.Before(stopped) && !at.After(ch.Intended) })
}

// within holds a plan against the limits that do not depend on what was there before it. A plan hash may come back on
// another day, so what was written under it is counted by days.
func (c *checker) within(changes []change.Change) {
	limits := c.set.Guards
	var removed, added []change.Change
	people := make(map[access.UserID]bool)
	first := changes[0].Intended
	for _, ch := range changes {
		if ch.Intended.Sub(first) > time.Hour {
			break
		}
		switch ch.Kind {
		case change.RemoveMember:
			removed = append(removed, ch)
		case change.AddMember:
			added = append(added, ch)
		default:
			people[ch.User] = true
		}
	}
	for _, limit := range []struct {
		name  guard.Name
		n     int
		limit int
	}{
		{guard.Number, distinctMemberships(removed), limits.Removals},
		{guard.AddNumber, distinctMemberships(added), limits.Additions},
		{guard.PeopleNumber, len(people), limits.People},
	} {
		if limit.limit != guard.Off && limit.n > limit.limit {
			c.broken(4, "plan %.12s wrote %d, guard %s allows %d", changes[0].Plan, limit.n, limit.name, limit.limit)
		}
	}
}

func distinctMemberships(changes []change.Change) int {
	seen := make(map[access.Membership]bool)
	for _, ch := range changes {
		seen[ch.Membership()] = true
	}
	return len(seen)
}

// rolling holds every removal that nobody let through against the number within the hour that ends with it.
func (c *checker) rolling(used map[string][]time.Time) {
	limit := c.set.Guards.RemovalsPerHour
	if limit == guard.Off {
		return
	}
	var window []change.Change
	for _, ch := range c.changes {
		if ch.Kind != change.RemoveMember || ch.State == change.Refused {
			continue
		}
		window = append(window, ch)
		window = slices.DeleteFunc(window, func(x change.Change) bool { return ch.Intended.Sub(x.Intended) >= time.Hour })
		if len(used[ch.Plan]) == 0 && len(window) > limit {
			c.broken(4, "%s was removal %d within an hour, allowed are %d", ch.ID, len(window), limit)
		}
	}
}

// floors plays the System Log backwards from the members that are there now, and holds each of sopd's own removals
// against what had to stay.
func (c *checker) floors(used map[string][]time.Time) {
	sizes := make(map[access.GroupID]int)
	for group, ids := range c.truth.Members {
		sizes[group] = len(ids)
	}
	for _, e := range slices.Backward(c.truth.Events) {
		if !e.Succeeded || e.Type != eventAdded && e.Type != eventRemoved {
			continue
		}
		for _, group := range e.Groups {
			if e.Type == eventAdded {
				sizes[group]--
				continue
			}
			c.floor(e, group, sizes[group], used)
			sizes[group]++
		}
	}
}

func (c *checker) floor(e access.Event, group access.GroupID, left int, used map[string][]time.Time) {
	managed, ours := c.set.Catalog.Group(group)
	if !ours || e.Actor.ID != c.truth.Actor || left >= managed.Floor {
		return
	}
	letThrough := slices.ContainsFunc(c.changes, func(ch change.Change) bool {
		return ch.Kind == change.RemoveMember && ch.Group == group && slices.Contains(e.Users, ch.User) && len(used[ch.Plan]) > 0
	})
	if !letThrough {
		c.broken(4, "event %s left %d members in group %s, at least %d have to stay", e.ID, left, group, managed.Floor)
	}
}
