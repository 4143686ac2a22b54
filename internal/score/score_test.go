package score_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/score"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func add(user access.UserID, since, until time.Duration) score.Proposal {
	p := score.Proposal{Kind: change.AddMember, User: user, Group: "g1", Since: noon.Add(since)}
	if until > 0 {
		p.Until = noon.Add(until)
	}
	return p
}

func added(user access.UserID, at time.Duration) score.Deed {
	return score.Deed{Kind: change.AddMember, User: user, Group: "g1", At: noon.Add(at), Event: access.EventID(fmt.Sprint(at)), Actor: "admin"}
}

func TestWhatEachProposalAndEachDeedComesTo(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name      string
		proposals []score.Proposal
		deeds     []score.Deed
		now       time.Duration
		want      []score.Outcome
	}{
		{"people follow", []score.Proposal{add("u1", 0, 2*day)}, []score.Deed{added("u1", 2*day)}, 9 * day, []score.Outcome{score.Agreed}},
		{"people were quicker", []score.Proposal{add("u1", day, day)}, []score.Deed{added("u1", 0)}, 9 * day, []score.Outcome{score.Agreed}},
		{"people were far too early", []score.Proposal{add("u1", 5*day, 0)}, []score.Deed{added("u1", 0)}, 10 * day,
			[]score.Outcome{score.OnlyPeople, score.OnlySopd}},
		{"at the edge of the window", []score.Proposal{add("u1", 4*day, 0)}, []score.Deed{added("u1", 0)}, 10 * day, []score.Outcome{score.Agreed}},
		{"nobody has done it yet", []score.Proposal{add("u1", 0, 0)}, nil, 4*day - 1, []score.Outcome{score.Open}},
		{"nobody has done it", []score.Proposal{add("u1", 0, 0)}, nil, 4 * day, []score.Outcome{score.OnlySopd}},
		{"late but done while it was to be done", []score.Proposal{add("u1", 0, 8*day)}, []score.Deed{added("u1", 8*day)}, 9 * day, []score.Outcome{score.Agreed}},
		{"withdrawn soon", []score.Proposal{add("u1", 0, day)}, nil, 9 * day, []score.Outcome{score.Withdrawn}},
		{"withdrawn late", []score.Proposal{add("u1", 0, 4*day)}, nil, 9 * day, []score.Outcome{score.OnlySopd}},
		{"nobody asked for it", nil, []score.Deed{added("u1", 0)}, day, []score.Outcome{score.OnlyPeople}},
		{"somebody else", []score.Proposal{add("u1", 0, 0)}, []score.Deed{added("u2", time.Hour)}, 9 * day, []score.Outcome{score.OnlySopd, score.OnlyPeople}},
		{"the other way round", []score.Proposal{add("u1", 0, 0)}, []score.Deed{{Kind: change.RemoveMember, User: "u1", Group: "g1", At: noon.Add(time.Hour)}}, 9 * day,
			[]score.Outcome{score.OnlySopd, score.OnlyPeople}},
		{"one deed answers one proposal", []score.Proposal{add("u1", 0, day), add("u1", 2*day, 0)}, []score.Deed{added("u1", day)}, 9 * day,
			[]score.Outcome{score.Agreed, score.OnlySopd}},
		{"one proposal is answered once", []score.Proposal{add("u1", 0, 0)}, []score.Deed{added("u1", day), added("u1", 2*day)}, 9 * day,
			[]score.Outcome{score.Agreed, score.OnlyPeople}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []score.Outcome
			for _, l := range score.Compute(c.proposals, c.deeds, noon.Add(c.now)) {
				got = append(got, l.Outcome)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheAgreementIsAShareOfWhatIsDecided(t *testing.T) {
	for _, c := range []struct {
		tally score.Tally
		want  float64
		ok    bool
	}{
		{score.Tally{}, 0, false},
		{score.Tally{score.Open: 3, score.Withdrawn: 2}, 0, false},
		{score.Tally{score.Agreed: 3, score.OnlySopd: 1, score.Open: 9}, 0.75, true},
		{score.Tally{score.OnlyPeople: 2}, 0, true},
		{score.Tally{score.Agreed: 1}, 1, true},
	} {
		if got, ok := c.tally.Agreement(); got != c.want || ok != c.ok {
			t.Errorf("%v: %v, %v; want %v, %v", c.tally, got, ok, c.want, c.ok)
		}
	}
}

func TestLinesAreCountedBySystem(t *testing.T) {
	lines := score.Compute([]score.Proposal{add("u1", 0, 0)}, []score.Deed{added("u1", time.Hour), added("u2", 0)}, noon.Add(time.Hour))
	got := score.Count(lines, func(access.GroupID) string { return "wiki" })
	want := map[string]score.Tally{"wiki": {score.Agreed: 1, score.OnlyPeople: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tallies (-want +got):\n%s", diff)
	}
	if got := score.Count(lines, func(access.GroupID) string { return "" }); len(got) != 0 {
		t.Errorf("what is of no system was counted: %v", got)
	}
	if diff := cmp.Diff(want["wiki"], score.Sum(want)); diff != "" {
		t.Error(diff)
	}
}

func TestEveryProposalAndEveryDeedIsCountedOnceInWhateverOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.SampledFrom([]access.UserID{"u1", "u2"})
		hours := rapid.IntRange(0, 400)
		proposals := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) score.Proposal {
			since := hours.Draw(t, "since")
			until := 0
			if rapid.Bool().Draw(t, "over") {
				until = since + hours.Draw(t, "for") + 1
			}
			return add(user.Draw(t, "user"), time.Duration(since)*time.Hour, time.Duration(until)*time.Hour)
		}), 0, 8).Draw(t, "proposals")
		var deeds []score.Deed
		for i, at := range rapid.SliceOfN(hours, 0, 8).Draw(t, "deeds") {
			d := added(user.Draw(t, "by"), time.Duration(at)*time.Hour)
			d.Event = access.EventID(fmt.Sprint(i))
			deeds = append(deeds, d)
		}
		now := noon.Add(900 * time.Hour)
		lines := score.Compute(slices.Clone(proposals), slices.Clone(deeds), now)
		seenProposals, seenDeeds, agreed := 0, 0, 0
		for _, l := range lines {
			if l.Proposal != nil {
				seenProposals++
			}
			if l.Deed != nil {
				seenDeeds++
			}
			if (l.Proposal != nil && l.Deed != nil) != (l.Outcome == score.Agreed) {
				t.Fatalf("a line of both is %s", l.Outcome)
			}
			if l.Outcome == score.Agreed {
				agreed++
			}
		}
		if seenProposals != len(proposals) || seenDeeds != len(deeds) || len(lines) != len(proposals)+len(deeds)-agreed {
			t.Fatalf("%d lines of %d proposals and %d deeds, %d agreed", len(lines), len(proposals), len(deeds), agreed)
		}
		slices.Reverse(proposals)
		slices.Reverse(deeds)
		if diff := cmp.Diff(lines, score.Compute(proposals, deeds, now)); diff != "" {
			t.Fatalf("in another order:\n%s", diff)
		}
	})
}
