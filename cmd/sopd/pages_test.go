package main

//go:generate go test -run TestThePagesAreCurrent -update .

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/mocks/world"
	"github.com/maisonrmi/sopd/reconcile"
	dto "github.com/prometheus/client_model/go"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the generated pages")

const generated = "<!-- Written by go generate ./cmd/sopd; do not edit. -->\n\n"

func TestThePagesAreCurrent(t *testing.T) {
	for name, text := range map[string]string{
		"configuration.md": configurationPage(), "cli.md": cliPage(), "metrics.md": metricsPage(t),
	} {
		path := filepath.Join("..", "..", "docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(have), text); diff != "" {
			t.Errorf("docs/%s is not current, run make gen:\n%s", name, diff)
		}
	}
}

func configurationPage() string {
	var w strings.Builder
	w.WriteString("# Configuration\n\n" + generated)
	w.WriteString("sopd is configured by environment variables. A secret may stand in a file instead: `SOPD_…_FILE` names it.\n\n")
	w.WriteString("| variable | secret | meaning |\n|---|---|---|\n")
	fields := reflect.TypeFor[environment]()
	for i := range fields.NumField() {
		tag := fields.Field(i).Tag
		secret := ""
		if tag.Get("secret") == "true" {
			secret = "yes"
		}
		fmt.Fprintf(&w, "| `%s` | %s | %s |\n", tag.Get("env"), secret, tag.Get("about"))
	}
	return w.String()
}

func cliPage() string {
	var w strings.Builder
	w.WriteString("# Commands\n\n" + generated)
	w.WriteString("Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 `plan` found changes; 4 a hold or a guard stopped it; 5 verification failed.\n")
	describe(&w, newRoot(console{Env: func(string) (string, bool) { return "", false }}))
	return w.String()
}

func describe(w *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(w, "\n## %s\n\n", cmd.CommandPath())
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintf(w, "%s\n\n```\n%s\n", text, cmd.UseLine())
	if flags := cmd.LocalFlags().FlagUsages(); flags != "" {
		fmt.Fprintf(w, "\n%s", flags)
	}
	w.WriteString("```\n")
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "completion" {
			describe(w, sub)
		}
	}
}

func metricsPage(t *testing.T) string {
	var w strings.Builder
	w.WriteString("# Metrics\n\n" + generated)
	w.WriteString("Every metric of sopd, from `/metrics`. Labels are closed sets; `sop`, `kpi` and `severity` come from the policies.\n")
	w.WriteString("`sopd_kpi_duration_seconds` is a native histogram too, and its exemplars carry the change ID.\n\n")
	w.WriteString("| metric | type | labels | what it tells |\n|---|---|---|---|\n")
	for _, f := range families(t) {
		if !strings.HasPrefix(f.GetName(), "sopd_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		fmt.Fprintf(&w, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, " "), f.GetHelp())
	}
	return w.String()
}

// families gathers everything that a daemon exports that has made a change and kept a promise.
func families(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	w, err := world.New(world.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	env, err := demoEnvironment(w, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := connect(t.Context(), console{Err: os.Stderr, Env: lookup(env)}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	makeHistory(t, d)
	figures.NewPasses(d.registry, resultNames())
	vendors := figures.Coverage{SOP: "vendor-onboarding", KPI: "due-diligence"}
	if err := figures.NewKPIs(d.registry, d.policies.Clocks, vendors).Update(t.Context(), d.store); err != nil {
		t.Fatal(err)
	}
	if _, err := d.newIntake(waker{}); err != nil {
		t.Fatal(err)
	}
	all, err := d.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// waker wakes nobody.
type waker struct{}

func (waker) Wake(*store.Tx) error { return nil }

func makeHistory(t *testing.T, d *daemon) {
	t.Helper()
	now := d.store.Now()
	c := change.Change{
		ID: change.NewID(now), Kind: change.AddMember, Reason: change.ApprovedTicket, User: "00u1", Group: "00g1", Plan: "p", Policy: "x@1.0.0",
		State: change.Intended, Intended: now,
	}
	err := d.store.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.PutChange(c); err != nil {
			return err
		}
		c.State, c.Settled = change.Confirmed, now
		if err := tx.PutChange(c); err != nil {
			return err
		}
		if err := tx.PutProceeding(store.Proceeding{SOP: "vendor-onboarding", Ticket: "VND-1", Standing: store.Complete}); err != nil {
			return err
		}
		_, err := tx.PutFacts([]kpi.Fact{
			{ID: "1", Subject: "ACC-1", Name: reconcile.FactRequested, At: now.Add(-time.Hour), Recorded: now, Source: "pass"},
			{ID: "2", Subject: "ACC-1", Name: reconcile.FactProvisioned, At: now, Recorded: now, Source: "pass"},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
