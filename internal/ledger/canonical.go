package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/maisonrmi/sopd/internal/access"
)

// maxDepth ends the recursion on text from outside. Our own bodies are three or four deep.
const maxDepth = 64

// Canonical returns the JSON text in canonical form.
//
// Errors: [access.ErrInvalid] for text that is no single JSON value, for numbers that are not whole, for invalid UTF-8,
// and for nesting deeper than 64. Of a key that stands twice in one object the last value is kept.
func Canonical(text []byte) ([]byte, error) {
	value, err := decodeValue(text)
	if err != nil {
		return nil, err
	}
	return appendValue(make([]byte, 0, len(text)), value, 0)
}

// decodeValue reads a JSON text, numbers as [json.Number].
func decodeValue(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("text is not UTF-8: %w", access.ErrInvalid)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("text is not JSON: %w", access.ErrInvalid)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value: %w", access.ErrInvalid)
	}
	return value, nil
}

// appendValue appends what [json.Decoder] made of a value, with numbers as [json.Number].
func appendValue(out []byte, value any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d: %w", maxDepth, access.ErrInvalid)
	}
	switch v := value.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case json.Number:
		return appendNumber(out, v)
	case string:
		return appendString(out, v), nil
	case []any:
		return appendArray(out, v, depth)
	case map[string]any:
		return appendObject(out, v, depth)
	default:
		return nil, fmt.Errorf("value of type %T: %w", value, access.ErrInvalid)
	}
}

func appendNumber(out []byte, number json.Number) ([]byte, error) {
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(number) {
		return nil, fmt.Errorf("number is not a whole number of 64 bits: %w", access.ErrInvalid)
	}
	return strconv.AppendInt(out, n, 10), nil
}

func appendArray(out []byte, values []any, depth int) ([]byte, error) {
	out = append(out, '[')
	for i, value := range values {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendValue(out, value, depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendObject(out []byte, object map[string]any, depth int) ([]byte, error) {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	out = append(out, '{')
	for i, key := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, key), ':')
		var err error
		if out, err = appendValue(out, object[key], depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendString escapes what must be escaped and nothing else. Invalid UTF-8 becomes U+FFFD, as in encoding/json.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < 0x20:
			out = appendControl(out, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}

func appendControl(out []byte, r rune) []byte {
	const short = "\b\f\n\r\t"
	if i := bytes.IndexRune([]byte(short), r); i >= 0 {
		return append(out, '\\', "bfnrt"[i])
	}
	return fmt.Appendf(out, `\u%04x`, r)
}
