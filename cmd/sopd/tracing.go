package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/span"
	"github.com/maisonrmi/sopd/reconcile"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushTime is how long a daemon that stops waits for its last spans to be delivered.
const flushTime = 2 * time.Second

// startTracing sends spans to the configured collector, and does nothing without one.
func (d *daemon) startTracing(ctx context.Context) error {
	if d.config.OTLP == "" {
		return nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(d.config.OTLP+"/v1/traces"))
	if err != nil {
		return usage(fmt.Errorf("SOPD_OTLP_ENDPOINT: traces cannot be sent there; write a collector's address, such as http://127.0.0.1:4318"))
	}
	// A collector that is away is nothing that sopd waits for: spans are dropped.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {
		d.logger.LogAttrs(ctx, slog.LevelWarn, "traces not delivered")
	}))
	d.traceTo(ctx, exporter)
	return nil
}

// traceTo makes the daemon trace, and flushes when it closes.
func (d *daemon) traceTo(ctx context.Context, exporter sdktrace.SpanExporter) {
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "sopd"), attribute.String("service.version", readVersion().Version))))
	d.trace = starter(provider.Tracer("sopd"))
	d.later(func() error {
		// The daemon's own context has ended by now, and a collector that is away keeps nobody from stopping.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			d.logger.LogAttrs(ctx, slog.LevelWarn, "traces not delivered")
		}
		return nil
	})
}

// changeKey is under which a context carries the change ID for the spans below a change.
type changeKey struct{}

// changeAttribute is the attribute that leads from a span to everything else about a change.
const changeAttribute = "change_id"

// starter is OpenTelemetry behind [span.Start]. The change ID of a span is that of all spans below it.
func starter(tracer trace.Tracer) span.Start {
	return func(ctx context.Context, name string, attributes ...span.Attribute) (context.Context, span.End) {
		var all []attribute.KeyValue
		if id, ok := ctx.Value(changeKey{}).(string); ok {
			all = append(all, attribute.String("sopd."+changeAttribute, id))
		}
		for _, a := range attributes {
			all = append(all, attribute.String("sopd."+a.Key, a.Value))
			if a.Key == changeAttribute {
				ctx = context.WithValue(ctx, changeKey{}, a.Value)
			}
		}
		ctx, s := tracer.Start(ctx, name, trace.WithAttributes(all...))
		return ctx, func(outcome string) {
			s.SetAttributes(attribute.String("sopd.outcome", outcome))
			if failed(outcome) {
				s.SetStatus(codes.Error, outcome)
			}
			s.End()
		}
	}
}

// failed reports whether a span that ended so is one to look at.
func failed(outcome string) bool {
	switch outcome {
	case "ok", "cancelled", "applied", "confirmed", string(reconcile.Succeeded), string(reconcile.Standby):
		return false
	default:
		return true
	}
}

// traced does one pass under a span of its own.
func (d *daemon) traced(ctx context.Context) (reconcile.Report, error) {
	ctx, end := d.trace.Begin(ctx, "pass")
	report, err := d.reconciler.Pass(ctx)
	outcome := string(report.Result)
	if err != nil {
		outcome = outcomeWord(err)
	}
	end(outcome)
	return report, err
}

// outcomeWord names how something ended in a word of a closed set.
func outcomeWord(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, access.ErrConflict):
		return string(reconcile.Standby)
	default:
		return "failed"
	}
}
