package conntest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// Recorder stands between a connector and a vendor and keeps what the vendor sends. It is safe for concurrent use.
type Recorder struct {
	URL string // to connect to, in the vendor's place

	mu   sync.Mutex
	sent bytes.Buffer
}

// Record returns a recorder in front of the vendor at the address, until the test ends.
func Record(t testing.TB, vendor string) *Recorder {
	t.Helper()
	target, err := url.Parse(vendor)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Header.Del("Accept-Encoding") // bodies are to be read
		},
		ModifyResponse: r.keep,
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *Recorder) keep(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent.Write(body)
	return nil
}

// Sent reports whether the vendor has sent exactly these bytes, alone or inside of an answer. Nothing was never sent.
func (r *Recorder) Sent(text []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(text) > 0 && bytes.Contains(r.sent.Bytes(), text)
}
