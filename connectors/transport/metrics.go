package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/maisonrmi/sopd/internal/access"
)

// outcome is how an attempt ended, a closed set.
type outcome string

const (
	outcomeOK              outcome = "ok"
	outcomeDenied          outcome = "denied"
	outcomeUnauthenticated outcome = "unauthenticated"
	outcomeNotFound        outcome = "not_found"
	outcomeThrottled       outcome = "throttled"
	outcomeInvalid         outcome = "invalid"
	outcomeConflict        outcome = "conflict"
	outcomeUnavailable     outcome = "unavailable"
	outcomeMalformed       outcome = "malformed"
	outcomeCancelled       outcome = "cancelled"
)

func outcomes() []outcome {
	return []outcome{outcomeOK, outcomeDenied, outcomeUnauthenticated, outcomeNotFound, outcomeThrottled, outcomeInvalid,
		outcomeConflict, outcomeUnavailable, outcomeMalformed, outcomeCancelled}
}

// Metrics counts what the connectors ask of the vendors. Each attempt counts, repeated ones too. A nil *Metrics counts
// nothing.
type Metrics struct {
	requests    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	lastSuccess *prometheus.GaugeVec
}

// NewMetrics registers the connector metrics with r. It panics when they are registered already, as MustRegister does.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sopd_connector_requests_total",
			Help: "Requests made to a vendor, each attempt counted, by how they ended.",
		}, []string{"connector", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                        "sopd_connector_request_duration_seconds",
			Help:                        "Time from sending a request to the last byte of its answer, each attempt apart.",
			Buckets:                     []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
			NativeHistogramBucketFactor: 1.1,
		}, []string{"connector"}),
		lastSuccess: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sopd_connector_last_success_timestamp_seconds",
			Help: "When a vendor last gave a good answer; 0 before the first.",
		}, []string{"connector"}),
	}
	r.MustRegister(m.requests, m.duration, m.lastSuccess)
	return m
}

// start creates the series of a connector, so that none appears out of nowhere.
func (m *Metrics) start(connector string) {
	if m == nil {
		return
	}
	for _, o := range outcomes() {
		m.requests.WithLabelValues(connector, string(o))
	}
	m.duration.WithLabelValues(connector)
	m.lastSuccess.WithLabelValues(connector)
}

// observation is one attempt as the metrics see it.
type observation struct {
	connector string
	outcome   outcome
	took      time.Duration
	at        time.Time
}

func (m *Metrics) observe(o observation) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(o.connector, string(o.outcome)).Inc()
	m.duration.WithLabelValues(o.connector).Observe(o.took.Seconds())
	if o.outcome == outcomeOK {
		m.lastSuccess.WithLabelValues(o.connector).Set(float64(o.at.UnixMilli()) / 1000)
	}
}

// outcomeOf names how an attempt ended.
func outcomeOf(resp *http.Response, err error) outcome {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return outcomeCancelled
	}
	if err == nil && resp.StatusCode < 400 {
		return outcomeOK
	}
	if err == nil {
		err = ofStatus(resp.StatusCode, resp.Header, access.ErrUnavailable)
	}
	return ofCause(safeCause(err))
}

func ofCause(cause error) outcome {
	switch {
	case errors.Is(cause, access.ErrUnauthenticated):
		return outcomeUnauthenticated
	case errors.Is(cause, access.ErrDenied):
		return outcomeDenied
	case errors.Is(cause, access.ErrNotFound):
		return outcomeNotFound
	case errors.Is(cause, access.ErrThrottled):
		return outcomeThrottled
	case errors.Is(cause, access.ErrInvalid):
		return outcomeInvalid
	case errors.Is(cause, access.ErrConflict):
		return outcomeConflict
	case errors.Is(cause, access.ErrMalformed):
		return outcomeMalformed
	default:
		return outcomeUnavailable
	}
}
