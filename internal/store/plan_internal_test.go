package store

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// planner notes how SQLite goes about each query.
type planner struct {
	queryer
	steps map[string][]string // by query
}

func (p planner) note(ctx context.Context, query string, args []any) {
	rows, err := p.queryer.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		p.steps[query] = append(p.steps[query], err.Error())
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			step = err.Error()
		}
		p.steps[query] = append(p.steps[query], step)
	}
	if err := rows.Err(); err != nil {
		p.steps[query] = append(p.steps[query], err.Error())
	}
}

func (p planner) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	p.note(ctx, query, args)
	return p.queryer.QueryContext(ctx, query, args...)
}

func (p planner) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	p.note(ctx, query, args)
	return p.queryer.QueryRowContext(ctx, query, args...)
}

// walks is a step that goes through a table whose size is that of the organisation, or of its past, by no index that holds
// only what is open. Nearly every ticket was read at some time before.
var walks = regexp.MustCompile(`^SCAN (users|tickets|members|baseline|grants|ledger|events|t|u|m|g)\b|INDEX tickets_read `)

// narrow is an index that holds only what is open, or deactivated, or gone.
var narrow = regexp.MustCompile(`USING (COVERING )?INDEX (tickets_open|tickets_gone|users_deprovisioned|grants_open|grants_expires)$`)

func TestNoQueryOfAQuietPassWalksThroughTheOrganisation(t *testing.T) {
	s, err := Open(t.Context(), Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "sopd.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	nothing := func(ticket.Ticket) error { return nil }
	queries := map[string]func(*Tx) error{
		"users to be judged": func(tx *Tx) error {
			return tx.EachUnjudged("mark", 1000, func(access.User) error { return nil })
		},
		"leavers":            func(tx *Tx) error { _, err := tx.DeprovisionedHolders(); return err },
		"baselines due":      func(tx *Tx) error { _, err := tx.BaselinesDue(now); return err },
		"tickets to recheck": func(tx *Tx) error { _, err := tx.TicketsToRecheck(now, 5); return err },
		"lost tickets":       func(tx *Tx) error { _, err := tx.LostTickets(now); return err },
		"old approvals":      func(tx *Tx) error { _, err := tx.OldestApprovals(now, 5); return err },
		"open tickets": func(tx *Tx) error {
			return tx.EachTicket(TicketFilter{Projects: []string{"ACC", "INC"}, Open: true}, nothing)
		},
		"tickets of one project that changed lately": func(tx *Tx) error {
			return tx.EachTicket(TicketFilter{Projects: []string{"INC"}, UpdatedSince: now}, nothing)
		},
		"tickets that changed lately": func(tx *Tx) error {
			return tx.EachTicket(TicketFilter{UpdatedSince: now}, nothing)
		},
		"groups with expired grants": func(tx *Tx) error { _, err := tx.GroupsWithExpired(now); return err },
		"the next expiry":            func(tx *Tx) error { _, err := tx.NextExpiry(now); return err },
	}
	for name, query := range queries {
		t.Run(name, func(t *testing.T) {
			p := planner{steps: make(map[string][]string)}
			err := s.Read(t.Context(), func(tx *Tx) error {
				p.queryer = tx.db
				tx.db = p
				return query(tx)
			})
			if err != nil || len(p.steps) == 0 {
				t.Fatalf("%d queries, %v", len(p.steps), err)
			}
			for query, steps := range p.steps {
				for _, step := range steps {
					if walks.MatchString(step) && !narrow.MatchString(step) {
						t.Errorf("%s\n%s", step, query)
					}
				}
			}
		})
	}
}
