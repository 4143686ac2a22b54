package incidents_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// rewrite puts another text into the last comment of a ticket.
func (b *bench) rewrite(key ticket.Key, by, text string) {
	b.Helper()
	c := &b.comments[key][len(b.comments[key])-1]
	c.Body, c.Edited, c.Editor = text, b.now, ticket.AccountID("acc-"+by)
	b.issue(key, nil)
}

// told counts the comments that hold the text.
func (b *bench) told(text string) (n int) {
	b.Helper()
	for _, e := range b.effects(change.Comment) {
		if strings.Contains(e.Body, text) {
			n++
		}
	}
	return n
}

func TestAnOldCommentThatBecomesAnOrderIsSaidWhenItWasEdited(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uBob", "we look at it")
	b.pass()
	written := b.now
	b.now = b.now.Add(time.Hour)
	b.rewrite("SEC-91", "uBob", "sopd: contained")
	b.pass()
	if got := b.only().Milestones[incident.Contained].At; got.Sub(written) < time.Hour {
		t.Errorf("contained at %s by a comment that said nothing before %s", got, written)
	}
}

func TestACorrectionByAnEditLeavesBothOnRecord(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uTariq", "sopd: contained")
	b.pass()
	first := b.only().Milestones[incident.Contained]
	earlier := b.now.Add(-3 * time.Minute).Truncate(time.Minute)
	b.now = b.now.Add(time.Hour)
	b.rewrite("SEC-91", "uTariq", "sopd: contained at "+earlier.Format("2006-01-02T15:04Z"))
	b.pass()
	b.pass()
	if got := b.only().Milestones[incident.Contained]; !got.At.Equal(earlier) || got.Fact == first.Fact {
		t.Errorf("contained is %+v, was %+v", got, first)
	}
	if n := b.told("it was at"); n != 1 {
		t.Errorf("the correction was told %d times", n)
	}
}

func TestAnEditThatCorrectsNothingIsTold(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uBob", "sopd: contained")
	b.pass()
	first := b.only().Milestones[incident.Contained]
	b.rewrite("SEC-91", "uBob", "sopd: escalated")
	b.pass()
	b.pass()
	r := b.only()
	if r.Milestones[incident.Contained] != first || !r.Reached(incident.Escalated) {
		t.Errorf("milestones %+v", r.Milestones)
	}
	if n := b.told(`said "contained"`); n != 1 || len(r.Flags) != 0 {
		t.Errorf("told %d times, flags %+v", n, r.Flags)
	}
}

func TestWhatSomebodyElsePutsIntoACommentIsNobodysWord(t *testing.T) {
	for name, c := range map[string]struct {
		first string
		read  bool
		then  string
		want  incident.FlagKind
	}{
		"before it was read":     {"we look at it", false, "sopd: resolved", incident.Altered},
		"after it was read":      {"we look at it", true, "sopd: resolved", incident.Altered},
		"an order was another":   {"sopd: escalated", true, "sopd: resolved", incident.Altered},
		"an order was taken out": {"sopd: escalated", true, "nothing", incident.Altered},
		"it is a playbook":       {"we look at it", true, "sopd: contain lock-out", incident.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			b := major(t, false)
			b.comment("SEC-91", "uTariq", c.first)
			if c.read {
				b.pass()
			}
			b.rewrite("SEC-91", "uBob", c.then)
			d := b.pass()
			d.Actions = append(d.Actions, b.pass().Actions...)
			r := b.only()
			if r.Reached(incident.Resolved) || len(r.Runs) != 0 || len(d.Actions)+len(d.Revoked) != 0 {
				t.Errorf("done: %+v, %+v", r, d)
			}
			if got := flags(r); !slices.Equal(got, []incident.FlagKind{c.want}) {
				t.Errorf("flags %v", got)
			}
		})
	}
}

func TestAnEditedCommentNeverConfirmsAPlaybook(t *testing.T) {
	for name, act := range map[string]func(*bench){
		"talk that became an order": func(b *bench) {
			b.comment("SEC-91", "uTariq", "let us wait")
			b.pass()
			b.rewrite("SEC-91", "uTariq", "sopd: contain lock-out")
		},
		"changed before it was read": func(b *bench) {
			b.comment("SEC-91", "uTariq", "let us wait")
			b.rewrite("SEC-91", "uTariq", "sopd: contain lock-out")
		},
		"another order before": func(b *bench) {
			b.comment("SEC-91", "uTariq", "sopd: update")
			b.pass()
			b.rewrite("SEC-91", "uTariq", "sopd: contain lock-out")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := major(t, false)
			act(b)
			if d := b.pass(); len(d.Actions)+len(d.Revoked) != 0 || len(b.only().Runs) != 0 {
				t.Errorf("demanded %+v", d)
			}
			if n := b.told("such a comment confirms nothing"); n != 1 {
				t.Errorf("told %d times", n)
			}
		})
	}
}

func TestAPlaybookThatRunsIsNeitherStoppedNorChangedByAnEdit(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uTariq", "sopd: contain lock-out")
	first := b.pass()
	b.rewrite("SEC-91", "uTariq", "forget it")
	b.pass()
	again := b.pass()
	if len(first.Actions) == 0 || len(again.Actions) != len(first.Actions) || len(again.Revoked) != len(first.Revoked) {
		t.Errorf("demanded %+v, then %+v", first, again)
	}
	if got := flags(b.only()); !slices.Contains(got, incident.Altered) {
		t.Errorf("flags %v", got)
	}
}

func TestACommentThatIsDeletedIsToldOnce(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uBob", "sopd: escalated")
	b.pass()
	b.comments["SEC-91"] = nil
	b.issue("SEC-91", nil)
	b.pass()
	b.issue("SEC-91", nil)
	b.pass()
	r := b.only()
	if got := flags(r); !slices.Equal(got, []incident.FlagKind{incident.Altered}) || !r.Reached(incident.Escalated) {
		t.Errorf("flags %v of %+v", got, r)
	}
	if n := b.told("does not any more"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestNobodyWhoHasLeftSpeaksByAnEdit(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uGone", "we look at it")
	b.rewrite("SEC-91", "uGone", "sopd: contained")
	b.pass()
	if r := b.only(); r.Reached(incident.Contained) || !slices.Contains(flags(r), incident.Refused) {
		t.Errorf("record %+v", r)
	}
}
