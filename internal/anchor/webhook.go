package anchor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/store"
)

// SignatureHeader carries "sha256=" and the HMAC-SHA256 of the body, in hex, as GitHub's and Jira's webhooks do.
const SignatureHeader = "X-Hub-Signature-256"

// Webhook posts checkpoints to an address that somebody else keeps: an archive, a chat, another organisation.
type Webhook struct {
	// URL is where to post. It is https, or http on this machine only; whoever makes the anchor has checked it.
	URL string
	// Secret signs the body, so that the receiver knows who speaks; empty for no signature.
	Secret secret.Value
	// Client sends. It must follow no redirect: the address was chosen with care.
	Client *http.Client
}

// NewClient returns a client that follows no redirect.
func NewClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Name returns "webhook".
func (h Webhook) Name() string { return "webhook" }

// posted is the body of a post.
type posted struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Note   string `json:"note"` // the signed note
}

// maxAnswer bounds what is read of an answer, which nobody looks at.
const maxAnswer = 1 << 16

// Put posts the checkpoint as JSON. Any answer of the class 2xx is consent.
//
// Errors: [access.ErrUnavailable], [access.ErrDenied] when the receiver refuses; without the address.
func (h Webhook) Put(ctx context.Context, c store.Checkpoint) error {
	body, err := json.Marshal(posted{Origin: originOf(c), Size: c.Size, Note: c.Note})
	if err != nil {
		return fmt.Errorf("anchor post has no JSON form: %w", access.ErrInvalid)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil { // its text repeats the address
		return fmt.Errorf("anchor address is not understood: %w", access.ErrInvalid)
	}
	request.Header.Set("Content-Type", "application/json")
	if !h.Secret.Empty() {
		mac := hmac.New(sha256.New, []byte(h.Secret.Reveal()))
		mac.Write(body)
		request.Header.Set(SignatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	answer, err := h.Client.Do(request)
	if err != nil { // its text repeats the address
		return fmt.Errorf("anchor post got no answer: %w", access.ErrUnavailable)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)); err != nil { // so that the connection can be used again
		return fmt.Errorf("anchor post got no whole answer: %w", access.ErrUnavailable)
	}
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return nil
	case answer.StatusCode >= 300 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
		return fmt.Errorf("anchor post was refused: %w", access.ErrDenied)
	default:
		return fmt.Errorf("anchor post was not taken: %w", access.ErrUnavailable)
	}
}
