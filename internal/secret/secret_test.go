package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/secret"
)

const text = "s3cr3t-of-nobody"

type holder struct {
	Shown  secret.Value
	hidden secret.Value
}

func TestNoVerbShowsTheSecret(t *testing.T) {
	h := holder{Shown: secret.New(text), hidden: secret.New(text)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%10s", "%b", "%o", "%p", "%t", "%e"} {
		for name, value := range map[string]any{"value": h.Shown, "pointer": &h.Shown, "field": h, "pointer to holder": &h,
			"slice": []secret.Value{h.hidden}, "map": map[string]secret.Value{"k": h.hidden}} {
			if got := fmt.Sprintf(strings.Replace(verb, "%T ", "", 1), value); leaks(got) {
				t.Errorf("%s of %s shows the secret", verb, name)
			}
		}
	}
	if got := fmt.Sprint(h.Shown); got != "[secret]" {
		t.Errorf("printed as %q", got)
	}
}

// leaks tells whether s holds the secret as text or in hexadecimal.
func leaks(s string) bool {
	return strings.Contains(s, text) || strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", text))
}

func TestNoEncodingShowsTheSecret(t *testing.T) {
	h := holder{Shown: secret.New(text), hidden: secret.New(text)}
	asJSON, err := json.Marshal(h)
	if err != nil || leaks(string(asJSON)) || !strings.Contains(string(asJSON), "[secret]") {
		t.Errorf("JSON: %s, %v", asJSON, err)
	}
	asXML, err := xml.Marshal(h)
	if err != nil || leaks(string(asXML)) {
		t.Errorf("XML: %s, %v", asXML, err)
	}
}

func TestNoLogHandlerShowsTheSecret(t *testing.T) {
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "value", secret.New(text), "holder", holder{hidden: secret.New(text)})
	}
	if leaks(out.String()) || !strings.Contains(out.String(), "[secret]") {
		t.Errorf("log: %s", out.String())
	}
}

func TestNoErrorShowsTheSecret(t *testing.T) {
	if err := fmt.Errorf("with %v: %w", secret.New(text), errors.ErrUnsupported); leaks(err.Error()) {
		t.Error(err)
	}
}

func TestRevealGivesTheTextBack(t *testing.T) {
	var decoded secret.Value
	if err := decoded.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if decoded.Reveal() != text || secret.New(text).Reveal() != text {
		t.Error("the text is lost")
	}
	if !(secret.Value{}).Empty() || decoded.Empty() {
		t.Error("Empty is wrong")
	}
}

func TestEqualComparesTheTexts(t *testing.T) {
	for _, c := range []struct {
		a, b secret.Value
		want bool
	}{
		{secret.New(text), secret.New(text), true},
		{secret.New(text), secret.New(text + "x"), false},
		{secret.New(text), secret.Value{}, false},
		{secret.Value{}, secret.New(""), true},
	} {
		if got := c.a.Equal(c.b); got != c.want {
			t.Errorf("Equal = %v, want %v", got, c.want)
		}
	}
}
