package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		value, ok := env[key]
		return value, ok
	}
}

func soundEnvironment() map[string]string {
	return map[string]string{
		"SOPD_POLICY_DIR": "policies", "SOPD_DATA_DIR": "data", "SOPD_OKTA_URL": "https://example.okta.com/", "SOPD_OKTA_TOKEN": "okta-token",
		"SOPD_JIRA_URL": "https://example.atlassian.net", "SOPD_JIRA_USER": "sopd@example.com", "SOPD_JIRA_TOKEN": "jira-token",
		"SOPD_PAGING": "opsgenie", "SOPD_OPSGENIE_KEY": "ops-key", "SOPD_JIRA_WEBHOOK_SECRET": "the-secret-of-today", "SOPD_JIRA_WEBHOOK_SECRET_PREVIOUS": "the-secret-before",
	}
}

func TestASoundEnvironmentIsReadWithItsDefaults(t *testing.T) {
	c, err := loadConfig(t.Context(), lookup(soundEnvironment()))
	if err != nil {
		t.Fatal(err)
	}
	if c.Write || c.Interval != time.Minute || c.Listen != "127.0.0.1:9464" || c.OktaURL != "https://example.okta.com" {
		t.Errorf("%+v", c)
	}
	if c.DatabaseURL != "sqlite:"+filepath.Join("data", "sopd.db") || c.OpsgenieURL != "https://api.opsgenie.com" || len(c.JiraHooks) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestEveryProblemOfTheEnvironmentIsToldAtOnce(t *testing.T) {
	env := soundEnvironment()
	env["SOPD_OKTA_URL"] = "http://okta.example.com"
	env["SOPD_JIRA_TOKEN"] = ""
	env["SOPD_WRITE"] = "maybe"
	env["SOPD_INTERVAL"] = "1ms"
	env["SOPD_PAGING"] = "pagerduty"
	env["SOPD_LISTEN"] = "9464"
	env["SOPD_DATABASE_URL"] = "mysql://x"
	env["SOPD_OKTA_CLIENT_ID"] = "0oa1"
	env["SOPD_OKTA_WEBHOOK_SECRET"] = "short"
	_, err := loadConfig(t.Context(), lookup(env))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"SOPD_OKTA_URL: uses http", "SOPD_JIRA_TOKEN: is missing", `SOPD_WRITE: is "maybe"`, "SOPD_INTERVAL:", `SOPD_PAGING: is "pagerduty"`,
		"SOPD_LISTEN:", "SOPD_DATABASE_URL:", "SOPD_OKTA_TOKEN: is set together", "SOPD_OKTA_WEBHOOK_SECRET: is shorter",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

func TestTheShareOfTheRateLimitIsAPercentage(t *testing.T) {
	for value, want := range map[string]int{"": 50, "1": 1, "100": 100, "25%": 25, "0": 0, "101": 0, "-5": 0, "half": 0, "12.5": 0} {
		env := soundEnvironment()
		env["SOPD_RATE_SHARE"] = value
		c, err := loadConfig(t.Context(), lookup(env))
		if (err == nil) != (want > 0) || err == nil && c.RateShare != want {
			t.Errorf("%q: %d, %v, want %d", value, c.RateShare, err, want)
		}
	}
}

func TestTheIntervalGrowsWhileABudgetIsShort(t *testing.T) {
	for _, c := range []struct {
		left  float64
		share int
		want  time.Duration
	}{
		{1, 50, time.Minute}, {0.5, 50, time.Minute}, {0.25, 50, 2 * time.Minute}, {0.01, 50, 8 * time.Minute}, {0, 50, 8 * time.Minute},
		{0.25, 75, time.Minute}, {0, 100, time.Minute},
	} {
		if got := stretched(time.Minute, c.left, c.share); got != c.want {
			t.Errorf("%v left, share %d: %v, want %v", c.left, c.share, got, c.want)
		}
	}
}

func TestHTTPIsAcceptedOnThisMachineOnly(t *testing.T) {
	for url, ok := range map[string]bool{
		"http://127.0.0.1:80": true, "http://[::1]:80": true, "http://localhost": true,
		"http://127.0.0.1.example.com": false, "http://10.0.0.1": false, "ftp://127.0.0.1": false, "https://user:pass@example.com": false,
	} {
		env := soundEnvironment()
		env["SOPD_OKTA_URL"] = url
		if _, err := loadConfig(t.Context(), lookup(env)); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestASecretMayStandInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := soundEnvironment()
	delete(env, "SOPD_JIRA_TOKEN")
	env["SOPD_JIRA_TOKEN_FILE"] = path
	c, err := loadConfig(t.Context(), lookup(env))
	if err != nil || c.JiraToken.Reveal() != "from-file" {
		t.Errorf("%v, %v", c.JiraToken, err)
	}
	env["SOPD_JIRA_TOKEN"] = "both"
	if _, err := loadConfig(t.Context(), lookup(env)); err == nil || strings.Contains(err.Error(), "both\"") {
		t.Errorf("token and file together: %v", err)
	}
	delete(env, "SOPD_JIRA_TOKEN")
	env["SOPD_JIRA_TOKEN_FILE"] = path + ".absent"
	if _, err := loadConfig(t.Context(), lookup(env)); err == nil || !strings.Contains(err.Error(), "SOPD_JIRA_TOKEN_FILE: the file cannot be read") {
		t.Errorf("absent file: %v", err)
	}
}

func TestNoSecretStandsInAProblem(t *testing.T) {
	env := soundEnvironment()
	for key, value := range map[string]string{
		"SOPD_OKTA_PRIVATE_KEY": "very-secret", "SOPD_OPSGENIE_KEY": "very-secret", "SOPD_DATABASE_URL": "mysql://u:very-secret@h/d", "SOPD_PAGING": "x",
	} {
		env[key] = value
	}
	_, err := loadConfig(t.Context(), lookup(env))
	if err == nil || strings.Contains(err.Error(), "very-secret") {
		t.Errorf("%v", err)
	}
}

func TestWrongUsageEndsWithTwo(t *testing.T) {
	for _, args := range [][]string{{"frobnicate"}, {"run", "--no-such-flag"}, {"explain"}, {"explain", "x", "y"}, {"holds", "show", "nonsense"}} {
		var out, errs strings.Builder
		code := run(t.Context(), args, console{In: strings.NewReader(""), Out: &out, Err: &errs, Env: lookup(nil)})
		if code != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: code %d, %q", args, code, errs.String())
		}
	}
}

func TestAnUnconfiguredDaemonNamesEverythingAndEndsWithTwo(t *testing.T) {
	for _, args := range [][]string{{"run"}, {"run", "--once"}, {"check"}, {"plan"}} {
		var out, errs strings.Builder
		code := run(t.Context(), args, console{In: strings.NewReader(""), Out: &out, Err: &errs, Env: lookup(nil)})
		if code != exitUsage {
			t.Errorf("%v: code %d", args, code)
		}
		for _, want := range []string{"SOPD_POLICY_DIR", "SOPD_OKTA_URL", "SOPD_JIRA_URL", "SOPD_JIRA_TOKEN"} {
			if !strings.Contains(errs.String(), want) {
				t.Errorf("%v: no %s in %q", args, want, errs.String())
			}
		}
	}
}

func TestPolicyLintNamesEveryProblemAndEndsWithTwo(t *testing.T) {
	lint := func(args ...string) (int, string) {
		var out, errs strings.Builder
		code := run(t.Context(), append([]string{"policy", "lint"}, args...), console{In: strings.NewReader(""), Out: &out, Err: &errs, Env: lookup(nil)})
		return code, out.String() + errs.String()
	}
	if code, text := lint(filepath.Join("..", "..", "policies", "example")); code != exitDone || !strings.Contains(text, "sound: 19 procedures") {
		t.Errorf("the example: %d %s", code, text)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": "apiVersion: sopd/v1\nkind: Catalog\nsystem: []\n", "b.yaml": "apiVersion: sopd/v1\nkind: Nonsense\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, text := lint(dir)
	if code != exitUsage || !strings.Contains(text, `a.yaml:3:1: unknown field "system"`) || !strings.Contains(text, "b.yaml:2:7: kind") {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := lint(); code != exitUsage {
		t.Errorf("without a folder: %d", code)
	}
}

func TestJSMOperationsIsConfiguredByTheJiraAccountWhereItHasNoneOfItsOwn(t *testing.T) {
	env := soundEnvironment()
	env["SOPD_PAGING"], env["SOPD_JSMOPS_KEY"], env["SOPD_JSMOPS_SITE"] = "jsmops", "ops-key", "https://example.atlassian.net"
	c, err := loadConfig(t.Context(), lookup(env))
	if err != nil || c.JSMOpsUser != "sopd@example.com" || c.JSMOpsToken.Reveal() != "jira-token" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := (&daemon{config: c}).newPager(transport.Options{}); err != nil {
		t.Error(err)
	}
	env["SOPD_JSMOPS_CLOUD_ID"], env["SOPD_JSMOPS_KEY"] = "11111111-2222-3333-4444-555555555555", ""
	_, err = loadConfig(t.Context(), lookup(env))
	for _, want := range []string{"SOPD_JSMOPS_SITE: set either", "SOPD_JSMOPS_KEY: is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestBothPagersAreConfiguredAndOneOfThemIsWrittenTo(t *testing.T) {
	env := soundEnvironment()
	env["SOPD_PAGING"], env["SOPD_JSMOPS_KEY"], env["SOPD_JSMOPS_SITE"] = "both", "ops-key", "https://example.atlassian.net"
	c, err := loadConfig(t.Context(), lookup(env))
	if err != nil || c.PagingPrimary != "opsgenie" || c.OpsgenieKey.Empty() || c.JSMOpsKey.Empty() {
		t.Errorf("primary %q, %v", c.PagingPrimary, err)
	}
	p, err := (&daemon{config: c}).newPager(transport.Options{})
	if two, is := p.(*pair); err != nil || !is || two.names[0] != "Opsgenie" {
		t.Errorf("%T, %v", p, err)
	}
	env["SOPD_PAGING_PRIMARY"] = "jsmops"
	if c, err = loadConfig(t.Context(), lookup(env)); err != nil {
		t.Fatal(err)
	}
	if p, err := (&daemon{config: c}).newPager(transport.Options{}); err != nil || p.(*pair).names[0] != "JSM Operations" {
		t.Errorf("%T, %v", p, err)
	}
	for _, wrong := range []map[string]string{{"SOPD_PAGING_PRIMARY": "pagerduty"}, {"SOPD_PAGING": "opsgenie"}, {"SOPD_OPSGENIE_KEY": "", "SOPD_JSMOPS_KEY": ""}} {
		spoilt := soundEnvironment()
		for _, more := range []map[string]string{env, wrong} {
			for name, v := range more {
				spoilt[name] = v
			}
		}
		if _, err := loadConfig(t.Context(), lookup(spoilt)); err == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}
