package oktamock

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// logGrammar is what the filter parameter of GET /logs understands: everything but a filter on the time.
func logGrammar() grammar {
	return grammar{not: true, allowed: func(attribute, _ string) bool { return attribute != "published" && attribute != "" }}
}

// get returns an attribute of an event for filters.
func (e *Event) get(attribute string) []string {
	one := map[string]string{
		"uuid": e.UUID, "eventType": e.Type, "displayMessage": e.message, "severity": e.severity,
		"outcome.result": e.Result, "outcome.reason": e.Reason, "transaction.id": e.Transaction,
		"actor.id": e.Actor.ID, "actor.type": e.Actor.Type, "actor.alternateId": e.Actor.AlternateID, "actor.displayName": e.Actor.DisplayName,
	}
	if v := one[attribute]; v != "" {
		return []string{v}
	}
	var out []string
	for _, t := range e.Targets {
		of := map[string]string{
			"target.id": t.ID, "target.type": t.Type, "target.alternateId": t.AlternateID, "target.displayName": t.DisplayName,
		}
		if v := of[attribute]; v != "" {
			out = append(out, v)
		}
	}
	return out
}

// logQuery is a query of the System Log, understood.
type logQuery struct {
	since, until time.Time // zero for not given
	limit        int
	wanted       func(*Event) bool
	from         int // position to go on from
	descending   bool
}

// listLogs answers in the order of arrival while polling, and by published when the query is bounded.
//
// Source: Okta, System Log query.
func (c *call) listLogs() *answer {
	q, refusal := c.logQuery()
	if refusal != nil {
		return refusal
	}
	if q.until.IsZero() && !q.descending {
		return c.poll(q)
	}
	return c.bounded(q)
}

func (c *call) logQuery() (*logQuery, *answer) {
	limit, err := strconv.Atoi(cmp.Or(c.query.Get("limit"), "100"))
	if err != nil || limit < 0 || limit > 1000 {
		return nil, c.invalid("limit", "limit: must be between 0 and 1000")
	}
	q := &logQuery{limit: limit, descending: strings.EqualFold(c.query.Get("sortOrder"), "DESCENDING")}
	var refusal *answer
	if q.since, q.until, refusal = c.logTimes(); refusal != nil {
		return nil, refusal
	}
	if q.wanted, refusal = c.logFilter(); refusal != nil {
		return nil, refusal
	}
	if after := c.query.Get("after"); after != "" && after != firstPage {
		since, from, okCursor := readLogCursor(after)
		if !okCursor || from > len(c.log.all) {
			return nil, c.invalid("after", "after: invalid cursor")
		}
		q.since, q.from = since, from
	}
	return q, nil
}

// logTimes reads since and until. since defaults to seven days before until and may not be older than 180 days.
func (c *call) logTimes() (since, until time.Time, refusal *answer) {
	for name, into := range map[string]*time.Time{"since": &since, "until": &until} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return since, until, refuse(c, "E0000030", "Bad request. Invalid date. Dates must be of the form yyyy-MM-dd'T'HH:mm:ss.SSSZZ, e.g. 2013-01-01T12:00:00.000-07:00.")
		}
		*into = t
	}
	if since.IsZero() {
		since = cmp.Or(until, c.now()).AddDate(0, 0, -7)
	}
	if c.now().Sub(since) > 180*24*time.Hour {
		return since, until, c.invalid("since", "since: must not be more than 180 days ago")
	}
	return since, until, nil
}

// logFilter compiles filter and q.
func (c *call) logFilter() (func(*Event) bool, *answer) {
	words := strings.Fields(strings.ToLower(c.query.Get("q")))
	tooLong := func(w string) bool { return len(w) > 40 }
	if len(words) > 10 || slices.ContainsFunc(words, tooLong) {
		return nil, c.invalid("q", "q: at most 10 keywords of at most 40 characters")
	}
	match := func(func(string) []string) bool { return true }
	if text := c.query.Get("filter"); text != "" {
		f, err := logGrammar().parse(text)
		if err != nil {
			return nil, c.badFilter()
		}
		match = f
	}
	return func(e *Event) bool {
		text := strings.ToLower(e.Type + " " + e.message + " " + e.Actor.DisplayName + " " + e.Actor.AlternateID)
		missing := func(w string) bool { return !strings.Contains(text, w) }
		return match(e.get) && !slices.ContainsFunc(words, missing)
	}, nil
}

// poll answers from a position on. The next link is always there, also after an empty page, and repeats no since.
func (c *call) poll(q *logQuery) *answer {
	p := &page{limit: q.limit, forget: []string{"since"}}
	i := q.from
	for ; i < len(c.log.all) && len(p.items) < q.limit; i++ {
		if e := c.log.all[i]; !e.Published.Before(q.since) && q.wanted(e) {
			p.items = append(p.items, e.wire())
		}
	}
	p.next = logCursor(i, q.since)
	return listing(p)
}

// bounded answers what was published between two times. Events that arrive later are missed, and the last page has no
// next link.
func (c *call) bounded(q *logQuery) *answer {
	var found []*Event
	for _, e := range c.log.all {
		inside := !e.Published.Before(q.since) && (q.until.IsZero() || e.Published.Before(q.until))
		if inside && q.wanted(e) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b *Event) int { return a.Published.Compare(b.Published) })
	if q.descending {
		slices.Reverse(found)
	}
	p := &page{limit: q.limit}
	from := min(q.from, len(found))
	to := min(from+q.limit, len(found))
	for _, e := range found[from:to] {
		p.items = append(p.items, e.wire())
	}
	if to < len(found) && q.limit > 0 {
		p.next = logCursor(to, q.since)
	}
	return listing(p)
}

// logCursor hides a position in the log, and the time from which it was first asked.
func logCursor(position int, since time.Time) string {
	text := strconv.Itoa(position) + "_" + strconv.FormatInt(max(0, since.UnixMilli()), 10)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func readLogCursor(after string) (since time.Time, position int, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(after)
	left, right, found := strings.Cut(string(raw), "_")
	position, errPosition := strconv.Atoi(left)
	millis, errMillis := strconv.ParseInt(right, 10, 64)
	ok = err == nil && found && errPosition == nil && errMillis == nil && position >= 0
	return time.UnixMilli(millis), position, ok
}
