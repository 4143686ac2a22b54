package store

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// Cursor returns the named position in a vendor's stream and when it was set. found is false when it never was.
func (t *Tx) Cursor(name string) (value access.Cursor, at time.Time, found bool, err error) {
	var n int64
	found, err = t.row([]any{&value, &n}, "SELECT value, at FROM cursors WHERE name = $1", name)
	return value, fromMicros(n), found, err
}

// CursorTimes returns when each position was last set, by name.
func (t *Tx) CursorTimes() (map[string]time.Time, error) {
	times := make(map[string]time.Time)
	err := t.rows(func(scan func(...any) error) error {
		var name string
		var at int64
		if err := scan(&name, &at); err != nil {
			return t.store.cause("read", err)
		}
		times[name] = fromMicros(at)
		return nil
	}, "SELECT name, at FROM cursors")
	return times, err
}

// SetCursor keeps the position reached at the given time. It belongs in the transaction that keeps what was read, so
// that neither is ahead of the other.
func (t *Tx) SetCursor(name string, value access.Cursor, at time.Time) error {
	_, err := t.exec(`INSERT INTO cursors (name, value, at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at`, name, string(value), micros(at))
	return err
}

// clockSlack is how far the clocks of replicas may be apart.
const clockSlack = 2 * time.Minute

// Lease gives the holder the named right until the given time, when nobody else has it. The holder who had it last renews
// it and keeps the token, also after it ran out; whoever takes it newly gets a higher token than anybody before.
//
// One that runs much longer than the one now asked for was taken while a clock was ahead; it counts as run out, and the token
// keeps its holder from writing.
//
// Errors: [access.ErrConflict] while another holder has it.
func (t *Tx) Lease(name, holder string, until time.Time) (token int64, err error) {
	var current string
	var ends int64
	found, err := t.row([]any{&current, &ends, &token}, "SELECT holder, until, token FROM leases WHERE name = $1", name)
	if err != nil {
		return 0, err
	}
	live := found && fromMicros(ends).After(t.Now()) && fromMicros(ends).Before(until.Add(clockSlack))
	if live && current != holder {
		return 0, fmt.Errorf("lease is held by another: %w", access.ErrConflict)
	}
	if current != holder || !found {
		token++
	}
	_, err = t.exec(`INSERT INTO leases (name, holder, until, token) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until, token = excluded.token`,
		name, holder, micros(until), token)
	return token, err
}

// HoldsLease is the fence: inside a write it proves that nobody has taken the right since the token was given, also when
// it has run out meanwhile.
//
// Errors: [access.ErrConflict] when somebody has; nothing of the transaction may be kept then.
func (t *Tx) HoldsLease(name string, token int64) error {
	var current int64
	found, err := t.row([]any{&current}, "SELECT token FROM leases WHERE name = $1", name)
	if err != nil {
		return err
	}
	if !found || current != token {
		return fmt.Errorf("lease was lost: %w", access.ErrConflict)
	}
	return nil
}

// ReleaseLease gives the right back at once. With a token that is no longer the newest nothing happens.
func (t *Tx) ReleaseLease(name string, token int64) error {
	_, err := t.exec("UPDATE leases SET until = 0, holder = '' WHERE name = $1 AND token = $2", name, token)
	return err
}

// Leased reports whether somebody has the right now.
func (t *Tx) Leased(name string) (bool, error) {
	var until int64
	found, err := t.row([]any{&until}, "SELECT until FROM leases WHERE name = $1", name)
	return found && fromMicros(until).After(t.Now()), err
}
