package transport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/connectors/conntest"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

// plain is the least connector there can be.
type plain struct {
	client *transport.Client
	base   string
}

func newPlain(t testing.TB, s conntest.Setup) *plain {
	t.Helper()
	o := s.Tune
	base, err := url.Parse(s.BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	o.Connector, o.BaseURL = "plain", base
	o.Authorize = func(req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+s.Secret)
		return nil
	}
	c, err := transport.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &plain{c, s.BaseURL}
}

// send makes a request and decodes its answer.
func (p *plain) send(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, strings.NewReader(`{}`))
	if err != nil {
		return transport.Cause(err)
	}
	resp, err := p.client.HTTP().Do(req)
	if err != nil {
		return transport.Classify(method, 0, nil, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return transport.Classify(method, resp.StatusCode, resp.Header, nil)
	}
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return transport.Classify(method, resp.StatusCode, resp.Header, err)
	}
	return nil
}

type list struct {
	Items []string `json:"items"`
	Next  string   `json:"next"`
}

func (p *plain) list(ctx context.Context) ([]string, error) {
	var all []string
	var pages transport.Pages
	for path := "/list"; ; {
		var page list
		if err := p.send(ctx, http.MethodGet, path, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		if err := pages.Next(page.Next); err != nil {
			return nil, err
		}
		path = "/list?after=" + page.Next
	}
}

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, text)
	}
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func write(method string, mark func(context.Context) context.Context) func(context.Context, *plain) (any, error) {
	return func(ctx context.Context, p *plain) (any, error) {
		return nil, p.send(mark(ctx), method, "/things/1", &struct{}{})
	}
}

func unmarked(ctx context.Context) context.Context { return ctx }

func TestThePlainConnectorBehavesAsConnectorsMust(t *testing.T) {
	conntest.Run(t, conntest.Subject[*plain]{New: newPlain, Calls: []conntest.Call[*plain]{
		{Name: "list", Kind: conntest.Read, Answer: answer(`{"items":["a","b"]}`), MorePages: answer(`{"items":["a"],"next":"c1"}`),
			Do: func(ctx context.Context, p *plain) (any, error) { return p.list(ctx) }},
		{Name: "put", Kind: conntest.IdempotentWrite, Answer: noContent, Do: write(http.MethodPut, unmarked)},
		{Name: "delete", Kind: conntest.IdempotentWrite, Answer: noContent, Do: write(http.MethodDelete, unmarked)},
		{Name: "marked post", Kind: conntest.IdempotentWrite, Answer: answer(`{}`), Do: write(http.MethodPost, transport.WithIdempotent)},
		{Name: "post", Kind: conntest.Write, Answer: answer(`{}`), Do: write(http.MethodPost, unmarked)},
		{Name: "patch", Kind: conntest.Write, Answer: answer(`{}`), Do: write(http.MethodPatch, unmarked),
			Causes: map[int]error{404: access.ErrNotFound}},
	}})
}
