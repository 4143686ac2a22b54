package access

import (
	"errors"
	"time"
)

// The causes that callers tell apart with [errors.Is]. A connector wraps one of them around every error it returns;
// vendor codes and HTTP statuses stay inside the connector.
var (
	// ErrUnauthenticated: the vendor does not accept the credential. No answer can be trusted until it is mended.
	ErrUnauthenticated = errors.New("credential not accepted")
	// ErrDenied: the credential is valid and may not do this.
	ErrDenied = errors.New("permission denied")
	// ErrNotFound: the vendor says that the object does not exist, or does not exist for us.
	ErrNotFound = errors.New("not found")
	// ErrThrottled: the vendor's rate limit; see [RetryAfter].
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: a read did not get an answer, or the vendor answered that it cannot serve now.
	ErrUnavailable = errors.New("unavailable")
	// ErrUnconfirmed: a write may or may not have happened. It must be looked up, never blindly repeated.
	ErrUnconfirmed = errors.New("unconfirmed")
	// ErrIncomplete: a list did not reach its last page. Nothing of it may be used.
	ErrIncomplete = errors.New("incomplete read")
	// ErrMalformed: the answer could not be understood.
	ErrMalformed = errors.New("malformed answer")
	// ErrInvalid: the vendor, or our own check before it, refused the request as wrong. Repeating it cannot help.
	ErrInvalid = errors.New("invalid request")
	// ErrConflict: the object's present state does not allow this; it may later.
	ErrConflict = errors.New("conflict")
)

// ThrottledError is [ErrThrottled] with the time when asking again makes sense.
type ThrottledError struct {
	// Until is when the vendor's window opens again, already clamped by the transport. Zero when the vendor gave none.
	Until time.Time
}

// Error says that the vendor throttles, without the vendor's text.
func (e *ThrottledError) Error() string { return ErrThrottled.Error() }

// Unwrap returns [ErrThrottled].
func (e *ThrottledError) Unwrap() error { return ErrThrottled }

// RetryAfter returns when the vendor that throttled err asks to be asked again. ok is false when err is not throttling
// or the vendor named no time.
func RetryAfter(err error) (until time.Time, ok bool) {
	var throttled *ThrottledError
	if !errors.As(err, &throttled) || throttled.Until.IsZero() {
		return time.Time{}, false
	}
	return throttled.Until, true
}

// Problem is something that keeps a vendor from being used as configured, for people to mend.
type Problem struct {
	What string // such as "list alerts"; closed phrases, no personal data
	Fix  string // what to do about it, in one sentence
	Err  error  // the cause
}
