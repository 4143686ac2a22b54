package jiramock

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A JQL query is read into a tree of clauses, by recursive descent: or, and, not, parenthesis, clause.

// jqlError is why a query was refused, in Jira's words.
type jqlError string

func (e jqlError) Error() string { return string(e) }

func jqlErrorf(format string, args ...any) jqlError { return jqlError(fmt.Sprintf(format, args...)) }

// query is a parsed JQL query.
type query struct {
	where *clause // nil when there is none
	order []ordering
}

type ordering struct {
	field      string
	descending bool
}

// clause is a node: and, or, not with children, or a comparison of a field with values.
type clause struct {
	kind     string // "and", "or", "not", "is"
	children []*clause
	field    string
	operator string // =, !=, <, <=, >, >=, ~, !~, in, not in, is empty, is not empty
	values   []jqlValue
}

type jqlValue struct {
	text   string
	quoted bool
	call   bool // a function such as currentUser()
}

// token is a word, a quoted text, or a sign.
type token struct {
	text string
	kind rune // 'w' word, 'q' quoted, 's' sign, 0 end
}

type parser struct {
	tokens []token
	at     int
}

// parseJQL reads a query.
func parseJQL(text string) (query, error) {
	tokens, err := lex(text)
	if err != nil {
		return query{}, err
	}
	p := &parser{tokens: tokens}
	var q query
	if p.peek().kind != 0 && !p.isWord("order") {
		if q.where, err = p.or(); err != nil {
			return query{}, err
		}
	}
	if p.takeWord("order") {
		if q.order, err = p.orderBy(); err != nil {
			return query{}, err
		}
	}
	if left := p.peek(); left.kind != 0 {
		return query{}, jqlErrorf("Error in the JQL Query: Expecting either 'OR' or 'AND' but got '%s'.", left.text)
	}
	return q, nil
}

const signs = "()=!<>~,"

func lex(text string) ([]token, error) {
	var out []token
	runes := []rune(text)
	for n := 0; n < len(runes); {
		r := runes[n]
		switch {
		case unicode.IsSpace(r):
			n++
		case r == '"' || r == '\'':
			quoted, next, err := lexQuoted(runes, n)
			if err != nil {
				return nil, err
			}
			out, n = append(out, token{quoted, 'q'}), next
		case strings.ContainsRune(signs, r):
			end := n + 1
			if end < len(runes) && strings.ContainsRune("=~", runes[end]) && strings.ContainsRune("!<>", r) {
				end++
			}
			out, n = append(out, token{string(runes[n:end]), 's'}), end
		default:
			end := n
			for end < len(runes) && !unicode.IsSpace(runes[end]) && !strings.ContainsRune(signs+`"'`, runes[end]) {
				end++
			}
			out, n = append(out, token{string(runes[n:end]), 'w'}), end
		}
	}
	return out, nil
}

func lexQuoted(runes []rune, start int) (text string, next int, err error) {
	var b strings.Builder
	for n := start + 1; n < len(runes); n++ {
		switch {
		case runes[n] == '\\' && n+1 < len(runes):
			n++
			b.WriteRune(runes[n])
		case runes[n] == runes[start]:
			return b.String(), n + 1, nil
		default:
			b.WriteRune(runes[n])
		}
	}
	return "", 0, jqlErrorf("Error in the JQL Query: The quoted string '%s' has not been completed.", string(runes[start+1:]))
}

func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

func (p *parser) next() token {
	t := p.peek()
	p.at++
	return t
}

func (p *parser) isWord(word string) bool {
	return p.peek().kind == 'w' && strings.EqualFold(p.peek().text, word)
}

func (p *parser) takeWord(word string) bool {
	if p.isWord(word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) takeSign(sign string) bool {
	if t := p.peek(); t.kind == 's' && t.text == sign {
		p.at++
		return true
	}
	return false
}

func (p *parser) or() (*clause, error)  { return p.list("or", p.and) }
func (p *parser) and() (*clause, error) { return p.list("and", p.not) }

// list reads one or more operands joined by the word.
func (p *parser) list(word string, operand func() (*clause, error)) (*clause, error) {
	first, err := operand()
	if err != nil {
		return nil, err
	}
	out := &clause{kind: word, children: []*clause{first}}
	for p.takeWord(word) {
		more, err := operand()
		if err != nil {
			return nil, err
		}
		out.children = append(out.children, more)
	}
	if len(out.children) == 1 {
		return first, nil
	}
	return out, nil
}

func (p *parser) not() (*clause, error) {
	if p.takeWord("not") || p.takeSign("!") {
		inner, err := p.not()
		return &clause{kind: "not", children: []*clause{inner}}, err
	}
	if p.takeSign("(") {
		inner, err := p.or()
		if err == nil && !p.takeSign(")") {
			err = jqlError("Error in the JQL Query: Expecting ')' before the end of the query.")
		}
		return inner, err
	}
	return p.comparison()
}

func (p *parser) comparison() (*clause, error) {
	name := p.next()
	if name.kind != 'w' && name.kind != 'q' {
		return nil, jqlErrorf("Error in the JQL Query: Expecting a field name but got '%s'.", name.text)
	}
	operator, err := p.operator()
	if err != nil {
		return nil, err
	}
	c := &clause{kind: "is", field: name.text, operator: operator}
	switch operator {
	case "is empty", "is not empty":
		return c, nil
	case "in", "not in":
		c.values, err = p.values()
		return c, err
	}
	v, err := p.value()
	c.values = []jqlValue{v}
	return c, err
}

func (p *parser) operator() (string, error) {
	t := p.next()
	if t.kind == 's' && slices.Contains([]string{"=", "!=", "<", "<=", ">", ">=", "~", "!~"}, t.text) {
		return t.text, nil
	}
	word := strings.ToLower(t.text)
	switch {
	case t.kind == 'w' && word == "in":
		return "in", nil
	case t.kind == 'w' && word == "not" && p.takeWord("in"):
		return "not in", nil
	case t.kind == 'w' && word == "is":
		operator := "is empty"
		if p.takeWord("not") {
			operator = "is not empty"
		}
		if p.takeWord("empty") || p.takeWord("null") {
			return operator, nil
		}
	}
	return "", jqlErrorf("Error in the JQL Query: Expecting operator but got '%s'.", t.text)
}

func (p *parser) values() ([]jqlValue, error) {
	if !p.takeSign("(") {
		return nil, jqlError("Error in the JQL Query: Expecting '(' after 'in'.")
	}
	var out []jqlValue
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if p.takeSign(")") {
			return out, nil
		}
		if !p.takeSign(",") {
			return nil, jqlErrorf("Error in the JQL Query: Expecting ',' or ')' but got '%s'.", p.peek().text)
		}
	}
}

func (p *parser) value() (jqlValue, error) {
	t := p.next()
	if t.kind != 'w' && t.kind != 'q' {
		return jqlValue{}, jqlErrorf("Error in the JQL Query: Expecting a value but got '%s'.", t.text)
	}
	v := jqlValue{text: t.text, quoted: t.kind == 'q'}
	if !v.quoted && p.takeSign("(") {
		v.call = true
		if !p.takeSign(")") {
			return v, jqlErrorf("Error in the JQL Query: function '%s' takes no arguments here.", t.text)
		}
	}
	return v, nil
}

// maxOrderings is how many fields Cloud's search sorts by.
//
// Source: developer.atlassian.com/cloud/jira/platform/search-and-reconcile.
const maxOrderings = 7

func (p *parser) orderBy() ([]ordering, error) {
	if !p.takeWord("by") {
		return nil, jqlError("Error in the JQL Query: Expecting 'by' after 'order'.")
	}
	var out []ordering
	for {
		t := p.next()
		if t.kind != 'w' && t.kind != 'q' {
			return nil, jqlError("Error in the JQL Query: Expecting a field to order by.")
		}
		o := ordering{field: strings.ToLower(t.text), descending: p.takeWord("desc")}
		if !o.descending {
			p.takeWord("asc")
		}
		out = append(out, o)
		if !p.takeSign(",") {
			break
		}
	}
	if len(out) > maxOrderings {
		return nil, jqlError("Error in the JQL Query: too many fields to order by.")
	}
	return out, nil
}

// bounded reports whether the clause restricts the search, which Cloud demands of every query.
func (c *clause) bounded() bool {
	if c == nil {
		return false
	}
	switch c.kind {
	case "and":
		return slices.ContainsFunc(c.children, (*clause).bounded)
	case "or":
		return !slices.ContainsFunc(c.children, func(child *clause) bool { return !child.bounded() })
	case "not":
		return false
	}
	return !slices.Contains([]string{"!=", "!~", "not in", "is empty"}, c.operator)
}
