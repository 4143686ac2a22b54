package figures_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		URL: "sqlite:" + filepath.Join(t.TempDir(), "sopd.db"), Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func write(t *testing.T, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func clock(t *testing.T) kpi.Definition {
	t.Helper()
	target, err := kpi.ParseTarget("24h")
	if err != nil {
		t.Fatal(err)
	}
	return kpi.Definition{
		SOP: "de-provisioning", Name: "leaver-revocation", Subject: "leaver", Start: []string{"leaver.left"}, Stop: []string{"leaver.removed"},
		Targets: map[string]kpi.Target{"": target},
	}
}

func facts(subject string, took time.Duration, id change.ID) []kpi.Fact {
	left := now.Add(-48 * time.Hour)
	return []kpi.Fact{
		{ID: subject + "/left", Subject: subject, Name: "leaver.left", At: left, Recorded: left, Source: "pass"},
		{ID: subject + "/removed", Subject: subject, Name: "leaver.removed", At: left.Add(took), Recorded: left.Add(took), Source: "pass", Change: string(id)},
	}
}

func registry(t *testing.T, s *store.Store) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(figures.NewStored(t.Context(), figures.Options{
		Store: s, Write: true, Disabled: []guard.Name{guard.Share}, Kinds: []finding.Kind{"drift", "hold"},
		Disagreements: []string{"on_call", "open_alert"}, Disagreement: "pager-disagreement",
	}))
	p := figures.NewPasses(r, []string{"succeeded", "failed"})
	p.Record(figures.Pass{Began: now, Ended: now.Add(2 * time.Second), Result: "succeeded", Succeeded: true, Memberships: map[string]int{"granted": 3, "drift": 1}})
	k := figures.NewKPIs(r, []kpi.Definition{clock(t)})
	if err := k.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return r
}

func filled(t *testing.T) *store.Store {
	t.Helper()
	s := open(t)
	id := change.NewID(now)
	write(t, s, func(tx *store.Tx) error {
		c := change.Change{
			ID: id, Kind: change.RemoveMember, Reason: change.Offboarding, User: "00u1", Group: "00g1", Plan: "p", Policy: "x@1.0.0",
			State: change.Intended, Intended: now,
		}
		if err := tx.PutChange(c); err != nil {
			return err
		}
		c.State, c.Settled = change.Confirmed, now
		if err := tx.PutChange(c); err != nil {
			return err
		}
		if _, err := tx.PutFinding(finding.Finding{Key: "drift/a", Kind: "drift", Title: "x", Raised: now}); err != nil {
			return err
		}
		_, err := tx.PutFacts(append(facts("HR-1", 3*time.Hour, id), facts("HR-2", 30*time.Hour, "")...))
		return err
	})
	return s
}

func TestTheFiguresAreThoseOfTheDesign(t *testing.T) {
	r := registry(t, filled(t))
	want := `# HELP sopd_changes_total Changes of access by what they do, why, and what became of them.
# TYPE sopd_changes_total counter
sopd_changes_total{kind="remove-member",outcome="confirmed",reason="offboarding"} 1
# HELP sopd_findings Things that stand and that a person should look at.
# TYPE sopd_findings gauge
sopd_findings{kind="drift"} 1
sopd_findings{kind="hold"} 0
# HELP sopd_kpi_attainment_ratio Share of promises kept in the window, open breaches counted; absent when there was none.
# TYPE sopd_kpi_attainment_ratio gauge
sopd_kpi_attainment_ratio{kpi="leaver-revocation",severity="all",sop="de-provisioning",window="30d"} 0.5
sopd_kpi_attainment_ratio{kpi="leaver-revocation",severity="all",sop="de-provisioning",window="365d"} 0.5
sopd_kpi_attainment_ratio{kpi="leaver-revocation",severity="all",sop="de-provisioning",window="90d"} 0.5
# HELP sopd_kpi_completed_total Cycles of the clock that ended, by how.
# TYPE sopd_kpi_completed_total counter
sopd_kpi_completed_total{kpi="leaver-revocation",outcome="breached",severity="all",sop="de-provisioning"} 1
sopd_kpi_completed_total{kpi="leaver-revocation",outcome="met",severity="all",sop="de-provisioning"} 1
# HELP sopd_kpi_target_seconds What is promised, in seconds of the clock's calendar; a business day is the calendar's usual day.
# TYPE sopd_kpi_target_seconds gauge
sopd_kpi_target_seconds{kpi="leaver-revocation",severity="all",sop="de-provisioning"} 86400
# HELP sopd_memberships Memberships of managed groups by what speaks for them, as the last pass saw them.
# TYPE sopd_memberships gauge
sopd_memberships{state="baseline"} 0
sopd_memberships{state="drift"} 1
sopd_memberships{state="foreign"} 0
sopd_memberships{state="granted"} 3
# HELP sopd_writes_enabled 1 when sopd may change things outside, 0 when it only records what it would do.
# TYPE sopd_writes_enabled gauge
sopd_writes_enabled 1
`
	names := []string{
		"sopd_changes_total", "sopd_findings", "sopd_kpi_attainment_ratio", "sopd_kpi_completed_total", "sopd_kpi_target_seconds",
		"sopd_memberships", "sopd_writes_enabled",
	}
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestPromlintFindsNothing(t *testing.T) {
	problems, err := testutil.GatherAndLint(registry(t, filled(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestTheHistogramCarriesTheChangeIDAndBoundsAtThePromise(t *testing.T) {
	h := find(t, registry(t, filled(t)), "sopd_kpi_duration_seconds").GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 2 || h.GetSchema() == 0 && h.GetZeroThreshold() == 0 {
		t.Errorf("count %d, native schema %d", h.GetSampleCount(), h.GetSchema())
	}
	var atLimit uint64
	exemplar := ""
	for _, b := range h.GetBucket() {
		if b.GetUpperBound() == 86400 {
			atLimit = b.GetCumulativeCount()
		}
		if e := b.GetExemplar(); e != nil {
			exemplar = e.GetLabel()[0].GetName() + "=" + e.GetLabel()[0].GetValue()
		}
	}
	if atLimit != 1 {
		t.Errorf("%d within the promised limit, want 1", atLimit)
	}
	if !strings.HasPrefix(exemplar, "change_id=CHG-") {
		t.Errorf("exemplar %q", exemplar)
	}
}

func TestALateFactCorrectsTheHistogram(t *testing.T) {
	s := filled(t)
	r := prometheus.NewPedanticRegistry()
	k := figures.NewKPIs(r, []kpi.Definition{clock(t)})
	if err := k.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	write(t, s, func(tx *store.Tx) error {
		_, err := tx.PutFacts([]kpi.Fact{{
			ID: "late", Subject: "HR-2", Name: "leaver.removed", At: now.Add(-47 * time.Hour), Recorded: now, Source: "person", Corrects: "HR-2/removed",
		}})
		return err
	})
	if err := k.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	h := find(t, r, "sopd_kpi_duration_seconds").GetMetric()[0].GetHistogram()
	if want := (3 * time.Hour).Seconds() + time.Hour.Seconds(); h.GetSampleSum() != want {
		t.Errorf("sum %v, want %v: the corrected cycle", h.GetSampleSum(), want)
	}
}

func TestAStoreThatCannotBeReadShowsAsDown(t *testing.T) {
	s := open(t)
	r := registry(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if v := find(t, r, "sopd_store_up").GetMetric()[0].GetGauge().GetValue(); v != 0 {
		t.Errorf("sopd_store_up = %v", v)
	}
}

func find(t *testing.T, r *prometheus.Registry, name string) *dto.MetricFamily {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

func TestWhatTwoPagersSayDifferentlyIsCountedFromTheFindings(t *testing.T) {
	s := open(t)
	write(t, s, func(tx *store.Tx) error {
		for key, detail := range map[finding.Key]map[string]string{
			"a": {"what": "open_alert", "count": "3"}, "b": {"what": "open_alert", "count": "2"}, "c": {"what": "open_alert", "count": "many"},
		} {
			f := finding.Finding{Key: key, Kind: "pager-disagreement", Raised: now, Detail: detail}
			if key == "b" {
				f.Kind = "drift" // another kind's details are none of ours
			}
			if _, err := tx.PutFinding(f); err != nil {
				return err
			}
		}
		return nil
	})
	want := `
# HELP sopd_paging_disagreements What the two pagers say differently while an organisation crosses from one to the other.
# TYPE sopd_paging_disagreements gauge
sopd_paging_disagreements{kind="on_call"} 0
sopd_paging_disagreements{kind="open_alert"} 3
`
	if err := testutil.GatherAndCompare(registry(t, s), strings.NewReader(want), "sopd_paging_disagreements"); err != nil {
		t.Error(err)
	}
}
