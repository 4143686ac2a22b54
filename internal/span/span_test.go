package span_test

import (
	"context"
	"testing"

	"github.com/maisonrmi/sopd/internal/span"
)

func TestNobodyListensToANilStart(t *testing.T) {
	var start span.Start
	ctx, end := start.Begin(t.Context(), "pass")
	if end("ok"); ctx != t.Context() {
		t.Error("the context is another one")
	}
}

func TestAStartIsToldNameAttributesAndEnd(t *testing.T) {
	var told []string
	start := span.Start(func(ctx context.Context, name string, attributes ...span.Attribute) (context.Context, span.End) {
		told = append(told, name, attributes[0].Key, attributes[0].Value)
		return ctx, func(outcome string) { told = append(told, outcome) }
	})
	_, end := start.Begin(t.Context(), "change", span.Attribute{Key: "kind", Value: "suspend"})
	end("refused")
	if len(told) != 4 || told[0] != "change" || told[2] != "suspend" || told[3] != "refused" {
		t.Errorf("%v", told)
	}
}
