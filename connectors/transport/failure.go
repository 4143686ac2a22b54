package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// fault is what went wrong with one attempt, before it is known what that means for the call.
type fault struct {
	what  string // from a closed set of phrases
	cause error  // of package access
	again bool   // may be gone next time
}

// Error returns the phrase and the cause.
func (f *fault) Error() string { return f.what + ": " + f.cause.Error() }

// Unwrap returns the cause.
func (f *fault) Unwrap() error { return f.cause }

// failure is the error of a call. Its text is made of closed phrases only, and its causes never include io.EOF.
type failure struct {
	connector string // empty when not known
	what      string
	causes    []error // the first is the one to act upon
}

// Error returns connector, phrase and first cause.
func (f *failure) Error() string {
	text := f.what + ": " + f.causes[0].Error()
	if f.connector != "" {
		text = f.connector + ": " + text
	}
	return text
}

// Unwrap returns the causes.
func (f *failure) Unwrap() []error { return f.causes }

// failureOf says what err means for the call: a write that may have reached the vendor is unconfirmed.
func failureOf(ctx context.Context, connector string, c *call, err error) *failure {
	lost := access.ErrUnavailable
	if !c.read && c.sent() {
		lost = access.ErrUnconfirmed
	}
	var f *fault
	switch {
	case ctx.Err() != nil:
		return &failure{connector, "ended before there was an answer", []error{lost, ctx.Err()}}
	case !errors.As(err, &f):
		return &failure{connector, "request not made", []error{lost}}
	case errors.Is(f.cause, access.ErrUnavailable):
		return &failure{connector, f.what, []error{lost}}
	case errors.Is(f.cause, access.ErrMalformed) && errors.Is(lost, access.ErrUnconfirmed):
		return &failure{connector, f.what, []error{lost, f.cause}}
	default:
		return &failure{connector, f.what, []error{f.cause}}
	}
}

// causesInOrder returns the causes that an error may carry, the most telling first.
func causesInOrder() []error {
	return []error{access.ErrUnconfirmed, access.ErrUnauthenticated, access.ErrDenied, access.ErrNotFound, access.ErrInvalid,
		access.ErrConflict, access.ErrIncomplete, access.ErrMalformed, access.ErrThrottled, access.ErrUnavailable}
}

// safeCause returns the cause that err carries, without err's text; [access.ErrUnavailable] when it carries none.
func safeCause(err error) error {
	var throttled *access.ThrottledError
	if errors.As(err, &throttled) {
		return throttled
	}
	for _, cause := range causesInOrder() {
		if errors.Is(err, cause) {
			return cause
		}
	}
	return access.ErrUnavailable
}

// unsentCause is safeCause for what went wrong before anything was sent: nothing of the call itself is unconfirmed.
func unsentCause(err error) error {
	if cause := safeCause(err); !errors.Is(cause, access.ErrUnconfirmed) {
		return cause
	}
	return access.ErrUnavailable
}

// Cause returns err reduced to what may be shown: the transport's own failure inside it, or else its cause of package
// access and the context's error, without its text (a url.Error's text holds the URL). Nil stays nil.
func Cause(err error) error {
	var own *failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	}
	causes := []error{safeCause(err)}
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			causes = append(causes, ended)
		}
	}
	return &failure{"", "request not completed", causes}
}

// Classify returns the cause of the failure of a request: of the status when the vendor answered (err is then what the
// SDK made of it), of err otherwise. It is nil for a status below 300 and no error.
//
//	401 ErrUnauthenticated    402, 403 ErrDenied    404 ErrNotFound    409, 412, 423 ErrConflict
//	429 *access.ThrottledError     other 4xx and 501 ErrInvalid     other 5xx and 408 as no answer
//	no answer: ErrUnavailable of a read, ErrUnconfirmed of a write unless nothing reached the vendor
//	good status that the SDK could not read: ErrMalformed, of a write ErrUnconfirmed too
//
// header is the answer's as the transport gave it.
func Classify(method string, status int, header http.Header, err error) error {
	lost := access.ErrUnavailable
	if !readMethod(method) {
		lost = access.ErrUnconfirmed
	}
	var own *failure
	switch {
	case errors.As(err, &own):
		return own
	case status >= 400:
		return ofStatus(status, header, lost)
	case status == 0 && err == nil || status >= 200 && status < 300 && err == nil:
		return nil
	case status == 0 && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return Cause(fmt.Errorf("%w: %w", lost, err))
	case status == 0:
		return &failure{"", "no answer", []error{lost}}
	case errors.Is(lost, access.ErrUnconfirmed):
		return &failure{"", "answer not understood", []error{lost, access.ErrMalformed}}
	default:
		return &failure{"", "answer not understood", []error{access.ErrMalformed}}
	}
}

// ofStatus returns the failure that status stands for; lost is the cause when it leaves the outcome open.
func ofStatus(status int, header http.Header, lost error) error {
	what := fmt.Sprintf("status %d", status)
	if status == http.StatusTooManyRequests {
		return &failure{"", what, []error{&access.ThrottledError{Until: retryTime(header)}}}
	}
	return &failure{"", what, []error{statusCause(status, lost)}}
}

func statusCause(status int, lost error) error {
	switch {
	case status == http.StatusUnauthorized:
		return access.ErrUnauthenticated
	case status == http.StatusForbidden || status == http.StatusPaymentRequired:
		return access.ErrDenied
	case status == http.StatusNotFound:
		return access.ErrNotFound
	case status == http.StatusConflict || status == http.StatusPreconditionFailed || status == http.StatusLocked:
		return access.ErrConflict
	case refusal(status):
		return access.ErrInvalid
	default:
		return lost
	}
}

// retryTime reads the absolute time that [front.nameRetry] wrote; zero when there is none.
func retryTime(header http.Header) time.Time {
	until, err := http.ParseTime(header.Get("Retry-After"))
	if err != nil {
		return time.Time{}
	}
	return until.UTC()
}

// nameRetry replaces the vendor's Retry-After of a refusal by the time, on our clock, when asking again makes sense,
// clamped; it removes it when the vendor named none. So Classify needs neither the dialect nor a clock.
func (f *front) nameRetry(resp *http.Response) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return
	}
	wait, named := namedWait(f.options.Dialect, resp, f.options.Now())
	if !named {
		resp.Header.Del("Retry-After")
		return
	}
	until := f.options.Now().Add(min(wait, f.options.MaxWait)).Add(time.Second - 1).Truncate(time.Second)
	resp.Header.Set("Retry-After", until.UTC().Format(http.TimeFormat))
}
