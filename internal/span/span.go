// Package span is how the parts of sopd say what took how long, to whoever records traces. The parts know no tracing
// library; cmd/sopd puts one behind it.
package span

import "context"

// Attribute is a fact about a span. Values come from closed sets or are change IDs: never a person, a group, a ticket, an
// address or a secret.
type Attribute struct {
	Key   string // such as "change_id"
	Value string // one word, or a change ID
}

// Start begins spans. A nil Start begins nothing.
type Start func(ctx context.Context, name string, attributes ...Attribute) (context.Context, End)

// End ends a span with how it went, a word from a closed set such as "ok" or "refused".
type End func(outcome string)

// Begin begins a span under the one in ctx, if there is one. What is done with the returned context is under the new one.
// End has to be called once.
func (s Start) Begin(ctx context.Context, name string, attributes ...Attribute) (context.Context, End) {
	if s == nil {
		return ctx, func(string) {}
	}
	return s(ctx, name, attributes...)
}
