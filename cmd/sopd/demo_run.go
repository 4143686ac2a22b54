package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/mocks/world"
	"github.com/maisonrmi/sopd/reconcile"
)

// running is a daemon that runs within the demo.
type running struct {
	stop    context.CancelFunc
	ended   chan struct{} // closed when it has ended
	err     error         // why, once it has
	address string
}

// play adopts what exists, starts the daemon, plays the steps, and tells the figures.
func (p *demo) play(ctx context.Context, story world.Story, o demoOptions) error {
	if err := p.prologue(ctx, story); err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	err := p.steps(ctx, story)
	if err == nil {
		err = p.epilogue(ctx, p.running.address)
	}
	if err == nil && !o.once {
		p.say("\nThe daemon stays up. Ctrl-C ends it.")
		select {
		case <-ctx.Done():
		case <-p.running.ended:
		}
	}
	if err := errors.Join(err, p.stop()); err != nil {
		return err
	}
	return p.verdict(o)
}

// connect wires the daemon, so that it can be made to die.
func (p *demo) connect(ctx context.Context) error {
	c := p.inner
	log := &hush{Writer: p.console.Err}
	c.Err = log
	d, err := connect(ctx, c, quietly)
	if err != nil {
		return err
	}
	p.daemon = d
	p.mortal = &mortal{Writer: d.reconciler.Writer, dead: make(chan struct{}), die: func() {
		log.still.Store(true) // the dead say nothing
		_ = d.store.Close()
	}}
	d.reconciler.Writer = p.mortal
	return nil
}

// hush is a log that can be silenced.
type hush struct {
	io.Writer
	still atomic.Bool
}

// Write writes, unless the log is still.
func (h *hush) Write(p []byte) (int, error) {
	if h.still.Load() {
		return len(p), nil
	}
	return h.Writer.Write(p)
}

// start runs the daemon and points the vendors' webhooks at it.
func (p *demo) start(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	r := &running{stop: stop, ended: make(chan struct{})}
	bound := make(chan net.Addr, 1)
	daemon := p.daemon
	go func() {
		defer close(r.ended)
		r.err = daemon.run(ctx, func(a net.Addr) { bound <- a })
	}()
	select {
	case a := <-bound:
		r.address = "http://" + a.String()
	case <-r.ended:
		stop()
		return r.err
	}
	p.running = r
	return p.world.Hook(r.address)
}

// stop ends the daemon in order.
func (p *demo) stop() error {
	p.running.stop()
	<-p.running.ended
	return p.running.err
}

// perform does what happens in a step, in the world and with the program.
func (p *demo) perform(ctx context.Context, step world.Step) error {
	if step.Operate == world.Crash {
		p.mortal.armed.Store(true)
	}
	if step.Do != nil {
		if err := step.Do(p.world); err != nil {
			return err
		}
	}
	switch step.Operate {
	case "":
		return nil
	case world.ApproveHold:
		return p.decide(ctx, "approve", "Human Resources confirm that the office closes")
	case world.Score:
		return p.score(ctx)
	case world.UndoLast:
		return p.undoLast(ctx)
	case world.CancelHold:
		return p.decide(ctx, "cancel", "Human Resources know nothing of this")
	case world.Crash:
		select {
		case <-p.mortal.dead:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return p.restart(ctx)
	case world.Restart:
		return p.restart(ctx)
	default:
		return fmt.Errorf("operation %q is not known", step.Operate)
	}
}

// restart starts the daemon again, on the same store. What the one before ended with is its own matter.
func (p *demo) restart(ctx context.Context) error {
	_ = p.stop()
	_ = p.daemon.close()
	if err := p.connect(ctx); err != nil {
		return err
	}
	return p.start(ctx)
}

// score runs the command that shows how far people did what sopd would have done, and expects that they did.
func (p *demo) score(ctx context.Context) error {
	p.say("   $ sopd plan --score")
	var told, asked bytes.Buffer
	c := p.inner
	c.Out, c.Err = &told, &told
	if code := run(ctx, []string{"plan", "--score"}, c); code != exitDone {
		return fmt.Errorf("sopd plan --score: exit code %d: %s", code, strings.TrimSpace(told.String()))
	}
	for line := range strings.Lines(told.String()) {
		p.say("   %s", strings.TrimRight(line, "\n"))
	}
	c.Out = &asked
	if code := run(ctx, []string{"plan", "--score", "--json"}, c); code != exitDone {
		return fmt.Errorf("sopd plan --score --json: exit code %d", code)
	}
	var score scoreJSON
	if err := json.Unmarshal(asked.Bytes(), &score); err != nil {
		return err
	}
	agreed, differ := 0, len(score.Differences)
	for _, s := range score.Systems {
		agreed += s.Agreed
	}
	p.result.Expectations = append(p.result.Expectations, expectation{
		Name: "What people did is what sopd would have done", Held: agreed > 0 && differ == 0,
	})
	return nil
}

// decide runs the command with which a person decides about the oldest hold.
func (p *demo) decide(ctx context.Context, verb, reason string) error {
	var id hold.ID
	err := p.daemon.store.Read(ctx, func(tx *store.Tx) error {
		open, err := tx.Holds(hold.Open)
		if err == nil && len(open) == 0 {
			err = errors.New("no plan waits for anybody")
		}
		if err == nil {
			id = open[0].ID
		}
		return err
	})
	if err != nil {
		return err
	}
	p.say("   $ sopd holds %s %s --reason %q", verb, id, reason)
	var said bytes.Buffer
	c := p.inner
	c.Out, c.Err = &said, &said
	if code := run(ctx, []string{"holds", verb, string(id), "--reason", reason}, c); code != exitDone {
		return fmt.Errorf("sopd holds %s: exit code %d: %s", verb, code, strings.TrimSpace(said.String()))
	}
	return nil
}

// mortal is a writer whose process dies, once it is told to, after the next write and before its answer can be noted.
type mortal struct {
	reconcile.Writer
	armed atomic.Bool
	once  sync.Once
	dead  chan struct{}
	die   func()
}

// survive passes the answer on, unless this is the moment to die.
func (m *mortal) survive(answer error) error {
	if m.armed.CompareAndSwap(true, false) {
		m.once.Do(func() {
			m.die()
			close(m.dead)
		})
	}
	return answer
}

// Add adds a member.
func (m *mortal) Add(ctx context.Context, k access.Membership) error {
	return m.survive(m.Writer.Add(ctx, k))
}

// Remove removes a member.
func (m *mortal) Remove(ctx context.Context, k access.Membership) error {
	return m.survive(m.Writer.Remove(ctx, k))
}
