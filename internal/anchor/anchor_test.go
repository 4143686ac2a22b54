package anchor_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/anchor"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// place is an anchor that remembers, and refuses when it is told to.
type place struct {
	name string
	got  []store.Checkpoint
	err  error
}

func (p *place) Name() string { return p.name }

func (p *place) Put(_ context.Context, c store.Checkpoint) error {
	if p.err == nil {
		p.got = append(p.got, c)
	}
	return p.err
}

// ground is a store with a clock and an anchorer.
type ground struct {
	t        *testing.T
	store    *store.Store
	now      time.Time
	anchorer *anchor.Anchorer
	public   string
}

func newGround(t *testing.T, places ...anchor.Place) *ground {
	t.Helper()
	g := &ground{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	g.store = storetest.OpenURL(t, storetest.NewSQLite(t), func() time.Time { return g.now })
	private, public, err := ledger.GenerateKey("sopd.example.com/ledger")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	g.public = public
	g.anchorer = &anchor.Anchorer{Store: g.store, Key: key, Places: places, Holder: "one", Logger: slog.New(slog.DiscardHandler)}
	return g
}

func (g *ground) append(kind ledger.Kind) {
	g.t.Helper()
	storetest.Write(g.t, g.store, func(tx *store.Tx) error {
		_, err := tx.Append(ledger.Entry{Kind: kind, At: g.now})
		return err
	})
}

func (g *ground) tick() {
	g.t.Helper()
	g.now = g.now.Add(time.Minute)
	if err := g.anchorer.Tick(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
}

// anchored returns the bodies of the records of anchors.
func (g *ground) anchored() []anchor.Body {
	g.t.Helper()
	var all []anchor.Body
	storetest.Read(g.t, g.store, func(tx *store.Tx) error {
		all = nil
		return tx.EachRecord(0, func(r ledger.Record) error {
			if r.Kind != ledger.CheckpointAnchored {
				return nil
			}
			var b anchor.Body
			raw, _ := r.Body.(json.RawMessage)
			all = append(all, b)
			return json.Unmarshal(raw, &all[len(all)-1])
		})
	})
	return all
}

func TestEachNewCheckpointGoesToEveryPlaceOnceAndIsRecorded(t *testing.T) {
	one, two := &place{name: "one"}, &place{name: "two"}
	g := newGround(t, anchor.Place{Anchor: one}, anchor.Place{Anchor: two})
	g.append(ledger.PlanProposed)
	for range 5 {
		g.tick()
	}
	if len(one.got) != 1 || len(two.got) != 1 || len(g.anchored()) != 2 {
		t.Fatalf("%d and %d checkpoints, %d records: a checkpoint asked for another", len(one.got), len(two.got), len(g.anchored()))
	}
	g.append(ledger.PlanProposed)
	g.tick()
	if len(one.got) != 2 || one.got[1].Size <= one.got[0].Size {
		t.Errorf("%+v", one.got)
	}
	c, err := ledger.Open(one.got[1].Note, g.public)
	if err != nil {
		t.Fatal(err)
	}
	if last := g.anchored()[2]; last.Anchor != "one" || last.Size != c.Size || last.Root != c.Root.String() {
		t.Errorf("%+v", last)
	}
}

func TestAPlaceThatFailsHoldsUpNoOtherAndIsTriedAgain(t *testing.T) {
	bad, good := &place{name: "bad", err: access.ErrUnavailable}, &place{name: "good"}
	g := newGround(t, anchor.Place{Anchor: bad}, anchor.Place{Anchor: good})
	g.append(ledger.PlanProposed)
	if err := g.anchorer.Tick(t.Context()); !errors.Is(err, access.ErrUnavailable) {
		t.Error(err)
	}
	if len(good.got) != 1 {
		t.Error("the good place waited for the bad one")
	}
	bad.err = nil
	g.tick()
	if len(bad.got) != 1 || len(good.got) != 1 {
		t.Errorf("%d and %d", len(bad.got), len(good.got))
	}
}

func TestAPlaceThatPeopleReadGetsFewCheckpoints(t *testing.T) {
	daily := &place{name: "daily"}
	g := newGround(t, anchor.Place{Anchor: daily, Every: 24 * time.Hour})
	for range 50 {
		g.append(ledger.PlanProposed)
		g.now = g.now.Add(time.Hour)
		g.tick()
	}
	if len(daily.got) != 3 {
		t.Errorf("%d checkpoints in two days", len(daily.got))
	}
}

func TestOneReplicaAnchorsAtATime(t *testing.T) {
	p := &place{name: "p"}
	g := newGround(t, anchor.Place{Anchor: p})
	g.append(ledger.PlanProposed)
	storetest.Write(t, g.store, func(tx *store.Tx) error {
		_, err := tx.Lease("ledger.anchor", "two", g.now.Add(5*time.Minute))
		return err
	})
	g.tick()
	if len(p.got) != 0 {
		t.Error("two replicas anchor at once")
	}
	g.now = g.now.Add(2 * time.Hour)
	g.tick()
	if len(p.got) != 1 {
		t.Error("the lease of a dead replica stands for ever")
	}
}

func TestAFileKeepsEveryNoteWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchors.txt")
	g := newGround(t, anchor.Place{Anchor: anchor.File{Path: path}})
	for range 3 {
		g.append(ledger.PlanProposed)
		g.tick()
	}
	cut, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cut.WriteString("sopd.example.com/ledger\n12\nhalf of a no"); err != nil {
		t.Fatal(err)
	}
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	g.append(ledger.PlanProposed)
	g.tick()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	parts := strings.Split(string(text), "\n\n")
	for i := 0; i+1 < len(parts); i++ {
		if _, err := ledger.Open(parts[i]+"\n\n"+strings.TrimSuffix(parts[i+1], "\n")+"\n", g.public); err == nil {
			good++
		}
	}
	if good != 4 {
		t.Errorf("%d whole notes, want 4:\n%s", good, text)
	}
	if err := (anchor.File{Path: filepath.Join(t.TempDir(), "no", "folder")}).Put(t.Context(), store.Checkpoint{}); !errors.Is(err, access.ErrUnavailable) || strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
}

// desk takes comments.
type desk struct{ comments []ticket.Comment }

func (d *desk) Comment(_ context.Context, _ ticket.Key, c ticket.Comment) error {
	d.comments = append(d.comments, c)
	return nil
}

func TestALogAndATicketHoldTheWholeNote(t *testing.T) {
	var log strings.Builder
	d := &desk{}
	g := newGround(t,
		anchor.Place{Anchor: anchor.Log{Logger: slog.New(slog.NewJSONHandler(&log, nil))}},
		anchor.Place{Anchor: anchor.Ticket{Key: "SEC-1", Desk: d}})
	g.append(ledger.PlanProposed)
	g.tick()
	var line struct {
		Note string `json:"note"`
	}
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(line.Note, g.public); err != nil {
		t.Error(err)
	}
	if len(d.comments) != 1 || !strings.Contains(d.comments[0].Body, line.Note) || d.comments[0].Public {
		t.Errorf("%+v", d.comments)
	}
}
