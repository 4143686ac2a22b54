package jira

import (
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// withCanary asks for the canary beside the rest. Jira answers an account that may see nothing, or that it no longer knows,
// with status 200 and nothing: an answer in which a ticket is missing that is known to be there is not the truth.
//
// Errors: [access.ErrInvalid].
func (q Query) withCanary(jql string) (string, error) {
	if q.Canary == "" {
		return jql, nil
	}
	if _, err := ticket.ParseKey(string(q.Canary)); err != nil {
		return "", fmt.Errorf("canary: %w", err)
	}
	return "(" + jql + ") OR key = " + quoted([]string{string(q.Canary)}), nil
}

// canaryFound looks for the canary and takes it out of what was found, unless it was asked for besides. One that cannot be
// understood was found all the same.
//
// Errors: [access.ErrIncomplete].
func (q Query) canaryFound(found map[ticket.ID]candidate, bad []BadTicket) error {
	if q.Canary == "" {
		return nil
	}
	for id, c := range found {
		if c.ticket.Key != q.Canary {
			continue
		}
		if !q.describes(c.ticket) {
			delete(found, id)
		}
		return nil
	}
	if slices.ContainsFunc(bad, func(b BadTicket) bool { return b.Key == q.Canary }) {
		return nil
	}
	return fmt.Errorf("canary ticket is missing: %w", access.ErrIncomplete)
}

// describes reports whether the query asks for the ticket apart from its being the canary.
func (q Query) describes(t ticket.Ticket) bool {
	return slices.Contains(q.Projects, t.Project) && (len(q.Types) == 0 || slices.Contains(q.Types, t.Type)) &&
		(q.Since.IsZero() || !t.Updated.Before(q.Since)) && (!q.Open || !t.Done)
}
