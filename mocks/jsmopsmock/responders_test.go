package jsmopsmock_test

import (
	"testing"

	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

func TestARespondersTypeAndNameAreLookedAt(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	c := &caller{t: t, base: s.URL(), auth: genie}
	for responder, want := range map[string]int{
		`{"type":"schedule","name":"Nights"}`: 202, `{"type":"team","id":"t-1"}`: 202,
		`{"type":"rota","name":"Nights"}`: 422, `{"type":"schedule"}`: 422, `{"name":"Nights"}`: 422,
	} {
		if code, body := c.do("POST", events, `{"message":"m","responders":[`+responder+`]}`); code != want {
			t.Errorf("%s: %d %v, want %d", responder, code, body, want)
		}
	}
}
