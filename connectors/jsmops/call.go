package jsmops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

// request is one call of an API.
type request struct {
	method string
	base   *url.URL
	path   string // absolute; made of checked identifiers only
	query  url.Values
	body   any // nil: none
}

// read makes a GET of the REST API below the site's v1.
func (p *Pager) read(ctx context.Context, below string, query url.Values, into any) error {
	cloud, err := p.cloud(ctx)
	if err != nil {
		return err
	}
	return send(ctx, p.transport.HTTP(), request{http.MethodGet, p.base, restPath + cloud + "/v1" + below, query, nil}, into)
}

// event makes an integration event, or asks for the status of one.
func (p *Pager) event(ctx context.Context, method, below string, body, into any) error {
	return send(ctx, p.transport.HTTP(), request{method, p.base, eventsPath + below, nil, body}, into)
}

// send makes r and decodes its answer. Every error has a cause of package access and holds nothing that was sent or
// received.
func send(ctx context.Context, client *http.Client, r request, into any) error {
	req, err := r.build(ctx)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return transport.Classify(r.method, 0, nil, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		err = decode(resp.Body, into)
	}
	return transport.Classify(r.method, resp.StatusCode, resp.Header, err)
}

func (r request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("jsmops: request cannot be encoded: %w", access.ErrInvalid)
		}
		body = bytes.NewReader(text)
	}
	u := *r.base
	u.Path, u.RawQuery = r.path, r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("jsmops: request cannot be made: %w", access.ErrInvalid)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// errNotWhole is why an answer cannot be decoded; the transport says what that means.
var errNotWhole = errors.New("not one JSON value")

// decode reads the one JSON value of body.
func decode(body io.Reader, into any) error {
	d := json.NewDecoder(body)
	if err := d.Decode(into); err != nil {
		return errNotWhole
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errNotWhole
	}
	return nil
}
