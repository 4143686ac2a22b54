package reconcile

import (
	"context"
	"sync"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// groupReading is one group with its members as Okta showed them.
type groupReading struct {
	id      access.GroupID
	readAt  time.Time // before Okta was asked
	group   access.Group
	members []access.User
	err     error // why it could not be read; the rest is then not to be used
}

// staleGroup is a group that has to be read. shown is what the list has just shown of it, nil when that is not enough.
type staleGroup struct {
	id    access.GroupID
	shown *access.Group
}

// toRead pairs the groups with what the list has shown of them. One that a write did not find is read by ID: the list lags.
func (r *Reconciler) toRead(ids []access.GroupID, listed map[access.GroupID]access.Group) []staleGroup {
	all := make([]staleGroup, len(ids))
	for i, id := range ids {
		all[i].id = id
		group, shown := listed[id]
		if _, suspect := r.suspects[id]; shown && !suspect {
			all[i].shown = &group
		}
	}
	return all
}

// eachGroup reads the groups and calls fn with each, in order. With [Config.ReadAtOnce] above 1 the next ones are read while fn
// has one; no more are in memory. All reading has ended when it returns.
//
// Errors: the first that fn returns.
func (r *Reconciler) eachGroup(ctx context.Context, all []staleGroup, fn func(int, groupReading) error) error {
	read := func(i int) groupReading { return r.fetchGroup(ctx, all[i]) }
	if r.ReadAtOnce > 1 {
		ahead, cancel := context.WithCancel(ctx)
		var readers sync.WaitGroup
		defer readers.Wait()
		defer cancel()
		read = r.readAhead(ahead, all, &readers)
	}
	for i := range all {
		if err := fn(i, read(i)); err != nil {
			return err
		}
	}
	return nil
}

// readAhead returns what reads the i-th group, to be asked for each in order: by then it is mostly there.
func (r *Reconciler) readAhead(ctx context.Context, all []staleGroup, readers *sync.WaitGroup) func(i int) groupReading {
	var begun []chan groupReading
	begin := func() {
		if len(begun) == len(all) {
			return
		}
		group, into := all[len(begun)], make(chan groupReading, 1)
		begun = append(begun, into)
		readers.Go(func() { into <- r.fetchGroup(ctx, group) })
	}
	for range r.ReadAtOnce {
		begin()
	}
	return func(i int) groupReading {
		reading := <-begun[i]
		begun[i] = nil // nobody else needs what was read
		begin()
		return reading
	}
}

// fetchGroup reads the members of the group, and the group itself where the list has not shown it.
func (r *Reconciler) fetchGroup(ctx context.Context, g staleGroup) groupReading {
	reading := groupReading{id: g.id, readAt: r.Now()}
	if g.shown != nil {
		reading.group = *g.shown
	} else if reading.group, reading.err = r.Directory.Group(ctx, g.id); reading.err != nil {
		return reading
	}
	reading.members, reading.err = r.Directory.Members(ctx, g.id)
	return reading
}
