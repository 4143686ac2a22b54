package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Standing is where a ticket of a procedure stands.
type Standing string

// The standings.
const (
	Early    Standing = "early"    // nothing is asked for yet
	Complete Standing = "complete" // everything that is asked for is there
	Lacking  Standing = "lacking"  // something is missing, or its result breaks a limit
	Past     Standing = "past"     // as Lacking, but it was over before sopd: counted, and nobody is asked
)

// Proceeding is what a procedure knows of one ticket.
type Proceeding struct {
	SOP      string     `json:"sop"` // the procedure's name
	Ticket   ticket.Key `json:"ticket"`
	Standing Standing   `json:"standing"`
	Severity string     `json:"severity,omitempty"` // empty for none
	Missing  []string   `json:"missing,omitempty"`  // names of artefacts
	Broken   []string   `json:"broken,omitempty"`   // sentences on limits
	// Next is when a reassessment is to be opened, zero for never; Turn is its number, from 1.
	Next time.Time `json:"next,omitzero"`
	Turn int       `json:"turn,omitempty"`
}

// PutProceeding keeps what is known of the ticket, replacing what was.
func (t *Tx) PutProceeding(p Proceeding) error {
	text, err := toDoc(p)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO procedures (sop, ticket, state, next, doc) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (sop, ticket) DO UPDATE SET state = excluded.state, next = excluded.next, doc = excluded.doc`,
		p.SOP, string(p.Ticket), string(p.Standing), micros(p.Next), text)
	return err
}

// Proceeding returns what is known of the ticket. found is false when nothing is.
func (t *Tx) Proceeding(sop string, key ticket.Key) (p Proceeding, found bool, err error) {
	return doc[Proceeding](t, "SELECT doc FROM procedures WHERE sop = $1 AND ticket = $2", sop, string(key))
}

// DropProceeding forgets a ticket that is not the procedure's any more.
func (t *Tx) DropProceeding(sop string, key ticket.Key) error {
	_, err := t.exec("DELETE FROM procedures WHERE sop = $1 AND ticket = $2", sop, string(key))
	return err
}

// ProceedingsLacking returns the tickets of all procedures that lack something, ordered by procedure and key.
func (t *Tx) ProceedingsLacking() ([]Proceeding, error) {
	return docs[Proceeding](t, "SELECT doc FROM procedures WHERE state = $1 ORDER BY "+t.binary("sop")+", "+t.binary("ticket"), string(Lacking))
}

// ProceedingsDue returns the tickets of all procedures whose reassessment is to be opened by now, ordered by when.
func (t *Tx) ProceedingsDue(now time.Time) ([]Proceeding, error) {
	return docs[Proceeding](t, "SELECT doc FROM procedures WHERE next <> 0 AND next <= $1 ORDER BY next, "+t.binary("sop")+", "+t.binary("ticket"), micros(now))
}

// Coverage returns, by procedure, how many tickets of which everything is asked for are complete, and how many there are.
func (t *Tx) Coverage() (map[string]kpi.Share, error) {
	out := make(map[string]kpi.Share)
	err := t.rows(func(scan func(...any) error) error {
		var sop, state string
		var n int
		if err := scan(&sop, &state, &n); err != nil {
			return t.store.cause("read", err)
		}
		share := out[sop]
		share.Total += n
		if Standing(state) == Complete {
			share.Part += n
		}
		out[sop] = share
		return nil
	}, "SELECT sop, state, COUNT(*) FROM procedures WHERE state <> $1 GROUP BY sop, state", string(Early))
	return out, err
}

// Place is how far the tickets were gone through in the order of their reading; the zero Place is before the first.
type Place struct {
	At time.Time // when the last one was read
	ID ticket.ID // its ID
}

// TicketsRead returns at most limit tickets that were read after the place, in the order of their reading, and the place of
// the last.
func (t *Tx) TicketsRead(after Place, limit int) (tickets []ticket.Ticket, last Place, err error) {
	last = after
	err = t.rows(func(scan func(...any) error) error {
		var id, text string
		var at int64
		if err := scan(&id, &at, &text); err != nil {
			return t.store.cause("read", err)
		}
		var x ticket.Ticket
		if err := fromDoc(text, &x); err != nil {
			return err
		}
		tickets, last = append(tickets, x), Place{At: fromMicros(at), ID: ticket.ID(id)}
		return nil
	}, `SELECT id, read_at, doc FROM tickets WHERE gone_at = 0 AND (read_at > $1 OR read_at = $1 AND id > $2)
		ORDER BY read_at, id LIMIT $3`, micros(after.At), string(after.ID), limit)
	return tickets, last, err
}

// RecordFacts keeps facts that are not known yet, each with its entry in the ledger, and returns them.
func (t *Tx) RecordFacts(about ticket.Key, facts ...kpi.Fact) ([]kpi.Fact, error) {
	fresh, err := t.PutFacts(facts)
	if err != nil {
		return nil, err
	}
	entries := make([]ledger.Entry, 0, len(fresh))
	for _, f := range fresh {
		kind := ledger.FactRecorded
		if f.Corrects != "" {
			kind = ledger.FactCorrected
		}
		entries = append(entries, ledger.Entry{Kind: kind, At: f.Recorded, Ticket: about, Body: f})
	}
	if len(entries) == 0 {
		return nil, nil
	}
	_, err = t.Append(entries...)
	return fresh, err
}

// FactsNamed returns every fact of a name that happened at or after since, in the order of its time.
func (t *Tx) FactsNamed(name string, since time.Time) ([]kpi.Fact, error) {
	return docs[kpi.Fact](t, "SELECT doc FROM facts WHERE name = $1 AND at >= $2 ORDER BY at, "+t.binary("id"), name, micros(since))
}

// EachRecordSince calls fn for every record of the kind at or after since, in the order of the ledger.
//
// Errors: what fn returns.
func (t *Tx) EachRecordSince(kind ledger.Kind, since time.Time, fn func(ledger.Record) error) error {
	return t.eachRecord(fn, "kind = $1 AND at >= $2 ORDER BY seq", string(kind), micros(since))
}

// EachEventOf calls fn for every System Log event of the types published at or after since, ordered by time of publication,
// then ID. A type that ends in a star stands for all that begin so. fn must not use the transaction.
//
// Errors: what fn returns.
func (t *Tx) EachEventOf(types []string, since time.Time, fn func(access.Event) error) error {
	if len(types) == 0 {
		return nil
	}
	where, args := "", []any{micros(since)}
	for i, kind := range types {
		if i > 0 {
			where += " OR "
		}
		if prefix, all := strings.CutSuffix(kind, "*"); all {
			args = append(args, len(prefix), prefix)
			where += fmt.Sprintf("substr(type, 1, $%d) = $%d", len(args)-1, len(args))
			continue
		}
		args = append(args, kind)
		where += fmt.Sprintf("type = $%d", len(args))
	}
	return eachDoc(t, fn, "SELECT doc FROM events WHERE published >= $1 AND ("+where+") ORDER BY published, id", args...)
}
