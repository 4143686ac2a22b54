package jsmopsmock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// matcher tells whether an alert is meant by a query.
type matcher func(*alert) bool

// parseQuery reads the vendor's query language: field:value and comparisons, joined by AND, OR, NOT and brackets; quotes;
// a wildcard at the end of a value. The empty query means every alert.
//
// Source: docs.opsgenie.com/docs/alerts-search-query-help, which the vendor carried over.
func parseQuery(text string) (matcher, error) {
	words, err := tokens(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return func(*alert) bool { return true }, nil
	}
	p := &parser{words: words}
	match, err := p.any()
	if err == nil && p.at < len(p.words) {
		err = fmt.Errorf("unexpected %q", p.peek().text)
	}
	return match, err
}

// token is a word, an operator or a bracket; quoted words are never operators.
type token struct {
	text   string
	quoted bool
}

func tokens(text string) ([]token, error) {
	var all []token
	for rest := strings.TrimLeft(text, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		var t token
		switch {
		case rest[0] == '"':
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, errors.New("quote is not closed")
			}
			t, rest = token{rest[1 : 1+end], true}, rest[end+2:]
		case strings.HasPrefix(rest, ">=") || strings.HasPrefix(rest, "<="):
			t, rest = token{rest[:2], false}, rest[2:]
		case strings.IndexByte(":=<>()", rest[0]) >= 0:
			t, rest = token{rest[:1], false}, rest[1:]
		default:
			end := strings.IndexAny(rest, " \t:=<>()\"")
			if end < 0 {
				end = len(rest)
			}
			t, rest = token{rest[:end], false}, rest[end:]
		}
		all = append(all, t)
	}
	return all, nil
}

type parser struct {
	words []token
	at    int
}

func (p *parser) peek() token {
	if p.at < len(p.words) {
		return p.words[p.at]
	}
	return token{}
}

// take moves on when the next token is the unquoted word.
func (p *parser) take(word string) bool {
	if t := p.peek(); p.at < len(p.words) && !t.quoted && strings.EqualFold(t.text, word) {
		p.at++
		return true
	}
	return false
}

// any reads terms joined by OR.
func (p *parser) any() (matcher, error) {
	match, err := p.all()
	for err == nil && p.take("OR") {
		var right matcher
		left := match
		right, err = p.all()
		match = func(a *alert) bool { return left(a) || right(a) }
	}
	return match, err
}

// all reads terms joined by AND.
func (p *parser) all() (matcher, error) {
	match, err := p.one()
	for err == nil && p.take("AND") {
		var right matcher
		left := match
		right, err = p.one()
		match = func(a *alert) bool { return left(a) && right(a) }
	}
	return match, err
}

func (p *parser) one() (matcher, error) {
	switch {
	case p.take("NOT"):
		match, err := p.one()
		return func(a *alert) bool { return !match(a) }, err
	case p.take("("):
		match, err := p.any()
		if err == nil && !p.take(")") {
			err = errors.New("bracket is not closed")
		}
		return match, err
	default:
		return p.term()
	}
}

// term reads field, operator, value.
func (p *parser) term() (matcher, error) {
	if p.at+2 >= len(p.words) {
		return nil, errors.New("a term is field, operator and value")
	}
	field, op, value := p.words[p.at], p.words[p.at+1], p.words[p.at+2]
	p.at += 3
	if op.quoted || !slices.Contains([]string{":", "=", "<", ">", "<=", ">="}, op.text) {
		return nil, fmt.Errorf("%q is not an operator", op.text)
	}
	name := strings.ToLower(field.text)
	if read, ok := numbers()[name]; ok {
		return compare(read, op.text, value.text)
	}
	read, ok := texts()[name]
	if !ok {
		return nil, fmt.Errorf("%q is not a field", field.text)
	}
	if op.text != ":" && op.text != "=" {
		return nil, fmt.Errorf("%q cannot be compared", field.text)
	}
	return func(a *alert) bool {
		return slices.ContainsFunc(read(a), func(have string) bool { return equal(have, value.text) })
	}, nil
}

// equal compares without case; a star at the end stands for anything.
func equal(have, want string) bool {
	have, want = strings.ToLower(have), strings.ToLower(want)
	if start, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(have, start)
	}
	return have == want
}

func compare(read func(*alert) int64, op, value string) (matcher, error) {
	want, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number", value)
	}
	holds := map[string]func(int) bool{":": func(c int) bool { return c == 0 }, "=": func(c int) bool { return c == 0 },
		"<": func(c int) bool { return c < 0 }, ">": func(c int) bool { return c > 0 },
		"<=": func(c int) bool { return c <= 0 }, ">=": func(c int) bool { return c >= 0 }}[op]
	return func(a *alert) bool { return holds(cmp.Compare(read(a), want)) }, nil
}

// numbers returns the fields that can be compared; times are in milliseconds since 1970.
func numbers() map[string]func(*alert) int64 {
	at := func(of func(*alert) time.Time) func(*alert) int64 {
		return func(a *alert) int64 { return of(a).UnixMilli() }
	}
	return map[string]func(*alert) int64{
		"createdat":      at(func(a *alert) time.Time { return a.Created }),
		"updatedat":      at(func(a *alert) time.Time { return a.Updated }),
		"lastoccurredat": at(func(a *alert) time.Time { return a.Updated }),
		"count":          func(a *alert) int64 { return int64(a.Count) },
	}
}

// texts returns the fields that hold words.
func texts() map[string]func(*alert) []string {
	one := func(of func(*alert) string) func(*alert) []string {
		return func(a *alert) []string { return []string{of(a)} }
	}
	return map[string]func(*alert) []string{
		"alertid": one(func(a *alert) string { return a.ID }), "tinyid": one(func(a *alert) string { return a.TinyID }),
		"alias": one(func(a *alert) string { return a.Alias }), "status": one(openOrClosed),
		"source": one(func(a *alert) string { return a.Source }), "entity": one(func(a *alert) string { return a.Entity }),
		"priority": one(func(a *alert) string { return a.Priority }), "owner": one(func(a *alert) string { return a.owner }),
		"acknowledgedby": one(func(a *alert) string { return a.AcknowledgedBy }), "closedby": one(func(a *alert) string { return a.ClosedBy }),
		"acknowledged": one(func(a *alert) string { return strconv.FormatBool(a.Acknowledged) }),
		"isseen":       one(func(a *alert) string { return strconv.FormatBool(a.Acknowledged) }),
		"message":      func(a *alert) []string { return append(strings.Fields(a.Message), a.Message) },
		"description":  func(a *alert) []string { return append(strings.Fields(a.Description), a.Description) },
		"tag":          func(a *alert) []string { return a.Tags }, "actions": func(a *alert) []string { return a.Actions },
		"teams": teams, "responders": responders,
		"details.key":   func(a *alert) []string { return details(a, func(key, _ string) string { return key }) },
		"details.value": func(a *alert) []string { return details(a, func(_, value string) string { return value }) },
	}
}

func responders(a *alert) []string {
	var all []string
	for _, r := range a.Responders {
		all = append(all, r.ID, r.Name)
	}
	return all
}

func teams(a *alert) []string {
	var all []string
	for _, r := range a.Responders {
		if r.Type == "team" {
			all = append(all, r.ID, r.Name)
		}
	}
	return all
}

func details(a *alert, of func(key, value string) string) []string {
	var all []string
	for key, value := range a.Details {
		all = append(all, of(key, value))
	}
	return all
}

// openOrClosed is what the query language knows as status: an acknowledged alert is open, and found by acknowledged.
func openOrClosed(a *alert) string {
	if a.Closed {
		return "closed"
	}
	return "open"
}
