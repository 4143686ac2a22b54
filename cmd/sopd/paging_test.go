package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/connectors/opsgenie"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// backEnd is a pager with what people do in its console.
type backEnd struct {
	side
	acknowledge func(id, user string) string
	note        func(id, user, text string) string
	onCall      string // how the pager names the person on call
}

// backEnds are the two pagers, each against its own simulated vendor on one clock.
func backEnds(t *testing.T) map[string]backEnd {
	t.Helper()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	ops := opsgeniemock.New(opsgeniemock.Config{Key: "k", Now: clock})
	t.Cleanup(ops.Close)
	jsm := jsmopsmock.New(jsmopsmock.Config{Key: "k", User: "sopd@example.com", Token: "t", Now: clock})
	t.Cleanup(jsm.Close)
	ops.AddSchedule(opsgeniemock.Schedule{ID: "s1", Name: "Security", OnCall: []string{"wen@example.com"}})
	jsm.AddSchedule(jsmopsmock.Schedule{ID: "s1", Name: "Security", OnCall: []string{"acc-wen"}})
	first, err := opsgenie.New(opsgenie.Options{URL: ops.URL(), Key: secret.New("k"), PollWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	second, err := jsmops.New(jsmops.Options{
		URL: jsm.URL(), CloudID: jsmopsmock.CloudID, Key: secret.New("k"), User: "sopd@example.com", Token: secret.New("t"), PollWait: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]backEnd{
		pagingOpsgenie: {first, ops.Acknowledge, ops.AddNote, "wen@example.com"}, pagingJSMOps: {second, jsm.Acknowledge, jsm.AddNote, "acc-wen"},
	}
}

// transcript does the same with a pager and writes down what it says, without identifiers and times, which differ.
func (b backEnd) transcript(t *testing.T) []string {
	t.Helper()
	ctx := t.Context()
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	cause := func(err error) string {
		for _, known := range []error{access.ErrInvalid, access.ErrNotFound, access.ErrConflict} {
			if errors.Is(err, known) {
				return known.Error()
			}
		}
		return fmt.Sprint(err)
	}
	id, err := b.Create(ctx, paging.NewAlert{
		Alias: "sopd-incident-INC-1", Message: strings.Repeat("é", 140), Priority: 1, Tags: []string{"sopd"}, Details: map[string]string{"user": "u1"}, Teams: []string{"Security"},
	})
	say("create %v", err)
	again, err := b.Create(ctx, paging.NewAlert{Alias: "sopd-incident-INC-1", Message: "again", Priority: 1})
	say("join %v %v", again == id, err)
	_, err = b.Create(ctx, paging.NewAlert{Message: "no alias"})
	say("without alias %s", cause(err))
	say("note %v", b.Note(ctx, id, "Reference: abc"))
	say("empty note %s", cause(b.Note(ctx, id, "")))
	say("note on nothing %s", cause(b.Note(ctx, "nothing", "x")))
	say("by hand %q %q", b.acknowledge(string(id), "wen@example.com"), b.note(string(id), "wen@example.com", "/contained all cut"))
	b.look(ctx, say, id)
	say("close %v", b.Close(ctx, id))
	say("close again %v", b.Close(ctx, id))
	say("close nothing %s", cause(b.Close(ctx, "nothing")))
	b.look(ctx, say, id)
	_, err = b.AlertByAlias(ctx, "sopd-incident-INC-1")
	say("a closed one by alias %s", cause(err))
	_, err = b.Alert(ctx, "nothing")
	say("nothing %s", cause(err))
	next, err := b.Create(ctx, paging.NewAlert{Alias: "sopd-incident-INC-1", Message: "later", Priority: 5})
	say("another of one alias %v %v", next != id, err)
	for _, w := range []paging.Window{{}, {By: paging.Updated}, {From: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		all, err := b.Alerts(ctx, w)
		say("window %d %v", len(all), err)
	}
	schedules, err := b.Schedules(ctx)
	say("schedules %+v %v", schedules, err)
	on, err := b.OnCall(ctx, "s1")
	say("on call %s %v %v", on.Schedule, slices.Equal(on.People, []string{b.onCall}), err)
	_, err = b.OnCall(ctx, "s9")
	say("no schedule %s", cause(err))
	say("problems %d", len(b.Check(ctx)))
	return said
}

func (b backEnd) look(ctx context.Context, say func(string, ...any), id paging.AlertID) {
	a, err := b.Alert(ctx, id)
	say("alert %d letters, %v, open %v, taken %v (%v), tags %v, user %q, ended %v, alias %s, changed %v: %v", len([]rune(a.Message)), a.Priority, a.Open,
		a.Acknowledged, a.AckAfter > 0, a.Tags, a.Details["user"], a.CloseAfter > 0, a.Alias, a.Updated.After(a.Created), err)
	notes, err := b.Notes(ctx, id)
	for _, n := range notes {
		say("note %q by %s: %v", n.Text, n.Author, n.Created.IsZero())
	}
	say("%d notes %v", len(notes), err)
}

func TestBothPagersSayTheSame(t *testing.T) {
	all := backEnds(t)
	first, second := all[pagingOpsgenie].transcript(t), all[pagingJSMOps].transcript(t)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-opsgenie +jsmops):\n%s", diff)
	}
	for _, line := range first {
		if strings.Contains(line, "%!") {
			t.Error(line)
		}
	}
	if len(first) < 25 {
		t.Errorf("only %d lines were said: %q", len(first), first)
	}
}
