package transport

import (
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBuckets bounds the memory of budgets should Options.Bucket not keep to a closed set.
const maxBuckets = 256

// Budget is what a vendor last said about its rate limit. The zero Budget is not known.
type Budget struct {
	Limit     int       // requests a window; 0 when the vendor gives no figure
	Remaining int       // requests left in the window, less those that we sent since
	Reset     time.Time // when the window opens again, on our clock
	Known     bool      // the vendor has reported a budget
}

// limits remembers the budgets of a vendor and spends them carefully.
type limits struct {
	dialect Dialect
	share   int
	maxWait time.Duration
	bucket  func(*http.Request) string
	now     func() time.Time
	logger  *slog.Logger

	mu      sync.Mutex
	latest  Budget
	budgets map[string]Budget
	own     map[string]window
	skew    time.Duration
}

// window is what we ourselves have sent since the vendor's window opened.
type window struct {
	reset time.Time
	sent  int
}

func newLimits(o Options) *limits {
	return &limits{dialect: o.Dialect, share: o.Share, maxWait: o.MaxWait, bucket: o.Bucket, now: o.Now,
		logger: o.Logger.With("connector", o.Connector), budgets: map[string]Budget{}, own: map[string]window{}}
}

func (l *limits) last() Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

func (l *limits) all() map[string]Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.budgets)
}

// learn records the budget that resp reports. What it does not report stays.
func (l *limits) learn(req *http.Request, resp *http.Response) {
	l.compare(resp)
	budget := budgetOf(l.dialect, resp, l.now())
	if !budget.Known {
		return
	}
	key := l.bucket(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = budget
	if _, known := l.budgets[key]; known || len(l.budgets) < maxBuckets {
		l.budgets[key] = budget
		if was := l.own[key]; budget.Reset.Sub(was.reset).Abs() > sameWindow {
			l.own[key] = window{reset: budget.Reset, sent: 1}
		}
	}
}

// compare notes how far our clock is ahead of the vendor's, which shows whole seconds.
func (l *limits) compare(resp *http.Response) {
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.skew = l.now().Sub(at).Truncate(time.Second)
}

func (l *limits) ahead() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.skew
}

// sameWindow is how far apart two answers may put the end of one window: both clocks show whole seconds.
const sameWindow = 5 * time.Second

// slowDown waits before a call when our share of the budget, or the budget itself, runs out. The wait grows as either
// empties, so that the last request is not spent before the window ends.
func (l *limits) slowDown(req *http.Request) error {
	wait := l.spend(l.bucket(req))
	if wait <= 0 {
		return req.Context().Err()
	}
	l.logger.DebugContext(req.Context(), "slowing down for the rate limit", "seconds", wait.Seconds())
	return pause(req.Context(), wait)
}

// count takes a request that is made anyway from the budget and from our share of it.
func (l *limits) count(req *http.Request) { l.spend(l.bucket(req)) }

// spend takes one request from the budget and returns how long to wait before making it: nothing while there is plenty, the
// time to the reset divided by the requests left when there is not, and the whole of it when our share is spent.
func (l *limits) spend(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.budgets[key]
	left := b.Reset.Sub(l.now())
	if !known || left <= 0 {
		return 0
	}
	before := b.Remaining
	b.Remaining = max(b.Remaining-1, 0)
	l.budgets[key] = b
	own := l.ownShare(key, b, left)
	if before > 0 && before*100 >= b.Limit*(100-l.share) {
		return min(own, l.maxWait)
	}
	return min(max(own, left/time.Duration(before+1)), l.maxWait)
}

// lastOfShare is the part of our share, in percent, that is spent slowly.
const lastOfShare = 20

// ownShare counts the request against our share of the window and returns how long it has to wait for that.
func (l *limits) ownShare(key string, b Budget, left time.Duration) time.Duration {
	w := l.own[key]
	quota := max(b.Limit*l.share/100, 1)
	if b.Limit == 0 || l.share == 100 {
		return 0
	}
	ours := quota - w.sent
	w.sent++
	l.own[key] = w
	switch {
	case ours <= 0:
		return left
	case ours*100 < quota*lastOfShare:
		return left / time.Duration(ours+1)
	default:
		return 0
	}
}

// named returns how long the vendor asks to wait after resp. ok is false when it does not say; resp may be nil.
func (l *limits) named(resp *http.Response) (wait time.Duration, ok bool) {
	return namedWait(l.dialect, resp, l.now())
}

// budgetOf reads the rate headers of an answer. Times are put on our own clock by way of the answer's Date.
//
// Source: Okta developer docs, reference/rl-best-practices, 2026-08; developer.atlassian.com, rate-limiting, 2026-03;
// docs.opsgenie.com/docs/response.
func budgetOf(dialect Dialect, resp *http.Response, now time.Time) Budget {
	switch dialect {
	case DialectOkta:
		return figures("X-Rate-Limit-", resp, now)
	case DialectAtlassian:
		if budget := figures("X-Ratelimit-", resp, now); budget.Known {
			return budget
		}
		return near(resp, now)
	case DialectOpsgenie:
		return state(resp, now)
	default:
		return Budget{}
	}
}

// What Atlassian's word that the limit is near stands for where it gives no figures: under a fifth of the budget is left. The
// time is ours to choose: as long as its shortest window of more than a second.
//
// Source: developer.atlassian.com, rate-limiting, 2026-03.
const (
	nearLimit  = 100
	nearLeft   = 20
	nearWindow = time.Minute
)

// near reads X-RateLimit-NearLimit.
func near(resp *http.Response, now time.Time) Budget {
	if !strings.EqualFold(resp.Header.Get("X-Ratelimit-Nearlimit"), "true") {
		return Budget{}
	}
	return Budget{Limit: nearLimit, Remaining: nearLeft, Reset: now.Add(nearWindow), Known: true}
}

// longestWindow is the longest that a budget may be said to last. A reset beyond it is in another unit, or by a clock that is
// wrong, and would slow us down long after the vendor has forgotten.
//
// Source: Okta's windows are a minute, Atlassian's quotas an hour (developer.atlassian.com, rate-limiting, 2026-03).
const longestWindow = time.Hour

// figures reads Limit, Remaining and Reset. Limit 0 with Remaining 0 is Okta's limit of simultaneous requests: no budget.
func figures(prefix string, resp *http.Response, now time.Time) Budget {
	limit, err := strconv.Atoi(resp.Header.Get(prefix + "Limit"))
	if err != nil || limit <= 0 {
		return Budget{}
	}
	remaining, err := strconv.Atoi(resp.Header.Get(prefix + "Remaining"))
	if err != nil || remaining < 0 {
		return Budget{}
	}
	wait, ok := untilReset(resp.Header.Get(prefix+"Reset"), vendorNow(resp, now))
	if !ok {
		return Budget{}
	}
	return Budget{Limit: limit, Remaining: remaining, Reset: now.Add(min(wait, longestWindow)), Known: true}
}

// state reads Opsgenie's headers, which hold no figures: only THROTTLED is a budget, of nothing, for the period.
func state(resp *http.Response, now time.Time) Budget {
	if !strings.EqualFold(resp.Header.Get("X-Ratelimit-State"), "THROTTLED") {
		return Budget{}
	}
	wait, ok := period(resp)
	return Budget{Reset: now.Add(wait), Known: ok}
}

func period(resp *http.Response) (time.Duration, bool) {
	return seconds(resp.Header.Get("X-Ratelimit-Period-In-Sec"))
}

// namedWait returns how long the vendor asks to wait after resp, more than nothing. ok is false when it does not say.
func namedWait(dialect Dialect, resp *http.Response, now time.Time) (wait time.Duration, ok bool) {
	if resp == nil {
		return 0, false
	}
	if wait, ok := retryAfter(resp, now); ok {
		return wait, true
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	if dialect == DialectOpsgenie {
		return period(resp)
	}
	budget := budgetOf(dialect, resp, now)
	if !budget.Known || budget.Remaining > 0 || !budget.Reset.After(now) {
		return 0, false // a reset that is over says nothing: the refusal stands
	}
	return budget.Reset.Sub(now), true
}

// retryAfter reads Retry-After in seconds or as a date. Zero is as good as nothing said.
func retryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	value := resp.Header.Get("Retry-After")
	if wait, ok := seconds(value); ok {
		return wait, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	wait := at.Sub(vendorNow(resp, now))
	return wait, wait > 0
}

// seconds reads a positive whole number of seconds, at most a day so that no arithmetic overflows.
func seconds(value string) (time.Duration, bool) {
	const day = 24 * 60 * 60
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	return time.Duration(min(n, day)) * time.Second, true
}

// untilReset reads a reset time in seconds since 1970 (Okta) or ISO 8601 with or without seconds (Atlassian).
func untilReset(value string, vendorNow time.Time) (time.Duration, bool) {
	if epoch, err := strconv.ParseInt(value, 10, 64); err == nil {
		const farOff = 1 << 40 // seconds, some 35,000 years: no arithmetic overflows before
		return max(time.Unix(min(max(epoch, 0), farOff), 0).Sub(vendorNow), 0), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, value); err == nil {
			return max(at.Sub(vendorNow), 0), true
		}
	}
	return 0, false
}

// vendorNow is the vendor's clock at the answer, or ours when it does not say.
func vendorNow(resp *http.Response, now time.Time) time.Time {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return at
	}
	return now
}
