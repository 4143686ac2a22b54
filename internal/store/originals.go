package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// unkept is the position of no record.
const unkept = -1

// putOriginal keeps an object as its vendor sent it, in the place of the reading before it, unless a record names that one.
// Nothing is kept of an object whose bytes are not known.
func (t *Tx) putOriginal(kind original.Kind, subject string, text []byte, readAt time.Time) error {
	if len(text) == 0 {
		return nil
	}
	sum := original.Sum(text)
	if err := t.outdate(kind, subject, sum); err != nil {
		return err
	}
	again, err := t.exec("UPDATE originals SET read_at = $4, latest = 1 WHERE subject = $1 AND kind = $2 AND sha256 = $3 AND erased = ''",
		subject, string(kind), sum, micros(readAt))
	if err != nil || again > 0 {
		return err
	}
	packed, err := t.store.packer.Pack(text)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO originals (subject, kind, sha256, read_at, latest, kept, erased, packed) VALUES ($1, $2, $3, $4, 1, $5, '', $6)
		ON CONFLICT DO NOTHING`, subject, string(kind), sum, micros(readAt), unkept, packed)
	return err
}

// outdate makes every reading of the object but the one with the sum an older one; those that no record names are deleted.
func (t *Tx) outdate(kind original.Kind, subject, sum string) error {
	if _, err := t.exec("DELETE FROM originals WHERE subject = $1 AND kind = $2 AND sha256 <> $3 AND kept = $4", subject, string(kind), sum, unkept); err != nil {
		return err
	}
	_, err := t.exec("UPDATE originals SET latest = 0 WHERE subject = $1 AND kind = $2 AND sha256 <> $3 AND latest = 1", subject, string(kind), sum)
	return err
}

// PutDecisive keeps the original of a comment that something is decided by, before the decision is appended; a later one of the
// ticket takes its place unless a record names it.
func (t *Tx) PutDecisive(key ticket.Key, c ticket.Comment, readAt time.Time) error {
	return t.putOriginal(original.Comment, string(key), c.Original, readAt)
}

// Original returns the bytes that the reference names, and, when they went with a person who was erased, that person's
// pseudonym instead.
//
// Errors: [access.ErrNotFound] when the store does not have them; [access.ErrMalformed] when what it has is not what the
// reference names.
func (t *Tx) Original(ref original.Ref) (text []byte, erased string, err error) {
	var packed []byte
	found, err := t.row([]any{&packed, &erased}, "SELECT packed, erased FROM originals WHERE subject = $1 AND kind = $2 AND sha256 = $3",
		ref.ID, string(ref.Kind), ref.SHA256)
	switch {
	case err != nil:
		return nil, "", err
	case !found:
		return nil, "", fmt.Errorf("the store has no original %s of %s: %w", ref.SHA256, ref.Kind, access.ErrNotFound)
	case erased != "":
		return nil, erased, nil
	}
	if text, err = original.Unpack(packed); err != nil {
		return nil, "", err
	}
	if original.Sum(text) != ref.SHA256 {
		return nil, "", fmt.Errorf("the store's original of %s is not %s: %w", ref.Kind, ref.SHA256, access.ErrMalformed)
	}
	return text, "", nil
}

// rests says which originals an entry rests on: always those of a decision; those of an intent only when no record names
// them yet, because the decision behind it has told of them; those of a review likewise, because one comment may decide about a
// thousand memberships.
func rests(e ledger.Entry) (subjects []string, always bool) {
	switch e.Kind {
	case ledger.GrantApproved, ledger.GrantEnded, ledger.GrantLapsed, ledger.RequestRefused:
		return []string{string(e.Ticket), string(e.User)}, true
	case ledger.ChangeIntended, ledger.ReviewDecided:
		return []string{string(e.Ticket), string(e.User)}, false
	case ledger.ChangeConfirmed, ledger.ChangeWitnessed:
		if c, ok := e.Body.(change.Change); ok {
			return []string{string(c.Event)}, true
		}
		return nil, false
	default:
		return nil, false
	}
}

// latest is an original of the last reading.
type latest struct {
	original.Ref
	kept bool // a record names it
}

// withOriginals returns the entries with records of the originals that they rest on before them: one for each subject, at the
// time of the first entry that rests on it.
func (t *Tx) withOriginals(entries []ledger.Entry) ([]ledger.Entry, error) {
	named := make(map[string]bool)
	for _, e := range entries {
		subjects, _ := rests(e)
		for _, subject := range subjects {
			if subject != "" {
				named[subject] = true
			}
		}
	}
	if len(named) == 0 {
		return entries, nil
	}
	known, err := t.latestOriginals(slices.Sorted(maps.Keys(named)))
	if err != nil || len(known) == 0 {
		return entries, err
	}
	var first []ledger.Entry
	for _, e := range entries {
		subjects, always := rests(e)
		for _, subject := range subjects {
			body := original.Body{}
			for _, l := range known[subject] {
				if always || !l.kept {
					body.Originals = append(body.Originals, l.Ref)
				}
			}
			if len(body.Originals) == 0 {
				continue
			}
			delete(known, subject)
			first = append(first, ledger.Entry{Kind: ledger.OriginalKept, At: e.At, Change: e.Change, Ticket: e.Ticket, User: e.User, Body: body})
		}
	}
	return append(first, entries...), nil
}

// latestOriginals returns the last readings of the subjects, those of each sorted by kind.
func (t *Tx) latestOriginals(subjects []string) (map[string][]latest, error) {
	all := make(map[string][]latest)
	for page := range slices.Chunk(subjects, personsAtOnce) {
		marks, args := placeholders(page)
		err := t.rows(func(scan func(...any) error) error {
			var l latest
			var readAt, kept int64
			if err := scan(&l.ID, &l.Kind, &l.SHA256, &readAt, &kept); err != nil {
				return t.store.cause("read", err)
			}
			l.ReadAt, l.kept = fromMicros(readAt), kept != unkept
			all[l.ID] = append(all[l.ID], l)
			return nil
		}, "SELECT subject, kind, sha256, read_at, kept FROM originals WHERE latest = 1 AND erased = '' AND subject IN ("+marks+") ORDER BY "+t.binary("kind"), args...)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// pin notes that the record at the position names the originals, so that they stay as long as it does.
func (t *Tx) pin(seq int64, e ledger.Entry) error {
	body, ok := e.Body.(original.Body)
	if !ok {
		return nil
	}
	for _, ref := range body.Originals {
		_, err := t.exec("UPDATE originals SET kept = $4 WHERE subject = $1 AND kind = $2 AND sha256 = $3", ref.ID, string(ref.Kind), ref.SHA256, seq)
		if err != nil {
			return err
		}
	}
	return nil
}

// unpin lets go of the originals that only records before the position name.
func (t *Tx) unpin(before int64) error {
	if _, err := t.exec("DELETE FROM originals WHERE kept >= 0 AND kept < $1 AND latest = 0", before); err != nil {
		return err
	}
	_, err := t.exec("UPDATE originals SET kept = $2 WHERE kept >= 0 AND kept < $1", before, unkept)
	return err
}

// originalsAtOnce bounds what is unpacked at a time.
const originalsAtOnce = 200

// eraseOriginals erases the bytes of every original that holds one of the needles. Of those that a record names the hash
// stays, with the pseudonym; it returns how many of both there were.
func (t *Tx) eraseOriginals(needles [][]byte, pseudonym string) (kept, other int64, err error) {
	var subject, kind, sum string
	for {
		var page []stored
		err := t.rows(func(scan func(...any) error) error {
			var s stored
			if err := scan(&s.subject, &s.kind, &s.sum, &s.kept, &s.packed); err != nil {
				return t.store.cause("read", err)
			}
			page = append(page, s)
			return nil
		}, fmt.Sprintf(`SELECT subject, kind, sha256, kept, packed FROM originals WHERE erased = '' AND (subject, kind, sha256) > ($1, $2, $3)
			ORDER BY subject, kind, sha256 LIMIT %d`, originalsAtOnce), subject, kind, sum)
		if err != nil {
			return kept, other, err
		}
		for _, s := range page {
			hit, err := s.holds(needles)
			if err == nil && hit {
				err = t.eraseOriginal(s, pseudonym)
			}
			switch {
			case err != nil:
				return kept, other, err
			case hit && s.kept == unkept:
				other++
			case hit:
				kept++
			}
		}
		if len(page) < originalsAtOnce {
			return kept, other, nil
		}
		last := page[len(page)-1]
		subject, kind, sum = last.subject, last.kind, last.sum
	}
}

// stored is a row of the table.
type stored struct {
	subject, kind, sum string
	kept               int64
	packed             []byte
}

// holds reports whether one of the needles stands in the bytes, or is the subject. What cannot be unpacked may hold anything.
func (s stored) holds(needles [][]byte) (bool, error) {
	text, err := original.Unpack(s.packed)
	if errors.Is(err, access.ErrMalformed) {
		return true, nil
	}
	for _, needle := range needles {
		if bytes.Contains(text, needle) || `"`+s.subject+`"` == string(needle) {
			return true, err
		}
	}
	return false, err
}

func (t *Tx) eraseOriginal(s stored, pseudonym string) error {
	if s.kept == unkept {
		_, err := t.exec("DELETE FROM originals WHERE subject = $1 AND kind = $2 AND sha256 = $3", s.subject, s.kind, s.sum)
		return err
	}
	subject := s.subject
	if s.kind == string(original.User) {
		subject = pseudonym // as in the record, which nobody can reveal now
	}
	_, err := t.exec("UPDATE originals SET erased = $4, packed = $5, latest = 0, subject = $6 WHERE subject = $1 AND kind = $2 AND sha256 = $3",
		s.subject, s.kind, s.sum, pseudonym, []byte{}, subject)
	return err
}
