package reconcile_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/reconcile"
)

// crowd is Okta as several call it at a time. It serves nobody's removal before so many have come.
type crowd struct {
	reconcile.Writer
	mu      sync.Mutex
	waiting int
	want    int
	all     chan struct{}
	once    sync.Once
	most    int
}

// Remove implements [reconcile.Writer].
func (c *crowd) Remove(ctx context.Context, m access.Membership) error {
	c.mu.Lock()
	c.waiting++
	c.most = max(c.most, c.waiting)
	if c.waiting == c.want {
		c.once.Do(func() { close(c.all) })
	}
	c.mu.Unlock()
	select {
	case <-c.all:
	case <-ctx.Done():
		return fmt.Errorf("only %d came: %w", c.most, access.ErrUnavailable)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	return c.Writer.Remove(ctx, m)
}

// crowded lets as many changes be under way at a time.
func (b *bench) crowded(atOnce int) *crowd {
	c := &crowd{Writer: b.v.okta, want: atOnce, all: make(chan struct{})}
	b.r.Writer, b.r.AtOnce = c, atOnce
	return c
}

// fourLeave deactivates four people who are in one group each.
func (b *bench) fourLeave() {
	for _, id := range []access.UserID{"uDan", "uEve", "uFay", "uGus"} {
		b.v.okta.status(id, access.Deprovisioned, "uDan")
	}
	later(10 * time.Second)(b)
}

func TestChangesOfOneKindAreMadeAtATimeAndNoMoreThanAllowed(t *testing.T) {
	for _, atOnce := range []int{1, 2, 4} {
		b := newBench(t)
		b.settle()
		c := b.crowded(atOnce)
		b.fourLeave()
		b.settle()
		b.wantMade(removed("gWiki", "uDan"), removed("gWiki", "uEve"), removed("gWiki", "uFay"), removed("gWiki", "uGus"))
		if c.most != atOnce {
			t.Errorf("%d at a time, want %d", c.most, atOnce)
		}
	}
}

func TestWhateverBecomesOfOneOfSeveralWritesTheOthersAreRecordedOnce(t *testing.T) {
	for _, f := range []fate{refused, lost, answerLost, down, expired} {
		for n := range 4 {
			t.Run(fmt.Sprintf("%s at the %dth", f, n+1), func(t *testing.T) {
				b := newBench(t)
				b.settle()
				b.crowded(4)
				seen := 0
				b.v.fate = func(c call) fate {
					if c.name != "Remove" {
						return done
					}
					if seen++; seen == n+1 {
						return f
					}
					return done
				}
				b.fourLeave()
				_, _ = b.pass() // it may fail
				later(time.Minute)(b)
				b.settle()
				b.wantMade(removed("gWiki", "uDan"), removed("gWiki", "uEve"), removed("gWiki", "uFay"), removed("gWiki", "uGus"))
			})
		}
	}
}

func TestNothingIsBegunAfterAWriteThatStopsTheOthersAndWhatIsUnderWayIsRecorded(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.crowded(2)
	b.v.fate = func(c call) fate {
		if c.name == "Remove" {
			return down
		}
		return done
	}
	b.fourLeave()
	if _, err := b.pass(); err == nil {
		t.Fatal("the pass succeeded though Okta does not serve")
	}
	begun := 0
	for _, c := range b.changes() {
		begun++
		if c.State == change.Intended {
			t.Errorf("%s is left without an outcome", c.ID)
		}
	}
	if begun < 2 || begun > 3 {
		t.Errorf("%d were begun, want the two that were under way and no more than one beside", begun)
	}
}
