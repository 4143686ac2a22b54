package reconcile

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// FactReturned says that somebody does not leave after all: the account is active again, or the ticket no longer asks for it.
// A clock that waits for the end of their access would run for ever.
const FactReturned = "leaver.returned"

// cursorDepartures is where the leavers are kept whose clocks run.
const cursorDepartures = "leavers.clocked"

// departure is a leaver whose clock runs.
type departure struct {
	Subject string        `json:"subject"`
	User    access.UserID `json:"user"`
	Ticket  ticket.Key    `json:"ticket,omitempty"` // empty: deactivated in Okta
}

func loadDepartures(tx *store.Tx) ([]departure, error) {
	var all []departure
	kept, _, _, err := tx.Cursor(cursorDepartures)
	if err != nil || kept == "" {
		return nil, err
	}
	return all, json.Unmarshal([]byte(kept), &all)
}

// returns ends the clocks of those who do not leave after all, and forgets those that have stopped. begun are the leavers of
// this pass, whose clocks run from now on.
func (c *conclusion) returns(tx *store.Tx, begun []departure) error {
	known, err := loadDepartures(tx)
	if err != nil {
		return err
	}
	var running []departure
	for _, d := range append(known, begun...) {
		if slices.Contains(running, d) {
			continue
		}
		runs, err := c.runs(tx, d)
		if err != nil {
			return err
		}
		if runs {
			running = append(running, d)
		}
	}
	if slices.Equal(known, running) {
		return nil
	}
	text, err := json.Marshal(running)
	if err != nil {
		return err
	}
	return tx.SetCursor(cursorDepartures, access.Cursor(text), c.view.observation.Now)
}

// runs reports whether the leaver's clock still runs. It ends it when they have returned.
func (c *conclusion) runs(tx *store.Tx, d departure) (bool, error) {
	facts, err := tx.Facts(d.Subject)
	if err != nil || slices.ContainsFunc(facts, func(f kpi.Fact) bool { return f.Name == FactRemoved || f.Name == FactReturned }) {
		return false, err
	}
	returned, at, err := c.returned(tx, d)
	if err != nil || !returned {
		return true, err
	}
	return false, putFact(tx, observed{subject: d.Subject, name: FactReturned, at: at, ticket: d.Ticket}, c.view.observation.Now)
}

// returned reports whether the leaver does not leave after all, and since when. Who or what cannot be read has not returned.
func (c *conclusion) returned(tx *store.Tx, d departure) (bool, time.Time, error) {
	now := c.view.observation.Now
	if d.Ticket == "" {
		user, known, err := tx.User(d.User)
		if err != nil || !known || user.Status == access.Deprovisioned {
			return false, time.Time{}, err
		}
		if at := user.StatusChanged; !at.IsZero() && at.Before(now) {
			return true, at, nil
		}
		return true, now, nil
	}
	if c.loader.bad[d.Ticket] {
		return false, time.Time{}, nil
	}
	for _, j := range c.view.cases {
		if j.ticket.Key == d.Ticket {
			return !j.proven() && !j.undecided, now, nil
		}
	}
	t, _, found, err := tx.Ticket(d.Ticket)
	return found && t.Done, now, err
}
