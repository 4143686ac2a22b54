package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/prometheus/client_golang/prometheus"
)

// DefaultMaxBody is the most bytes of a delivery that are read. Jira drops what is over 25 MB itself; a ticket that says
// more than this is found by polling.
const DefaultMaxBody = 4 << 20

// answerTime is how long keeping a delivery may take. Okta waits 3 s for the answer.
//
// Source: okta-developer-docs, concepts/event-hooks, August 2026.
const answerTime = 2500 * time.Millisecond

// maxChallenge is the longest verification challenge that is answered, in bytes.
const maxChallenge = 1024

// Waker asks for a pass in the transaction that keeps the delivery.
type Waker interface {
	// Wake is called in the write that keeps the delivery, and undone with it.
	Wake(tx *store.Tx) error
}

// Options are what the endpoints work with.
type Options struct {
	Store      *store.Store          // required
	Waker      Waker                 // required
	Logger     *slog.Logger          // required
	Registerer prometheus.Registerer // required
	// Okta, Jira and Opsgenie are the secrets of the endpoints. One without secrets refuses everything.
	Okta, Jira, Opsgenie Secrets
	// OktaHeader and OpsgenieHeader name the header that carries the secret; Authorization when empty.
	OktaHeader, OpsgenieHeader string
	// MaxBody is the most bytes of a delivery; [DefaultMaxBody] when 0.
	MaxBody int64
}

// Intake is the three endpoints. Safe for concurrent use.
type Intake struct {
	store   *store.Store
	waker   Waker
	logger  *slog.Logger
	events  *prometheus.CounterVec
	last    *prometheus.GaugeVec
	maxBody int64
	gates   map[Source]gate
}

// gate is how a source proves who it is.
type gate struct {
	secrets Secrets
	header  string // empty for a signed body
}

// result is what came of a request; a metric label, so the list is closed.
type result string

const (
	accepted        result = "accepted"
	duplicate       result = "duplicate"
	unknown         result = "unknown" // kept, of a kind that sopd does not look after
	verified        result = "verified"
	unconfigured    result = "unconfigured"
	unauthenticated result = "unauthenticated"
	tooLarge        result = "too_large"
	malformed       result = "malformed"
	refused         result = "refused" // another method or an unreadable request
	failed          result = "failed"  // could not be kept
)

func results() []result {
	return []result{accepted, duplicate, unknown, verified, unconfigured, unauthenticated, tooLarge, malformed, refused, failed}
}

// New returns the endpoints and registers their metric.
//
// Errors: [access.ErrInvalid] for a missing option or a metric that is registered already.
func New(options Options) (*Intake, error) {
	if options.Store == nil || options.Waker == nil || options.Logger == nil || options.Registerer == nil {
		return nil, fmt.Errorf("webhook intake lacks a required option: %w", access.ErrInvalid)
	}
	i := &Intake{
		store: options.Store, waker: options.Waker, logger: options.Logger, maxBody: options.MaxBody,
		gates: map[Source]gate{
			Okta:     {secrets: options.Okta.usable(), header: orAuthorization(options.OktaHeader)},
			Jira:     {secrets: options.Jira.usable()},
			Opsgenie: {secrets: options.Opsgenie.usable(), header: orAuthorization(options.OpsgenieHeader)},
		},
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sopd_webhook_events_total", Help: "Webhook requests by source and by what came of them.",
		}, []string{"source", "result"}),
	}
	if i.maxBody <= 0 {
		i.maxBody = DefaultMaxBody
	}
	for source := range i.gates {
		for _, r := range results() {
			i.events.WithLabelValues(string(source), string(r))
		}
	}
	i.last = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sopd_webhook_last_received_timestamp_seconds", Help: "When a vendor's webhook was last accepted; 0 when none is known.",
	}, []string{"source"})
	for source := range i.gates {
		i.last.WithLabelValues(string(source))
	}
	if err := errors.Join(options.Registerer.Register(i.events), options.Registerer.Register(i.last)); err != nil {
		return nil, fmt.Errorf("metrics of the webhook intake: %w", access.ErrInvalid)
	}
	return i, nil
}

// Remember shows when each vendor's last webhook came in before this process began.
//
// Errors: [access.ErrUnavailable].
func (i *Intake) Remember(ctx context.Context) error {
	return i.store.Read(ctx, func(tx *store.Tx) error {
		times, err := tx.LastReceived()
		for source, at := range times {
			if _, ours := i.gates[Source(source)]; ours {
				i.last.WithLabelValues(source).Set(float64(at.UnixMilli()) / 1000)
			}
		}
		return err
	})
}

func orAuthorization(header string) string {
	if header == "" {
		return "Authorization"
	}
	return header
}

// Configured reports whether the endpoint of the source has a secret and can take anything.
func (i *Intake) Configured(source Source) bool { return len(i.gates[source].secrets) > 0 }

// Register puts the endpoints /webhooks/okta, /webhooks/jira and /webhooks/opsgenie on mux.
func (i *Intake) Register(mux *http.ServeMux) {
	for source := range i.gates {
		mux.Handle("/webhooks/"+string(source), i.Handler(source))
	}
}

// Handler returns the endpoint of one source.
func (i *Intake) Handler(source Source) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := i.serve(source, w, r)
		i.events.WithLabelValues(string(source), string(a.result)).Inc()
		if a.err != nil {
			i.logger.WarnContext(r.Context(), "webhook refused",
				slog.String("source", string(source)), slog.String("result", string(a.result)), slog.Any("error", a.err))
		}
		a.write(w)
	})
}

// answer is what a request is answered with; [Intake.Handler] is the one place that writes it.
type answer struct {
	status int
	result result
	body   []byte
	err    error // for the log, without anything that the request held
}

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if a.body != nil {
		w.Header().Set("Content-Type", "application/json")
	}
	if a.result == unconfigured || a.result == failed {
		w.Header().Set("Retry-After", "60")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a vendor that hung up repeats
}

func refusal(status int, r result, cause error) answer {
	return answer{status: status, result: r, err: cause}
}

func (i *Intake) serve(source Source, w http.ResponseWriter, r *http.Request) answer {
	g := i.gates[source]
	if len(g.secrets) == 0 {
		return refusal(http.StatusServiceUnavailable, unconfigured, errors.New("endpoint has no secret"))
	}
	// A fixed header is looked at before a byte of the body is read.
	if g.header != "" && !g.secrets.presented(r.Header, g.header) {
		return refusal(http.StatusUnauthorized, unauthenticated, access.ErrUnauthenticated)
	}
	if source == Okta && r.Method == http.MethodGet {
		return verify(r)
	}
	if r.Method != http.MethodPost {
		return refusal(http.StatusMethodNotAllowed, refused, errors.New("method is not POST"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, i.maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return refusal(http.StatusRequestEntityTooLarge, tooLarge, errors.New("body is too large"))
	}
	if err != nil {
		return refusal(http.StatusBadRequest, refused, errors.New("body could not be read"))
	}
	if g.header == "" && !g.secrets.signed(r.Header, body) {
		return refusal(http.StatusUnauthorized, unauthenticated, access.ErrUnauthenticated)
	}
	return i.take(source, r, body)
}

// verify answers the handshake by which Okta makes sure that the endpoint wants its events.
//
// Source: okta-developer-docs, concepts/event-hooks, August 2026.
func verify(r *http.Request) answer {
	challenge := r.Header.Get("X-Okta-Verification-Challenge")
	if challenge == "" || len(challenge) > maxChallenge {
		return refusal(http.StatusBadRequest, refused, errors.New("no verification challenge"))
	}
	body, err := json.Marshal(map[string]string{"verification": challenge})
	if err != nil {
		return refusal(http.StatusBadRequest, refused, errors.New("verification challenge is no text"))
	}
	return answer{status: http.StatusOK, result: verified, body: body}
}

// take keeps an authenticated delivery.
func (i *Intake) take(source Source, r *http.Request, body []byte) answer {
	d, err := decode(source, body)
	if err != nil {
		return refusal(http.StatusBadRequest, malformed, err)
	}
	known := slices.ContainsFunc(d.hints, func(h Hint) bool { return h.Known })
	fresh, err := i.keep(r.Context(), store.Delivery{
		Source: string(source), ID: deliveryID(source, r.Header, d, body), Received: i.store.Now(), Body: body,
	}, known)
	if err == nil {
		i.last.WithLabelValues(string(source)).Set(float64(i.store.Now().UnixMilli()) / 1000)
	}
	switch {
	case err != nil:
		return refusal(http.StatusServiceUnavailable, failed, err)
	case !fresh:
		return answer{status: http.StatusNoContent, result: duplicate}
	case !known:
		return answer{status: http.StatusNoContent, result: unknown}
	default:
		return answer{status: http.StatusNoContent, result: accepted}
	}
}

// keep stores the delivery and, when its kind is known, asks for a pass, both or neither. One of no known kind is marked
// as worked at once.
func (i *Intake) keep(ctx context.Context, d store.Delivery, known bool) (fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = i.store.Receive(ctx, func(tx *store.Tx) error {
		if fresh, err = tx.PutDelivery(d); err != nil || !fresh {
			return err
		}
		if !known {
			return tx.MarkDelivery(d.Source, d.ID, string(unknown), tx.Now())
		}
		return i.waker.Wake(tx)
	})
	return fresh, err
}

// plainID is what a vendor's own key looks like. Anything else is hashed: it becomes part of a primary key.
var plainID = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,200}$`)

// deliveryID is by what a repeat is known: Okta's eventId, Jira's webhook identifier, which is the same on retries, and
// otherwise a hash.
//
// Source: developer.atlassian.com/cloud/jira/platform/webhooks, X-Atlassian-Webhook-Identifier.
func deliveryID(source Source, header http.Header, d decoded, body []byte) string {
	id := d.id
	if source == Jira {
		id = header.Get("X-Atlassian-Webhook-Identifier")
	}
	switch {
	case id == "":
		return digest(string(body))
	case plainID.MatchString(id):
		return id
	default:
		return digest(id)
	}
}
