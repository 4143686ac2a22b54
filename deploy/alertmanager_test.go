package deploy_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const alertmanager = "alertmanager/alertmanager.yml"

func TestAlertsGoToWhomTheyConcern(t *testing.T) {
	for labels, want := range map[string]string{
		"alertname=SopdWatchdog severity=info":                    "heartbeat",
		"alertname=SopdUrgentPromiseBroken severity=critical":     "opsgenie",
		"alertname=SopdPromiseAtRisk severity=warning":            "opsgenie",
		"alertname=SopdGone severity=critical":                    "mail,opsgenie",
		"alertname=SopdConnectorFails severity=warning":           "mail,opsgenie",
		"alertname=SomethingToKnow severity=info":                 "mail",
		"alertname=SopdOpsgenieEndsSoon severity=critical job=so": "mail,opsgenie",
	} {
		args := append([]string{"config", "routes", "test", "--config.file=" + alertmanager}, strings.Fields(labels)...)
		out, err := exec.CommandContext(t.Context(), program(t, "amtool"), args...).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: goes to %q, want %q (%v)", labels, got, want, err)
		}
	}
}

func TestAlertmanagerNamesOnlyAlertsThatExist(t *testing.T) {
	names := alerts(t)
	for _, quoted := range found(read(t, alertmanager), `alertname !?=~? "([^"]+)"`) {
		for _, name := range strings.Split(quoted, "|") {
			if name != "Sopd.*" && !slices.Contains(names, name) {
				t.Errorf("%s is no alert", name)
			}
		}
	}
}

// startAlertmanager runs a real one until the test ends and returns its address.
func startAlertmanager(t *testing.T) string {
	t.Helper()
	address := free(t)
	start(t, "prometheus-alertmanager", "--config.file="+alertmanager, "--storage.path="+t.TempDir(),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=error")
	return "http://" + address
}

// inhibited fires the alerts together and returns those that somebody is not told about, because another one says why.
// All go out after half a minute, which no test waits for.
func inhibited(t *testing.T, address string, firing ...string) func() []string {
	t.Helper()
	var body []map[string]any
	for _, name := range firing {
		body = append(body, map[string]any{"labels": map[string]string{"alertname": name, "job": "sopd", "severity": "critical"}})
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var posted bool
	return func() []string {
		if !posted {
			posted = ask(t, http.MethodPost, address+"/api/v2/alerts", text, nil)
			return nil
		}
		var all []struct {
			Labels map[string]string `json:"labels"`
			Status struct {
				InhibitedBy []string `json:"inhibitedBy"`
			} `json:"status"`
		}
		ask(t, http.MethodGet, address+"/api/v2/alerts", nil, &all)
		var quiet []string
		for _, a := range all {
			if len(a.Status.InhibitedBy) > 0 {
				quiet = append(quiet, a.Labels["alertname"])
			}
		}
		slices.Sort(quiet)
		return quiet
	}
}

// ask makes a request and reports whether it was answered well.
func ask(t *testing.T, method, url string, body []byte, into any) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false // not up yet
	}
	defer answer.Body.Close()
	if into != nil {
		err = json.NewDecoder(answer.Body).Decode(into)
	}
	return err == nil && answer.StatusCode == http.StatusOK
}

func TestWhatIsBlindForAKnownReasonIsToldOnce(t *testing.T) {
	for _, c := range []struct{ firing, quiet []string }{
		{[]string{"SopdGone", "SopdBlind", "SopdPromiseBroken"}, []string{"SopdBlind", "SopdPromiseBroken"}},
		{[]string{"SopdStoreDown", "SopdBlind", "SopdPassesFail", "SopdHoldWaits"}, []string{"SopdBlind", "SopdPassesFail"}},
		{[]string{"SopdLoopStopped", "SopdPassesFail", "SopdPollBehind"}, []string{"SopdPassesFail", "SopdPollBehind"}},
		{[]string{"SopdOpsgenieEnds", "SopdOpsgenieEndsSoon"}, []string{"SopdOpsgenieEnds"}},
	} {
		look := inhibited(t, startAlertmanager(t), c.firing...)
		deadline, tick := time.NewTimer(15*time.Second), time.NewTicker(100*time.Millisecond)
		for quiet := look(); !slices.Equal(quiet, c.quiet); quiet = look() {
			select {
			case <-deadline.C:
				t.Fatalf("%v fire: %v are quiet, want %v", c.firing, quiet, c.quiet)
			case <-tick.C:
			}
		}
		tick.Stop()
		deadline.Stop()
	}
}
