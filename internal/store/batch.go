package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// maxBatch is how many receivers share a commit at most. A commit waits for the disk about as long as a hundred small
// writes take.
const maxBatch = 128

// batchTime ends a batch that does not get on.
const batchTime = 10 * time.Second

// batcher lets receivers that come at the same time share one transaction. SQLite waits for the disk at each commit, and
// commits follow each other; PostgreSQL groups commits, and yet those that ask for the same work follow each other, for
// they change the same row.
type batcher struct {
	store   *Store
	mu      sync.Mutex
	waiting []*receiver
	running bool
	loops   sync.WaitGroup
}

// receiver is one call that waits for its turn.
type receiver struct {
	ctx  context.Context
	fn   func(*Tx) error
	done chan struct{} // closed when the rest is set
	err  error
	// panicked is what fn panicked with; it is thrown again where fn was given.
	panicked any
}

// do runs fn in the next batch. A caller whose context ends before its turn is left out; once fn has begun, do waits for
// the commit, so that its answer is true.
func (b *batcher) do(ctx context.Context, fn func(*Tx) error) error {
	r := &receiver{ctx: ctx, fn: fn, done: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, r)
	if !b.running {
		b.running = true
		b.loops.Go(b.loop)
	}
	b.mu.Unlock()
	<-r.done
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

// loop runs batches until nobody waits.
func (b *batcher) loop() {
	for {
		b.mu.Lock()
		batch := b.waiting[:min(len(b.waiting), maxBatch)]
		b.waiting = b.waiting[len(batch):]
		b.running = len(batch) > 0
		b.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		b.run(batch)
	}
}

// run does one batch and tells every receiver what came of it.
func (b *batcher) run(batch []*receiver) {
	// A statement that a context interrupts takes the whole transaction with it, and so the other receivers. The batch has
	// a context of its own.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), batchTime)
	defer cancel()
	err := b.store.writeOnce(ctx, shared, func(tx *Tx) error {
		for _, r := range batch {
			if err := r.run(tx); err != nil {
				return err
			}
		}
		return nil
	})
	for _, r := range batch {
		if err != nil && r.panicked == nil {
			r.err = err
		}
		close(r.done)
	}
}

// run runs one receiver in a savepoint. What it returns is the end of the whole batch.
func (r *receiver) run(tx *Tx) error {
	if r.err = r.ctx.Err(); r.err != nil {
		return nil //nolint:nilerr // the receiver is told; the others go on
	}
	if _, err := tx.exec("SAVEPOINT receiver"); err != nil {
		return err
	}
	r.call(tx)
	if r.err != nil || r.panicked != nil {
		if _, err := tx.exec("ROLLBACK TO receiver"); err != nil {
			return err
		}
		tx.bumped = nil // what this one has asked for is undone; the others ask again
	}
	_, err := tx.exec("RELEASE receiver")
	return err
}

func (r *receiver) call(tx *Tx) {
	defer func() {
		if r.panicked = recover(); r.panicked != nil {
			r.err = fmt.Errorf("receiver panicked: %w", access.ErrInvalid)
		}
	}()
	r.err = r.fn(tx)
}
