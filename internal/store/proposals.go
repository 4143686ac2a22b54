package store

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/score"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// PutProposal keeps a proposal that is new, or ends one that is known. The first words about it stay.
func (t *Tx) PutProposal(p score.Proposal) error {
	_, err := t.exec(`INSERT INTO proposals (kind, user_id, group_id, since, until, reason, ticket) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (kind, user_id, group_id, since) DO UPDATE SET until = excluded.until`,
		string(p.Kind), string(p.User), string(p.Group), micros(p.Since), micros(p.Until), string(p.Reason), string(p.Ticket))
	return err
}

// StandingProposals returns the proposals that are still to be made, in no order.
func (t *Tx) StandingProposals() ([]score.Proposal, error) { return t.proposals("until = 0") }

// ProposalsSince returns the proposals that were to be made at or after since, standing ones included, in no order.
func (t *Tx) ProposalsSince(since time.Time) ([]score.Proposal, error) {
	return t.proposals("until = 0 OR until >= $1", micros(since))
}

func (t *Tx) proposals(where string, args ...any) ([]score.Proposal, error) {
	var all []score.Proposal
	err := t.rows(func(scan func(...any) error) error {
		var kind, user, group, reason, key string
		var since, until int64
		if err := scan(&kind, &user, &group, &since, &until, &reason, &key); err != nil {
			return t.store.cause("read", err)
		}
		all = append(all, score.Proposal{
			Kind: change.Kind(kind), User: access.UserID(user), Group: access.GroupID(group), Reason: change.Reason(reason),
			Ticket: ticket.Key(key), Since: fromMicros(since), Until: fromMicros(until),
		})
		return nil
	}, "SELECT kind, user_id, group_id, since, until, reason, ticket FROM proposals WHERE "+where, args...)
	return all, err
}
