package oktamock

import (
	"errors"
	"slices"
	"strings"
	"unicode"
)

var errFilter = errors.New("filter not understood")

// filter tells whether an object matches. get returns the values of an attribute, none when it has no value.
type filter func(get func(attribute string) []string) bool

// grammar is what one endpoint understands.
type grammar struct {
	// allowed tells whether an attribute can be compared with an operator.
	allowed func(attribute, operator string) bool
	// fold compares text without regard to case.
	fold bool
	not  bool // whether "not" is understood
}

// parser reads "a eq \"b\" and (c gt \"d\" or e pr)".
//
// Source: Okta, core API concepts, Filter; per endpoint the parameters' own descriptions.
type parser struct {
	grammar grammar
	tokens  []string
}

// parse compiles an expression.
//
// Errors: errFilter.
func (g grammar) parse(expression string) (filter, error) {
	tokens, err := tokenize(expression)
	if err != nil || len(tokens) == 0 {
		return nil, errFilter
	}
	p := &parser{grammar: g, tokens: tokens}
	f, err := p.or()
	if err != nil || len(p.tokens) > 0 {
		return nil, errFilter
	}
	return f, nil
}

func tokenize(s string) ([]string, error) {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		n := 1
		switch s[0] {
		case '(', ')':
		case '"':
			n = quoted(s)
		default:
			n = strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' || r == '"' })
			if n < 0 {
				n = len(s)
			}
		}
		if n <= 0 {
			return nil, errFilter
		}
		out, s = append(out, s[:n]), s[n:]
	}
	return out, nil
}

// quoted returns the length of the quoted text that s begins with, 0 when it does not end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func (p *parser) take(words ...string) bool {
	if len(p.tokens) == 0 || !slices.Contains(words, strings.ToLower(p.tokens[0])) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *parser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *parser) or() (filter, error) {
	left, err := p.and()
	for err == nil && p.take("or") {
		var right filter
		a := left
		right, err = p.and()
		left = func(get func(string) []string) bool { return a(get) || right(get) }
	}
	return left, err
}

func (p *parser) and() (filter, error) {
	left, err := p.term()
	for err == nil && p.take("and") {
		var right filter
		a := left
		right, err = p.term()
		left = func(get func(string) []string) bool { return a(get) && right(get) }
	}
	return left, err
}

func (p *parser) term() (filter, error) {
	if p.grammar.not && p.take("not") {
		f, err := p.term()
		return func(get func(string) []string) bool { return !f(get) }, err
	}
	if !p.take("(") {
		return p.comparison()
	}
	f, err := p.or()
	if err == nil && !p.take(")") {
		err = errFilter
	}
	return f, err
}

func (p *parser) comparison() (filter, error) {
	attribute, operator := p.next(), strings.ToLower(p.next())
	if !p.grammar.allowed(attribute, operator) {
		return nil, errFilter
	}
	if operator == "pr" {
		return func(get func(string) []string) bool { return len(get(attribute)) > 0 }, nil
	}
	value := p.next()
	if len(value) < 2 || value[0] != '"' {
		return nil, errFilter
	}
	want := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value[1 : len(value)-1])
	compare, known := operators(p.grammar.fold)[operator]
	if !known {
		return nil, errFilter
	}
	return func(get func(string) []string) bool {
		return slices.ContainsFunc(get(attribute), func(have string) bool { return compare(have, want) })
	}, nil
}

// operators compare text; Okta's timestamps are written so that text and time have one order.
func operators(fold bool) map[string]func(have, want string) bool {
	plain := func(s string) string { return s }
	if fold {
		plain = strings.ToLower
	}
	return map[string]func(have, want string) bool{
		"eq": func(have, want string) bool { return plain(have) == plain(want) },
		"ne": func(have, want string) bool { return plain(have) != plain(want) },
		"gt": func(have, want string) bool { return plain(have) > plain(want) },
		"ge": func(have, want string) bool { return plain(have) >= plain(want) },
		"lt": func(have, want string) bool { return plain(have) < plain(want) },
		"le": func(have, want string) bool { return plain(have) <= plain(want) },
		"co": func(have, want string) bool { return strings.Contains(plain(have), plain(want)) },
		"sw": func(have, want string) bool { return strings.HasPrefix(plain(have), plain(want)) },
		"ew": func(have, want string) bool { return strings.HasSuffix(plain(have), plain(want)) },
	}
}

// among allows the operators for the attributes.
func among(operators []string, attributes ...string) func(attribute, operator string) bool {
	return func(attribute, operator string) bool {
		return slices.Contains(attributes, attribute) && slices.Contains(operators, operator)
	}
}
