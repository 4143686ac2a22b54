// Package deploy_test checks what lies in this folder with the programs that will read it.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// program returns the path of a program of Debian's packages. Where it is absent the test is skipped, or fails when
// SOPD_REQUIRE_PROMTOOL=1.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("SOPD_REQUIRE_PROMTOOL") == "1" {
		t.Fatalf("%s is absent and SOPD_REQUIRE_PROMTOOL=1", name)
	}
	t.Skipf("%s is absent", name)
	return ""
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// found returns the first group of every match.
func found(text, pattern string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

const rules = "prometheus/sopd.rules.yml"

func alerts(t *testing.T) []string {
	t.Helper()
	names := found(read(t, rules), `- alert: (\w+)`)
	if len(names) < 20 {
		t.Fatalf("only %d alerts were found", len(names))
	}
	return names
}

func TestPrometheusTakesTheRules(t *testing.T) {
	run(t, "promtool", "check", "rules", rules)
	run(t, "promtool", "check", "config", "prometheus/prometheus.yml")
}

func TestAlertsFireWhenTheyShouldAndOnlyThen(t *testing.T) {
	files, err := filepath.Glob("prometheus/*.test.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests of the rules", err)
	}
	run(t, "promtool", append([]string{"test", "rules"}, files...)...)
}

func TestEachAlertIsTestedForFiringAndForSilence(t *testing.T) {
	cases := read(t, "prometheus/sopd.rules.test.yml") + read(t, "prometheus/sopd.days.test.yml") + read(t, "prometheus/sopd.dates.test.yml")
	for _, name := range alerts(t) {
		if !strings.Contains(cases, `"`+name+` fires"`) {
			t.Errorf("%s is not tested for firing", name)
		}
		if name != "SopdWatchdog" && !strings.Contains(cases, `"`+name+` stays silent"`) {
			t.Errorf("%s is not tested for silence", name)
		}
	}
}

func TestEachAlertHasAnEntryInTheRunbookAndEachEntryAnAlert(t *testing.T) {
	names := alerts(t)
	entries := found(read(t, "../docs/runbook.md"), `(?m)^## (\w+)$`)
	links := found(read(t, rules), `runbook_url: \S+/docs/runbook\.md#(\w+)`)
	for i, name := range names {
		if !slices.Contains(entries, name) {
			t.Errorf("%s has no entry", name)
		}
		if i >= len(links) || links[i] != strings.ToLower(name) {
			t.Errorf("%s does not link to its entry", name)
		}
	}
	for _, entry := range entries {
		if !slices.Contains(names, entry) {
			t.Errorf("entry %s is no alert", entry)
		}
	}
}

func TestEveryKindOfFindingIsNamedInTheRules(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../reconcile/*.go", "../reconcile/*/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, names...)
	}
	kinds := 0
	for _, name := range files {
		for _, kind := range found(read(t, name), `(?m)\bFinding\w* +finding\.Kind = "([a-z-]+)"`) {
			// Those that no alert names would be taken for kinds of watch rules.
			if kinds++; !regexp.MustCompile(`["|]` + kind + `["|]`).MatchString(read(t, rules)) {
				t.Errorf("finding %s is in no rule; give it a severity", kind)
			}
		}
	}
	if kinds < 25 {
		t.Errorf("only %d kinds were found", kinds)
	}
}

func TestRulesNameOnlyMetricsAndLabelsThatExist(t *testing.T) {
	rows := make(map[string]string)
	for _, m := range regexp.MustCompile("(?m)^\\| `(sopd_\\w+)` \\| \\w+ \\| ([^|]*)\\|").FindAllStringSubmatch(read(t, "../docs/metrics.md"), -1) {
		rows[m[1]] = m[2]
	}
	used := 0
	for _, m := range regexp.MustCompile(`\b(sopd_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(read(t, rules), -1) {
		labels, known := rows[m[1]]
		if used++; !known {
			t.Errorf("%s is no metric", m[1])
		}
		for _, label := range found(m[2], `(\w+)(?:=|!)`) {
			if !strings.Contains(labels, "`"+label+"`") {
				t.Errorf("%s has no label %s", m[1], label)
			}
		}
	}
	if used < 20 {
		t.Errorf("only %d uses of metrics were found", used)
	}
}

func TestAlertmanagerTakesItsConfiguration(t *testing.T) {
	run(t, "amtool", "check-config", "alertmanager/alertmanager.yml")
}

func TestTheUnitIsHardened(t *testing.T) {
	// The threshold is in tenths: 20 is 2.0.
	run(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", "systemd/sopd.service")
}

func TestTheUnitOfThePackageIsAsHardAsTheUnitAlone(t *testing.T) {
	dir := t.TempDir()
	unit := read(t, "systemd/sopd.service")
	for _, line := range strings.Split(read(t, "package/user.conf"), "\n") {
		if key, value, set := strings.Cut(line, "="); set {
			unit = regexp.MustCompile(`(?m)^`+key+`=.*\n`).ReplaceAllString(unit, "")
			unit = strings.Replace(unit, "[Service]\n", "[Service]\n"+key+"="+value+"\n", 1)
		}
	}
	path := filepath.Join(dir, "sopd.service")
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", path)
}
