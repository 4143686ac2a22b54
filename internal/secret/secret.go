// Package secret holds credentials so that they cannot be printed by accident.
//
// It imports the standard library only.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what every format shows in place of a secret.
const hidden = "[secret]"

// Value is a credential. It shows itself as "[secret]" in every fmt verb, in JSON, XML and text, and in slog, also as a
// field of another struct. The zero Value is the empty secret. Values cannot be compared with ==; use [Value.Equal].
type Value struct {
	// reveal keeps the text out of reach of reflection: fmt cannot call methods on unexported fields of other structs and
	// would print a plain string.
	reveal func() string
}

// New returns s as a secret.
func New(s string) Value { return Value{reveal: func() string { return s }} }

// Reveal returns the text of v, for the one place that puts it on the wire.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Empty tells whether there is no text in v.
func (v Value) Empty() bool { return v.Reveal() == "" }

// Equal compares v with other in a time that depends neither on where they differ nor on their lengths.
func (v Value) Equal(other Value) bool {
	a, b := sha256.Sum256([]byte(v.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Format writes "[secret]" for every verb and flag.
func (v Value) Format(f fmt.State, _ rune) {
	// A writer that refuses the placeholder has nothing to leak; fmt reports its own write errors.
	_, _ = io.WriteString(f, hidden)
}

// String returns "[secret]".
func (v Value) String() string { return hidden }

// LogValue returns "[secret]".
func (v Value) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns "[secret]"; encoding/json and encoding/xml use it. The error is always nil.
func (v Value) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText takes text as the secret, so that configuration can be decoded into a Value. The error is always nil.
func (v *Value) UnmarshalText(text []byte) error {
	*v = New(string(text))
	return nil
}
