package opsgeniemock_test

import (
	"testing"

	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

func TestARespondersTypeAndNameAreLookedAt(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	for responder, want := range map[string]int{
		`{"type":"schedule","name":"Nights"}`: 202, `{"type":"team","id":"t-1"}`: 202, `{"type":"user","username":"ada@example.com"}`: 202,
		`{"type":"rota","name":"Nights"}`: 422, `{"type":"schedule"}`: 422, `{"name":"Nights"}`: 422,
	} {
		if code, _, body := ask(t, s, "POST", "/v2/alerts", `{"message":"m","responders":[`+responder+`]}`); code != want {
			t.Errorf("%s: %d %v, want %d", responder, code, body, want)
		}
	}
}
