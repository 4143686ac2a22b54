package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// readers is Okta as several groups of it are read at a time. It answers nobody before so many have asked.
type readers struct {
	reconcile.Directory
	mu      sync.Mutex
	want    int
	waiting int
	most    int
	all     chan struct{} // closed when so many have asked
	fail    access.GroupID
	cause   error
}

func newReaders(d reconcile.Directory, want int) *readers {
	return &readers{Directory: d, want: want, all: make(chan struct{})}
}

// Members implements [reconcile.Directory].
func (r *readers) Members(ctx context.Context, id access.GroupID) ([]access.User, error) {
	r.mu.Lock()
	r.waiting++
	if r.most = max(r.most, r.waiting); r.waiting == r.want {
		r.want = 0
		close(r.all)
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	select {
	case <-r.all:
	case <-ctx.Done():
		return nil, fmt.Errorf("asked in vain: %w", access.ErrUnavailable)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
	if id == r.fail {
		return nil, fmt.Errorf("read: %w", r.cause)
	}
	return r.Directory.Members(ctx, id)
}

// Group implements [reconcile.Directory].
func (r *readers) Group(ctx context.Context, id access.GroupID) (access.Group, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Directory.Group(ctx, id)
}

// groups returns the groups whose members are known, sorted.
func (b *bench) groups() []access.GroupID {
	var known []access.GroupID
	b.look(func(tx *store.Tx) error {
		reads, err := tx.GroupReads()
		for id := range reads {
			known = append(known, id)
		}
		return err
	})
	slices.Sort(known)
	return known
}

func TestGroupsAreReadAheadAndNoMoreThanAllowed(t *testing.T) {
	plain := newBench(t)
	plain.settle()
	want := plain.groups()
	for _, atOnce := range []int{1, 2, 4, 1000} {
		b := newBench(t)
		d := newReaders(b.v.okta, min(atOnce, len(want)))
		b.r.Directory, b.r.ReadAtOnce = d, atOnce
		if _, err := b.pass(); err != nil {
			t.Fatal(err)
		}
		if got := b.groups(); !slices.Equal(got, want) {
			t.Errorf("%d at a time: read %v, want %v", atOnce, got, want)
		}
		if d.most != min(atOnce, len(want)) {
			t.Errorf("%d at a time, want %d", d.most, atOnce)
		}
	}
}

func TestAGroupThatCannotBeReadAheadIsLeftOutAloneAndAVendorThatIsAwayEndsThePass(t *testing.T) {
	plain := newBench(t)
	plain.settle()
	all := plain.groups()
	for _, bad := range all {
		b := newBench(t)
		d := newReaders(b.v.okta, 1)
		d.fail, d.cause = bad, access.ErrDenied
		b.r.Directory, b.r.ReadAtOnce = d, 3
		if _, err := b.pass(); err != nil || len(b.report.Unread) != 1 || !errors.Is(b.report.Unread[bad], access.ErrDenied) {
			t.Errorf("%s: unread %v, %v", bad, b.report.Unread, err)
		}
		if got := b.groups(); len(got) != len(all)-1 || slices.Contains(got, bad) {
			t.Errorf("%s: known are %v", bad, got)
		}
		later(time.Minute)(b)
		d.cause = access.ErrUnavailable
		if _, err := b.pass(); !errors.Is(err, access.ErrUnavailable) {
			t.Errorf("%s: %v, want the pass to fail", bad, err)
		}
	}
}
