package conntest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/maisonrmi/sopd/connectors/conntest"
)

// faultyVariable names the faulty connector that a second run of this test binary holds against the suite.
const faultyVariable = "CONNTEST_FAULTY"

// naive is a connector as one writes it in a hurry: whatever the client does is what happens.
type naive struct {
	client *http.Client
	base   string
}

func (n *naive) do(ctx context.Context, method string) (any, error) {
	req, err := http.NewRequestWithContext(ctx, method, n.base+"/things", strings.NewReader("{}"))
	if err != nil {
		return nil, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 && resp.StatusCode != http.StatusTooManyRequests {
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		return []string{"half a result"}, &statusError{string(text)}
	}
	var list struct {
		Items []string `json:"items"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&list) // the fault that makes an unreadable answer an empty list
	return list.Items, nil
}

type statusError struct{ body string }

func (e *statusError) Error() string { return "vendor said " + e.body }

// TestFaulty runs a faulty connector through the suite, in the second run only.
func TestFaulty(t *testing.T) {
	clients := map[string]func() *http.Client{
		"bare": func() *http.Client { return &http.Client{Timeout: time.Second} },
		"eager": func() *http.Client {
			c := retryablehttp.NewClient()
			c.RetryMax, c.Logger = 3, nil
			// Its own would wait a day for the suite's Retry-After.
			c.Backoff = func(time.Duration, time.Duration, int, *http.Response) time.Duration { return time.Millisecond }
			c.HTTPClient.Timeout = time.Second
			return c.StandardClient()
		},
	}
	client, ok := clients[os.Getenv(faultyVariable)]
	if !ok {
		t.Skip("runs only as the second run of TestTheSuiteSeesFaultyConnectors")
	}
	call := func(name, method string, kind conntest.Kind) conntest.Call[*naive] {
		return conntest.Call[*naive]{Name: name, Kind: kind,
			Answer:    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"items":["a"]}`) }, // seen by the client
			MorePages: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"items":["a"],"next":"b"}`) },
			Do:        func(ctx context.Context, n *naive) (any, error) { return n.do(ctx, method) }}
	}
	conntest.Run(t, conntest.Subject[*naive]{
		New:   func(_ testing.TB, s conntest.Setup) *naive { return &naive{client(), s.BaseURL} },
		Calls: []conntest.Call[*naive]{call("read", http.MethodGet, conntest.Read), call("write", http.MethodPost, conntest.Write)},
	})
}

// TestTheSuiteSeesFaultyConnectors holds connectors without our transport against the suite: a suite that lets them pass
// proves nothing about ours.
func TestTheSuiteSeesFaultyConnectors(t *testing.T) {
	failed := map[string][]string{}
	for _, faulty := range []string{"bare", "eager"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaulty$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), faultyVariable+"="+faulty)
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Fatalf("the %s connector passes the suite", faulty)
		}
		for line := range strings.Lines(string(out)) {
			if _, name, ok := strings.Cut(line, "--- FAIL: TestFaulty/"); ok {
				name, _, _ = strings.Cut(name, " (")
				failed[faulty] = append(failed[faulty], name)
			}
		}
	}
	for faulty, checks := range map[string][]string{
		"bare": {"read/is_repeated_only_when_that_is_safe/503", "read/is_repeated_only_when_that_is_safe/connection_dropped",
			"read/names_the_cause_of_a_refusal_and_is_not_repeated/403", "read/gives_up_after_its_retries/503", "write/shows_cancellation",
			"read/refuses_a_redirect/302", "read/refuses_an_answer_over_the_limit", "read/refuses_an_answer_that_is_not_whole/half",
			"read/refuses_an_answer_that_is_not_whole/empty", "read/refuses_a_web_page", "write/refuses_a_web_page",
			"read/fails_whole_when_a_further_page_fails/500", "read/ends_endless_paging"},
		"eager": {"write/is_repeated_only_when_that_is_safe/503", "write/is_repeated_only_when_that_is_safe/connection_dropped",
			"write/gives_up_after_its_retries/503", "write/ends_at_its_deadline"},
	} {
		for _, check := range checks {
			if !slices.Contains(failed[faulty], check) {
				t.Errorf("the %s connector passes %q", faulty, check)
			}
		}
	}
}
