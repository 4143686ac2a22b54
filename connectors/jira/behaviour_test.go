package jira_test

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/conntest"
	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// bench is a simulated Jira that the suite's server passes good requests on to.
type bench struct {
	*site
	proxy http.Handler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s := newSite(t, jiramock.Config{})
	target, err := url.Parse(s.URL())
	s.must(err)
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // a request was cancelled
	}
	return &bench{site: s, proxy: proxy}
}

// connector is built with the suite's secret, which the site then knows.
func (b *bench) connector(t testing.TB, s conntest.Setup) *jira.Tickets {
	b.AddUser(jiramock.User{Account: b.bot, Name: "sopd", Email: "sopd@example.com", Token: s.Secret})
	c, err := jira.New(jira.Options{
		URL: s.BaseURL, User: "sopd@example.com", Token: secret.New(s.Secret), Fields: mappedFields, Transport: s.Tune,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fixed(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body)) // the suite's client may be gone
	}
}

// below targets the requests whose path ends so.
func below(ending string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ending) }
}

type call = conntest.Call[*jira.Tickets]

func TestJiraBehavesAsConnectorsMust(t *testing.T) {
	b := newBench(t)
	conntest.Run(t, conntest.Subject[*jira.Tickets]{New: b.connector, Calls: append(b.reads(), b.writes()...)})
}

func (b *bench) reads() []call {
	key := b.request()
	const empty = `"values":[{"id":"1","finalDecision":"pending","approvers":[]}]`
	return []call{
		{Name: "Self", Kind: conntest.Read, Answer: b.proxy.ServeHTTP, Do: func(ctx context.Context, c *jira.Tickets) (any, error) { return c.Self(ctx) }},
		{Name: "Ticket", Kind: conntest.Read, Answer: b.proxy.ServeHTTP,
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) { return c.Ticket(ctx, key) }},
		{Name: "Ticket's history", Kind: conntest.Read, Answer: b.proxy.ServeHTTP, Target: below("/changelog"),
			MorePages: fixed(`{"startAt":0,"total":1000000,"isLast":false,"values":[{"id":"1","created":1,"items":[]}]}`),
			Do:        func(ctx context.Context, c *jira.Tickets) (any, error) { return c.Ticket(ctx, key) }},
		{Name: "Changed", Kind: conntest.Read, Answer: b.proxy.ServeHTTP, Target: below("/search/jql"),
			MorePages: fixed(`{"issues":[],"nextPageToken":"more"}`), Do: changed},
		{Name: "Changed's histories", Kind: conntest.Read, Answer: b.proxy.ServeHTTP, Target: below("/bulkfetch"),
			MorePages: fixed(`{"issueChangeLogs":[],"nextPageToken":"more"}`), Do: changed},
		{Name: "Approvals", Kind: conntest.Read, Answer: b.proxy.ServeHTTP, MorePages: fixed(`{"start":0,"isLastPage":false,` + empty + `}`),
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) { return c.Approvals(ctx, key) }},
		{Name: "Comments", Kind: conntest.Read, Answer: b.proxy.ServeHTTP,
			MorePages: fixed(`{"startAt":0,"total":1000000,"comments":[{"id":"1","body":"x","created":"2026-11-02T09:00:00.000+0000"}]}`),
			Do:        func(ctx context.Context, c *jira.Tickets) (any, error) { return c.Comments(ctx, key) }},
		{Name: "Attachments", Kind: conntest.Read, Answer: b.proxy.ServeHTTP,
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) { return c.Attachments(ctx, key) }},
	}
}

func (b *bench) writes() []call {
	key := b.request()
	link := jira.RemoteLink{GlobalID: "g", URL: "https://example.com", Title: "t"}
	out := []call{
		{Name: "Link", Kind: conntest.IdempotentWrite, Answer: b.proxy.ServeHTTP,
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) { return nil, c.Link(ctx, key, link) }},
		{Name: "Comment", Kind: conntest.Write, Answer: b.proxy.ServeHTTP,
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) {
				return c.Comment(ctx, key, jira.NewComment{Body: "x"})
			}},
		{Name: "Attach", Kind: conntest.Write, Answer: b.proxy.ServeHTTP,
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) {
				return nil, c.Attach(ctx, key, "a.txt", strings.NewReader("x"))
			}},
		{Name: "Create", Kind: conntest.Write, Answer: b.unmarked,
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) { return c.Create(ctx, newTicket()) }},
		{Name: "Transition", Kind: conntest.Write, Answer: unmoved(b.proxy),
			Do: func(ctx context.Context, c *jira.Tickets) (any, error) {
				return nil, c.Transition(ctx, key, "In progress")
			}},
	}
	return out
}

func changed(ctx context.Context, c *jira.Tickets) (any, error) {
	return c.Changed(ctx, jira.Query{Projects: []string{"ACC"}, Since: time.Unix(1, 0)})
}

// unmarked finds no ticket by its marker, whatever other runs have created.
func (b *bench) unmarked(w http.ResponseWriter, r *http.Request) {
	if below("/search/jql")(r) {
		fixed(`{"issues":[],"isLast":true}`)(w, r)
		return
	}
	b.proxy.ServeHTTP(w, r)
}

// unmoved shows the ticket where it was, and takes any transition.
func unmoved(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusNoContent)
		case below("/transitions")(r):
			fixed(`{"transitions":[{"id":"11","name":"Start work","to":{"name":"In progress"}}]}`)(w, r)
		case strings.Contains(r.URL.Path, "/issue/"):
			fixed(`{"fields":{"status":{"name":"Waiting for approval"}}}`)(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	}
}
