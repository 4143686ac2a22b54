package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// checkRetry tells the retry loop whether to try again: only reads and idempotent writes, only after failures that may
// pass, and never once the context has ended. A complete answer is handed up even when the context ended meanwhile:
// dropping it would turn a known outcome into an unknown one.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	c := callOf(ctx)
	if !c.again || !passing(c, resp, err) {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return true, nil
}

// passing tells whether the failure may be gone next time.
func passing(c *call, resp *http.Response, err error) bool {
	if err != nil {
		var f *fault
		return errors.As(err, &f) && f.again
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		return c.read // a server that broke in the middle of a write is looked up, not pushed again
	default:
		return false
	}
}

// backoff returns how long to wait before attempt n+1: what the vendor asks for, or a doubling wait with jitter, both
// at most the configured ceiling.
func (c *Client) backoff(shortest, longest time.Duration, n int, resp *http.Response) time.Duration {
	wait, named := c.limits.named(resp)
	if named {
		// Everybody who was refused hears the same time: come back a little apart.
		wait += jitter(wait / 10)
	} else {
		wait = doubled(shortest, longest, n)
		wait = wait/2 + jitter(wait)
	}
	return min(max(wait, 0), longest)
}

// doubled returns first × 2^n, at most ceiling.
func doubled(first, ceiling time.Duration, n int) time.Duration {
	for range n {
		if first >= ceiling/2 {
			return ceiling
		}
		first *= 2
	}
	return min(first, ceiling)
}

// jitter returns a random duration from 0 to most.
func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return rand.N(most + 1) //nolint:gosec // spreads waits, hides nothing
}
