package figures_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/score"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestTheAgreementIsAFigureOfEachSystemThatIsObserved(t *testing.T) {
	tallies := map[string]score.Tally{"wiki": {score.Agreed: 3, score.OnlyPeople: 1}, "archive": {}}
	c := figures.NewScores(t.Context(), figures.ScoreOptions{
		Store: storetest.Open(t), Tallies: func(*store.Tx) (map[string]score.Tally, error) { return tallies, nil },
	})
	want := `
# HELP sopd_observe_agreement_ratio Share of what is decided in which people did what sopd would have done; none while nothing is decided.
# TYPE sopd_observe_agreement_ratio gauge
sopd_observe_agreement_ratio{system="wiki"} 0.75
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "sopd_observe_agreement_ratio"); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(c, "sopd_observe_decisions"); n != 2*len(score.Outcomes()) {
		t.Errorf("%d series of decisions, want one for each system and outcome", n)
	}
}

func TestWithoutAStoreThereIsNoScore(t *testing.T) {
	c := figures.NewScores(t.Context(), figures.ScoreOptions{Store: storetest.Open(t), Tallies: func(*store.Tx) (map[string]score.Tally, error) {
		return nil, errors.New("the store cannot be read")
	}})
	if n := testutil.CollectAndCount(c); n != 0 {
		t.Errorf("%d series, want none", n)
	}
}
