package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// FindingBaselineDue says that memberships were accepted for a time that is over.
const FindingBaselineDue finding.Kind = "baseline-due"

// baselineDue points out the groups in which the acceptance of memberships has to be reviewed. Nothing is taken away for it:
// lateness decides nothing.
func (c *conclusion) baselineDue(tx *store.Tx) ([]finding.Finding, error) {
	now := c.view.observation.Now
	due, err := tx.BaselinesDue(now)
	if err != nil {
		return nil, err
	}
	var all []finding.Finding
	for id, n := range due {
		if _, ours := c.r.Policies.Catalog.Group(id); !ours {
			continue
		}
		all = append(all, finding.Finding{
			Key: finding.Key("baseline-due/" + string(id)), Kind: FindingBaselineDue, Group: id, Raised: now,
			Title: "memberships that were accepted without a ticket have to be reviewed", Detail: map[string]string{"memberships": fmt.Sprint(n)},
		})
	}
	return all, nil
}

// driftTickets opens a ticket for each membership that nothing speaks for, where policy wants it and sopd does not remove it
// by itself: people decide what it is. Many at once are one ticket for each group. Whoever gets a ticket gets no grant by it.
func (c *conclusion) driftTickets(tx *store.Tx) error {
	to := c.r.Policies.DriftTickets
	if to.Project == "" {
		return nil
	}
	byGroup := make(map[access.GroupID][]access.Membership)
	fresh := 0
	for _, m := range c.plan.Drift {
		if c.r.Policies.Catalog.Mode(m.Group) == catalog.Enforce {
			continue
		}
		event, _, err := lastEvent(tx, m, eventMemberAdded)
		if err != nil {
			return err
		}
		if _, open, err := tx.Effect(driftKey(m, event.ID)); err != nil || open {
			if err != nil {
				return err
			}
			continue
		}
		byGroup[m.Group] = append(byGroup[m.Group], m)
		fresh++
	}
	for _, id := range c.loader.managed() {
		if err := c.driftTicket(tx, byGroup[id], fresh > storm); err != nil {
			return err
		}
	}
	return nil
}

func driftKey(m access.Membership, added access.EventID) string {
	return "drift/" + string(m.Group) + "/" + string(m.User) + "/" + string(added)
}

// driftTicket queues the tickets of one group. Each membership is noted as told, whichever ticket tells of it.
func (c *conclusion) driftTicket(tx *store.Tx, members []access.Membership, together bool) error {
	if len(members) == 0 {
		return nil
	}
	var lines []string
	var keys []string
	for _, m := range members {
		event, found, err := lastEvent(tx, m, eventMemberAdded)
		if err != nil {
			return err
		}
		user, _, err := tx.User(m.User)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s (%s)", user.Login, m.User)
		if found {
			line += fmt.Sprintf(", added by %s at %s, System Log event %s", event.Actor.ID, stamp(event.Published), event.ID)
		}
		lines, keys = append(lines, line), append(keys, driftKey(m, event.ID))
	}
	if !together {
		for i := range members {
			if err := c.openDrift(tx, keys[i], c.driftText(members[i].Group, lines[i:i+1])); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.openDrift(tx, keys[0], c.driftText(members[0].Group, lines)); err != nil {
		return err
	}
	for _, key := range keys[1:] { // told of in the first
		e := change.Effect{Key: key, Kind: change.Open, Created: c.view.observation.Now, Marker: keys[0]}
		if _, err := tx.PutEffect(e); err != nil {
			return err
		}
		if err := tx.EffectDone(key, c.view.observation.Now); err != nil {
			return err
		}
	}
	return nil
}

func (c *conclusion) driftText(id access.GroupID, lines []string) ticket.New {
	group, _ := c.r.Policies.Catalog.Group(id)
	to := c.r.Policies.DriftTickets
	return ticket.New{
		Project: to.Project, Type: to.Type, Summary: fmt.Sprintf("Access without a ticket: %d in %s", len(lines), group.Name),
		Description: fmt.Sprintf("In %s (%s) of %s are people for whom no ticket, no baseline and no rule speaks. "+
			"sopd has changed nothing. Have the access requested and approved, or take it away.\n%s", group.Name, id, group.System, bullets(lines)),
		Labels: []string{"sopd-drift"},
	}
}

func (c *conclusion) openDrift(tx *store.Tx, key string, n ticket.New) error {
	n.Marker = "sopd-" + fingerprint(key)
	_, err := tx.PutEffect(change.Effect{Key: key, Kind: change.Open, Created: c.view.observation.Now.Truncate(time.Millisecond), New: &n})
	return err
}

// review returns what the way in asks people to look at.
func (c *conclusion) review(tx *store.Tx) ([]finding.Finding, error) {
	due, err := c.baselineDue(tx)
	return slices.Concat(due, c.gaps()), err
}
