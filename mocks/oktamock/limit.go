package oktamock

import (
	"net/http"
	"strconv"
	"time"
)

// unlimited is what a bucket allows that nobody set.
const unlimited = 100_000

// PublishedLimits are the requests a minute that Okta last published for a Workforce org.
//
// Source: okta-developer-docs, rate limits, May 2025; since removed there, shown in each org's dashboard.
func PublishedLimits() map[string]int {
	return map[string]int{
		"/api/v1/groups": 500, "/api/v1/groups/{id}": 1000, "/api/v1/users": 600, "GET /api/v1/users/{id}": 2000,
		"/api/v1/users/{id}": 600, "/api/v1/logs": 120, "/api/v1/*": 1200,
	}
}

// limiter counts requests in windows of a minute, a bucket each, that begin with the first request and not on the minute.
type limiter struct {
	allowed map[string]int
	windows map[string]*window
	busy    int // requests under way
}

type window struct {
	ends time.Time
	used int
}

func (l *limiter) init(allowed map[string]int) {
	l.allowed, l.windows = allowed, map[string]*window{}
}

func (l *limiter) limit(bucket string) int {
	if n, ok := l.allowed[bucket]; ok {
		return n
	}
	return unlimited
}

// admit counts the request and refuses it when the bucket is used up or too many are under way.
func (l *limiter) admit(c *call) *answer {
	if l.busy > c.config.Concurrency {
		reply := tooMany(c)
		rateHeaders(reply, 0, 0, c.now().Add(time.Minute))
		return reply
	}
	w := l.windows[c.route.bucket]
	if w == nil || !c.now().Before(w.ends) {
		w = &window{ends: c.now().Add(time.Minute)}
		l.windows[c.route.bucket] = w
	}
	w.used++
	if w.used <= l.limit(c.route.bucket) {
		return nil
	}
	reply := tooMany(c)
	l.stamp(c, reply)
	return reply
}

func tooMany(c *call) *answer {
	return refuse(c, "E0000047", "API call exceeded rate limit due to too many requests.")
}

// stamp writes the state of the request's bucket on the answer.
func (l *limiter) stamp(c *call, a *answer) {
	w := l.windows[c.route.bucket]
	if w == nil {
		return
	}
	limit := l.limit(c.route.bucket)
	rateHeaders(a, limit, max(0, limit-w.used), w.ends)
}

func rateHeaders(a *answer, limit, remaining int, reset time.Time) {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	a.header.Set("X-Rate-Limit-Remaining", strconv.Itoa(remaining))
	a.header.Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Unix(), 10))
}
