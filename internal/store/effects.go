package store

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// MaxAttempts is how often telling a ticket or sending a page is tried before it is parked for a person to look at.
const MaxAttempts = 12

// backoff is how long nothing is tried after so many attempts in vain: not at all after the first two, as most failures
// pass at once, then 10 s, doubling up to an hour. Twelve attempts take some four hours.
func backoff(attempts int64) time.Duration {
	if attempts <= 2 {
		return 0
	}
	return min(time.Hour, 10*time.Second<<(attempts-3))
}

// PutEffect keeps an effect that is to be told on a ticket. One of the same key is the same effect, and the first stays.
// fresh says whether this was the first.
//
// Errors: [access.ErrInvalid] when the effect that must come first is not known.
func (t *Tx) PutEffect(e change.Effect) (fresh bool, err error) {
	if e.After != "" {
		if _, known, err := t.Effect(e.After); err != nil || !known {
			return false, wrapUnknown(err, "effect %s follows %s, which is not known", e.Key, e.After)
		}
	}
	text, err := toDoc(e)
	if err != nil {
		return false, err
	}
	n, err := t.exec(`INSERT INTO effects (key, ticket, after, created, done, attempts, next, error, doc) VALUES ($1, $2, $3, $4, 0, 0, 0, '', $5)
		ON CONFLICT DO NOTHING`, e.Key, string(e.Ticket), e.After, micros(e.Created), text)
	return n == 1, err
}

func wrapUnknown(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format+": %w", append(args, access.ErrInvalid)...)
}

// Effect returns the effect as it stands. found is false when there is none of this key.
func (t *Tx) Effect(key string) (e change.Effect, found bool, err error) {
	all, err := t.effects("key = $1", key)
	if err != nil || len(all) == 0 {
		return change.Effect{}, false, err
	}
	return all[0], true, nil
}

// EffectsDue returns at most limit effects that are not done, not parked, not backing off after a failure, and wait for no
// other one, oldest first.
func (t *Tx) EffectsDue(limit int) ([]change.Effect, error) {
	return t.effects(`done = 0 AND attempts < $1 AND next <= $2 AND (after = '' OR EXISTS
		(SELECT 1 FROM effects f WHERE f.key = effects.after AND f.done <> 0)) ORDER BY created, key LIMIT $3`,
		MaxAttempts, micros(t.Now()), limit)
}

// EffectsParked returns the effects that were tried [MaxAttempts] times, oldest first.
func (t *Tx) EffectsParked() ([]change.Effect, error) {
	return t.effects("done = 0 AND attempts >= $1 ORDER BY created, key", MaxAttempts)
}

// EffectsByTicket returns every effect on the ticket, oldest first.
func (t *Tx) EffectsByTicket(key ticket.Key) ([]change.Effect, error) {
	return t.effects("ticket = $1 ORDER BY created, key", string(key))
}

// EffectsAfter returns the effects that follow the one with the key, oldest first.
func (t *Tx) EffectsAfter(key string) ([]change.Effect, error) {
	return t.effects("after = $1 ORDER BY created, key", key)
}

func (t *Tx) effects(where string, args ...any) ([]change.Effect, error) {
	var all []change.Effect
	err := t.rows(func(scan func(...any) error) error {
		var done, attempts int64
		var failure, text string
		if err := scan(&done, &attempts, &failure, &text); err != nil {
			return t.store.cause("read", err)
		}
		var e change.Effect
		if err := fromDoc(text, &e); err != nil {
			return err
		}
		e.Done, e.Attempts, e.Error = fromMicros(done), int(attempts), failure
		all = append(all, e)
		return nil
	}, "SELECT done, attempts, error, doc FROM effects WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// EffectDone notes that the ticket shows the effect. The first time stays. A file's content is kept no longer: the ticket
// has it, and when a person is erased they could not be found in it.
//
// Errors: [access.ErrNotFound] when there is no effect of this key.
func (t *Tx) EffectDone(key string, at time.Time) error {
	n, err := t.exec("UPDATE effects SET done = CASE WHEN done = 0 THEN $2 ELSE done END, error = '' WHERE key = $1", key, micros(at))
	if err := missing(n, err, "effect"); err != nil {
		return err
	}
	e, _, err := t.Effect(key)
	if err != nil || e.Kind != change.Attach || e.Body == "" {
		return err
	}
	e.Body = ""
	text, err := toDoc(e)
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE effects SET doc = $2 WHERE key = $1", key, text)
	return err
}

// EffectOpened notes that the ticket of an effect of the kind [change.Open] is there, and under which key. The first time
// stays. What follows the effect and names no ticket is told on this one from now on.
//
// Errors: [access.ErrNotFound] when there is no effect of this key.
func (t *Tx) EffectOpened(key string, opened ticket.Key, at time.Time) error {
	e, found, err := t.Effect(key)
	if err != nil || found && !e.Done.IsZero() {
		return err
	}
	e.Ticket = opened
	text, err := toDoc(e)
	if err != nil {
		return err
	}
	n, err := t.exec("UPDATE effects SET ticket = $2, done = $3, error = '', doc = $4 WHERE key = $1", key, string(opened), micros(at), text)
	if err := missing(n, err, "effect"); err != nil {
		return err
	}
	return t.addressed(key, opened)
}

// addressed gives the ticket to what waited for it to be opened.
func (t *Tx) addressed(after string, opened ticket.Key) error {
	waiting, err := t.effects("after = $1 AND ticket = '' ORDER BY key", after)
	if err != nil {
		return err
	}
	for _, e := range waiting {
		e.Ticket = opened
		text, err := toDoc(e)
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE effects SET ticket = $2, doc = $3 WHERE key = $1", e.Key, string(opened), text); err != nil {
			return err
		}
	}
	return nil
}

// EffectFailed notes one more attempt in vain, with its cause: a phrase of package access, never the vendor's text. An
// effect that is done stays done.
//
// Errors: [access.ErrNotFound] when there is no effect of this key.
func (t *Tx) EffectFailed(key, cause string) error {
	return t.failed("effects", "key", key, cause)
}

// EffectPostponed notes that the vendor served nobody: the attempt does not count against the effect, which is due again at
// the given time. An effect that is done stays done.
//
// Errors: [access.ErrNotFound] when there is no effect of this key.
func (t *Tx) EffectPostponed(key, cause string, until time.Time) error {
	n, err := t.exec("UPDATE effects SET next = $2, error = CASE WHEN done = 0 THEN $3 ELSE error END WHERE key = $1", key, micros(until), cause)
	return missing(n, err, "effect")
}

// failed counts an attempt in vain in a table of the outbox and sets when the next one may be.
func (t *Tx) failed(table, column, id, cause string) error {
	var attempts, done int64
	found, err := t.row([]any{&attempts, &done}, "SELECT attempts, done FROM "+table+" WHERE "+column+" = $1", id)
	if err != nil || found && done != 0 {
		return err
	}
	next := t.Now().Add(backoff(attempts + 1))
	n, err := t.exec("UPDATE "+table+" SET attempts = $2, next = $3, error = $4 WHERE "+column+" = $1", id, attempts+1, micros(next), cause)
	return missing(n, err, table)
}

// RetryEffect takes a parked effect back among those that are due.
//
// Errors: [access.ErrNotFound] when there is no effect of this key.
func (t *Tx) RetryEffect(key string) error {
	n, err := t.exec("UPDATE effects SET attempts = 0, next = 0 WHERE key = $1", key)
	return missing(n, err, "effect")
}

func missing(n int64, err error, what string) error {
	if err == nil && n == 0 {
		return fmt.Errorf("%s is not in the store: %w", what, access.ErrNotFound)
	}
	return err
}
