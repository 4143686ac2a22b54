package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// Internal, because the waits that a vendor can ask for last minutes, and are checked without waiting for them.

func noon() time.Time { return time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC) }

// refused returns a 429 with headers given as name, value, name, value.
func refused(pairs ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return &http.Response{StatusCode: http.StatusTooManyRequests, Header: h}
}

func TestEachVendorsWayToNameAWaitIsRead(t *testing.T) {
	date := noon().Add(-10 * time.Minute).Format(http.TimeFormat) // the vendor's clock is ten minutes behind ours
	epoch := strconv.FormatInt(noon().Add(-10*time.Minute).Add(42*time.Second).Unix(), 10)
	const none = -1
	for name, c := range map[string]struct {
		dialect Dialect
		resp    *http.Response
		want    time.Duration
	}{
		"Okta's reset is counted from its Date":      {DialectOkta, refused("X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", epoch, "Date", date), 42 * time.Second},
		"Okta's limit of simultaneous requests":      {DialectOkta, refused("X-Rate-Limit-Limit", "0", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", epoch, "Date", date), none},
		"Okta's reset without the rest":              {DialectOkta, refused("X-Rate-Limit-Reset", epoch, "Date", date), none},
		"Okta's reset in the past":                   {DialectOkta, refused("X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "1", "Date", date), none},
		"Okta's reset in this very second":           {DialectOkta, refused("X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", strconv.FormatInt(noon().Add(-10*time.Minute).Unix(), 10), "Date", date), none},
		"Okta's reset in milliseconds":               {DialectOkta, refused("X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", epoch+"000", "Date", date), time.Hour},
		"Okta's reset beyond all arithmetic":         {DialectOkta, refused("X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "9223372036854775807", "Date", date), time.Hour},
		"Okta's reset before all arithmetic":         {DialectOkta, refused("X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "-9223372036854775808", "Date", date), none},
		"Jira's Retry-After":                         {DialectAtlassian, refused("Retry-After", "7"), 7 * time.Second},
		"Jira's reset in ISO 8601":                   {DialectAtlassian, refused("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "2026-11-02T12:00:30Z"), 30 * time.Second},
		"Jira's reset without seconds":               {DialectAtlassian, refused("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "2026-11-02T12:01Z"), time.Minute},
		"Jira's reset while requests are left":       {DialectAtlassian, refused("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "5", "X-RateLimit-Reset", "2026-11-02T12:01Z"), none},
		"Opsgenie's period":                          {DialectOpsgenie, refused("X-RateLimit-State", "THROTTLED", "X-RateLimit-Period-In-Sec", "60"), time.Minute},
		"Opsgenie's Retry-After before its period":   {DialectOpsgenie, refused("Retry-After", "3", "X-RateLimit-Period-In-Sec", "60"), 3 * time.Second},
		"Retry-After as a date":                      {DialectAtlassian, refused("Retry-After", noon().Add(-10*time.Minute).Add(5*time.Second).Format(http.TimeFormat), "Date", date), 5 * time.Second},
		"Retry-After of zero":                        {DialectAtlassian, refused("Retry-After", "0"), none},
		"Retry-After below zero":                     {DialectAtlassian, refused("Retry-After", "-5"), none},
		"Retry-After of nonsense":                    {DialectAtlassian, refused("Retry-After", "soon"), none},
		"Retry-After beyond all arithmetic":          {DialectAtlassian, refused("Retry-After", "9223372036854775807"), 24 * time.Hour},
		"another vendor's headers are not looked at": {DialectOkta, refused("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "2026-11-02T12:01Z"), none},
		"nothing": {DialectOkta, refused(), none},
	} {
		got, named := namedWait(c.dialect, c.resp, noon())
		if !named {
			got = none
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestNoWaitIsLongerThanTheCeilingNorShorterThanNothing(t *testing.T) {
	c := client(t, Options{MinWait: 100 * time.Millisecond, MaxWait: 2 * time.Second, Dialect: DialectAtlassian})
	for n := range 40 {
		for _, resp := range []*http.Response{nil, refused(), refused("Retry-After", "86400"), refused("Retry-After", "1"), {StatusCode: 503, Header: http.Header{}}} {
			if wait := c.backoff(c.options.MinWait, c.options.MaxWait, n, resp); wait <= 0 || wait > 2*time.Second {
				t.Errorf("attempt %d: wait %v", n, wait)
			}
		}
	}
	if wait := c.backoff(c.options.MinWait, c.options.MaxWait, 0, refused("Retry-After", "1")); wait < time.Second {
		t.Errorf("wait %v is shorter than the vendor asks", wait)
	}
}

func TestTheWaitsOfManyAreSpread(t *testing.T) {
	c := client(t, Options{MinWait: time.Second, MaxWait: time.Hour, Dialect: DialectOkta})
	seen := map[time.Duration]bool{}
	for range 20 {
		seen[c.backoff(c.options.MinWait, c.options.MaxWait, 3, nil)] = true
	}
	if len(seen) < 10 {
		t.Errorf("%d different waits of 20", len(seen))
	}
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://vendor.example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Connector, o.BaseURL, o.Now = "okta", req.URL, noon
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// report makes c learn a budget of 100 with the given rest, reset in a minute.
func report(t *testing.T, c *Client, remaining int) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://vendor.example.com/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp := refused("X-Rate-Limit-Limit", "100", "X-Rate-Limit-Remaining", strconv.Itoa(remaining), "X-Rate-Limit-Reset", strconv.FormatInt(noon().Add(time.Minute).Unix(), 10))
	resp.StatusCode = http.StatusOK
	c.limits.learn(req, resp)
	return req
}

func TestBelowItsShareTheClientSlowsDownMoreAndMore(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta, Share: 60})
	for remaining, want := range map[int]time.Duration{100: 0, 41: 0, 40: 0, 39: time.Minute / 40, 1: 30 * time.Second, 0: time.Minute} {
		report(t, c, remaining)
		if got := c.limits.spend(""); got != want {
			t.Errorf("%d left: wait %v, want %v", remaining, got, want)
		}
	}
}

func TestWhatWasSentSinceCountsAgainstTheBudget(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta})
	report(t, c, 51)
	waits := []bool{}
	for range 3 {
		waits = append(waits, c.limits.spend("") > 0)
	}
	if waits[0] || waits[1] || !waits[2] {
		t.Errorf("waits %v, want the third only", waits)
	}
}

func TestNoMoreThanTheShareIsSpentInAWindowHoweverMuchOthersLeave(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta, Share: 10, MaxWait: time.Hour})
	free, slow := 0, 0
	for range 12 {
		report(t, c, 90) // others spend nothing, and the vendor says so each time
		switch wait := c.limits.spend(""); {
		case wait == 0:
			free++
		case wait < time.Minute:
			slow++
		}
	}
	// The first answer told of the window and was one request; 9 more are the share of ten, the last of them slowly.
	if free != 8 || slow != 1 {
		t.Errorf("%d at full speed and %d slowly, want 8 and 1, the rest after the window", free, slow)
	}
	c.limits.now = func() time.Time { return noon().Add(time.Minute) }
	if wait := c.limits.spend(""); wait != 0 {
		t.Errorf("wait %v in the next window", wait)
	}
}

func TestARepeatedRequestCountsAgainstTheShareAndDoesNotWaitTwice(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta, Share: 10, MaxWait: time.Hour})
	req := report(t, c, 90)
	for range 9 {
		c.limits.count(req)
	}
	if wait := c.limits.spend(""); wait != time.Minute {
		t.Errorf("wait %v after repeats that have used up the share, want the rest of the window", wait)
	}
}

func TestAResetFarOffSlowsDownForAnHourAtMost(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta, MaxWait: 365 * 24 * time.Hour})
	req := report(t, c, 50)
	resp := refused("X-Rate-Limit-Limit", "100", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", strconv.FormatInt(noon().UnixMilli(), 10))
	c.limits.learn(req, resp)
	if wait := c.limits.spend(""); wait != time.Hour {
		t.Errorf("wait %v, want an hour", wait)
	}
}

func TestJiraIsSlowedDownWhenItSaysThatItsLimitIsNear(t *testing.T) {
	for name, c := range map[string]struct {
		resp *http.Response
		slow bool
	}{
		"near, without figures":        {refused("X-RateLimit-NearLimit", "true"), true},
		"near, figures not understood": {refused("X-RateLimit-NearLimit", "TRUE", "X-RateLimit-Limit", "many"), true},
		"not near":                     {refused("X-RateLimit-NearLimit", "false"), false},
		"figures say more than the word": {refused("X-RateLimit-NearLimit", "true", "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "90",
			"X-RateLimit-Reset", "2026-11-02T12:01:00Z"), false},
	} {
		jira := client(t, Options{Dialect: DialectAtlassian})
		req := report(t, jira, 100) // Okta's words, which say nothing here
		c.resp.StatusCode = http.StatusOK
		jira.limits.learn(req, c.resp)
		if wait := jira.limits.spend(""); wait > 0 != c.slow {
			t.Errorf("%s: wait %v", name, wait)
		}
	}
}

func TestABudgetWhoseWindowIsOverIsForgotten(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta})
	report(t, c, 0)
	c.limits.now = func() time.Time { return noon().Add(time.Minute) }
	if wait := c.limits.spend(""); wait != 0 {
		t.Errorf("wait %v after the reset", wait)
	}
}

func TestTheSlowDownIsClampedAndEndsWithTheContext(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta, MaxWait: time.Hour})
	req := report(t, c, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.limits.slowDown(req.WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	c = client(t, Options{Dialect: DialectOkta, MaxWait: time.Millisecond})
	report(t, c, 0)
	if wait := c.limits.spend(""); wait != time.Millisecond {
		t.Errorf("wait %v, want the ceiling", wait)
	}
}

func TestBudgetsAreKeptApartByBucketAndBounded(t *testing.T) {
	c := client(t, Options{Dialect: DialectOkta, Bucket: func(r *http.Request) string { return r.URL.Path }})
	for i := range 2 * maxBuckets {
		req := report(t, c, 10)
		req.URL.Path = "/" + strconv.Itoa(i)
		c.limits.learn(req, refused("X-Rate-Limit-Limit", "100", "X-Rate-Limit-Remaining", "7", "X-Rate-Limit-Reset", strconv.FormatInt(noon().Add(time.Minute).Unix(), 10)))
	}
	all := c.Budgets()
	if len(all) != maxBuckets || all["/x"].Remaining != 10 || all["/1"].Remaining != 7 {
		t.Errorf("%d buckets, %+v, %+v", len(all), all["/x"], all["/1"])
	}
	if got := c.Budget(); !got.Known || got.Limit != 100 || got.Remaining != 7 || !got.Reset.Equal(noon().Add(time.Minute)) {
		t.Errorf("budget %+v", got)
	}
}

func TestOpsgenieIsSlowedOnlyWhileItSaysThrottled(t *testing.T) {
	ok := refused("X-RateLimit-State", "OK", "X-RateLimit-Period-In-Sec", "60")
	if budgetOf(DialectOpsgenie, ok, noon()).Known {
		t.Error("OK is taken for a budget")
	}
	throttled := refused("X-RateLimit-State", "THROTTLED", "X-RateLimit-Period-In-Sec", "60")
	if got := budgetOf(DialectOpsgenie, throttled, noon()); !got.Known || got.Remaining != 0 || !got.Reset.Equal(noon().Add(time.Minute)) {
		t.Errorf("budget %+v", got)
	}
}

func TestTheConnectionsAreSafeAndBounded(t *testing.T) {
	base := newBase(30 * time.Second)
	if base.TLSClientConfig.MinVersion != tls.VersionTLS12 || base.TLSClientConfig.InsecureSkipVerify {
		t.Error("TLS is weaker than 1.2 with verification")
	}
	if base.TLSHandshakeTimeout == 0 || base.ResponseHeaderTimeout == 0 || base.IdleConnTimeout == 0 || base.MaxConnsPerHost == 0 {
		t.Error("a connection can wait for ever")
	}
}

func FuzzRateHeadersNeverNameANegativeOrEndlessWait(f *testing.F) {
	f.Add("7", "600", "0", "1793000000", "Mon, 02 Nov 2026 12:00:00 GMT")
	f.Add("Mon, 02 Nov 2026 12:00:00 GMT", "-1", "99999999999999999999", "2026-11-02T12:00Z", "")
	f.Fuzz(func(t *testing.T, after, limit, remaining, reset, date string) {
		resp := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {after}, "Date": {date}}}
		for _, prefix := range []string{"X-Rate-Limit-", "X-Ratelimit-"} {
			resp.Header[prefix+"Limit"], resp.Header[prefix+"Remaining"], resp.Header[prefix+"Reset"] = []string{limit}, []string{remaining}, []string{reset}
		}
		for _, dialect := range []Dialect{0, DialectOkta, DialectAtlassian, DialectOpsgenie} {
			if wait, _ := namedWait(dialect, resp, noon()); wait < 0 {
				t.Errorf("dialect %d: wait %v", dialect, wait)
			}
			if b := budgetOf(dialect, resp, noon()); b.Known && (b.Remaining < 0 || b.Limit < 0) {
				t.Errorf("dialect %d: budget %+v", dialect, b)
			}
		}
	})
}
