package store

import (
	"time"

	"github.com/maisonrmi/sopd/internal/paging"
)

// Page is an alert that is to reach a person.
type Page struct {
	paging.NewAlert
	Created  time.Time
	Done     time.Time // when the vendor took it; zero before
	Attempts int       // in vain so far
	Error    string    // the last cause, a phrase of package access
}

// PutPage keeps a page that is to be sent. One of the same alias is the same page, and the first stays: a second page
// about the same matter needs an alias of its own. fresh says whether this was the first.
func (t *Tx) PutPage(alert paging.NewAlert, created time.Time) (fresh bool, err error) {
	text, err := toDoc(alert)
	if err != nil {
		return false, err
	}
	n, err := t.exec(`INSERT INTO pages (alias, created, done, attempts, next, error, doc) VALUES ($1, $2, 0, 0, 0, '', $3)
		ON CONFLICT DO NOTHING`, string(alert.Alias), micros(created), text)
	return n == 1, err
}

// Page returns the page as it stands. found is false when there is none of this alias.
func (t *Tx) Page(alias paging.Alias) (p Page, found bool, err error) {
	all, err := t.pages("alias = $1", string(alias))
	if err != nil || len(all) == 0 {
		return Page{}, false, err
	}
	return all[0], true, nil
}

// PagesDue returns at most limit pages that are neither sent nor parked nor backing off after a failure, oldest first.
func (t *Tx) PagesDue(limit int) ([]Page, error) {
	return t.pages("done = 0 AND attempts < $1 AND next <= $2 ORDER BY created, alias LIMIT $3", MaxAttempts, micros(t.Now()), limit)
}

// PagesParked returns the pages that were tried [MaxAttempts] times, oldest first.
func (t *Tx) PagesParked() ([]Page, error) {
	return t.pages("done = 0 AND attempts >= $1 ORDER BY created, alias", MaxAttempts)
}

func (t *Tx) pages(where string, args ...any) ([]Page, error) {
	var all []Page
	err := t.rows(func(scan func(...any) error) error {
		var p Page
		var created, done int64
		var text string
		if err := scan(&created, &done, &p.Attempts, &p.Error, &text); err != nil {
			return t.store.cause("read", err)
		}
		if err := fromDoc(text, &p.NewAlert); err != nil {
			return err
		}
		p.Created, p.Done = fromMicros(created), fromMicros(done)
		all = append(all, p)
		return nil
	}, "SELECT created, done, attempts, error, doc FROM pages WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// PageSent notes that the vendor took the page. The first time stays.
//
// Errors: [access.ErrNotFound] when there is no page of this alias.
func (t *Tx) PageSent(alias paging.Alias, at time.Time) error {
	n, err := t.exec("UPDATE pages SET done = CASE WHEN done = 0 THEN $2 ELSE done END, error = '' WHERE alias = $1", string(alias), micros(at))
	return missing(n, err, "page")
}

// PageFailed notes one more attempt in vain, with its cause: a phrase of package access.
//
// Errors: [access.ErrNotFound] when there is no page of this alias.
func (t *Tx) PageFailed(alias paging.Alias, cause string) error {
	return t.failed("pages", "alias", string(alias), cause)
}

// RetryPage takes a parked page back among those that are due.
//
// Errors: [access.ErrNotFound] when there is no page of this alias.
func (t *Tx) RetryPage(alias paging.Alias) error {
	n, err := t.exec("UPDATE pages SET attempts = 0, next = 0 WHERE alias = $1", string(alias))
	return missing(n, err, "page")
}
