package anchor_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/anchor"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/store"
)

// signed returns a checkpoint of a ledger of three records.
func signed(t *testing.T) (store.Checkpoint, string) {
	t.Helper()
	private, public, err := ledger.GenerateKey("sopd.example.com/ledger")
	if err != nil {
		t.Fatal(err)
	}
	g := newGround(t)
	note, err := ledger.Sign(ledger.Checkpoint{Origin: "sopd.example.com/ledger", Size: 3, At: g.now}, private)
	if err != nil {
		t.Fatal(err)
	}
	return store.Checkpoint{Size: 3, At: g.now, Note: note}, public
}

func TestTheWebhookPostsTheNoteAndSignsThePost(t *testing.T) {
	c, public := signed(t)
	token := secret.New("a-secret-of-sixteen-and-more")
	var body []byte
	var signature string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v", r.Method, err)
		}
		signature = r.Header.Get(anchor.SignatureHeader)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	hook := anchor.Webhook{URL: server.URL, Secret: token, Client: anchor.NewClient()}
	if err := hook.Put(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(token.Reveal()))
	mac.Write(body)
	if signature != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signature %q", signature)
	}
	var got struct {
		Origin, Note string
		Size         int64
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Size != 3 || got.Origin != "sopd.example.com/ledger" {
		t.Fatalf("%s %v", body, err)
	}
	if _, err := ledger.Open(got.Note, public); err != nil {
		t.Error(err)
	}
}

func TestAWebhookThatDoesNotTakeTheNoteIsAnErrorWithoutItsAddress(t *testing.T) {
	c, _ := signed(t)
	followed := false
	for status, want := range map[int]error{
		http.StatusForbidden: access.ErrDenied, http.StatusFound: access.ErrDenied, http.StatusInternalServerError: access.ErrUnavailable,
		http.StatusTooManyRequests: access.ErrUnavailable,
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("/hook", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { followed = true })
		server := httptest.NewServer(mux)
		err := anchor.Webhook{URL: server.URL + "/hook", Client: anchor.NewClient()}.Put(t.Context(), c)
		if !errors.Is(err, want) || strings.Contains(err.Error(), "hook") {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
		err = anchor.Webhook{URL: server.URL + "/hook", Client: anchor.NewClient()}.Put(t.Context(), c)
		if !errors.Is(err, access.ErrUnavailable) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("nobody listens: %v", err)
		}
	}
	if followed {
		t.Error("a redirect was followed")
	}
}
