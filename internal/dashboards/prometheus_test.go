package dashboards

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// silent are the panels that show nothing of the demo, with the reason.
func silent() map[string]string {
	return map[string]string{
		"What containment has changed": "the demo's main story has no incident",
	}
}

// untroubled are those that show something only when something is wrong or switched on: they are asked about the twin of the
// demo, in which every gauge that was 0 is 1.
func untroubled() map[string]bool {
	return map[string]bool{
		"Plans that wait, by guard": true, "Open clocks by promise": true, "Findings about incidents and paging": true,
		"Last backup": true, "Last restore test": true, "A restore takes": true, "Stored work that is not done": true,
		"Promises of incident response": true, // its oldest open one
	}
}

func TestTheSnapshotHasEveryMetric(t *testing.T) {
	text := read(t, filepath.Join("testdata", "metrics.txt"))
	for name := range metrics(t) {
		if !regexp.MustCompile(`(?m)^` + name + `(_count)?[ {]`).MatchString(text) {
			t.Errorf("%s is missing: take the snapshot again: sopd demo, then /metrics as OpenMetrics", name)
		}
	}
}

func TestARealPrometheusAnswersTheBoards(t *testing.T) {
	p := startPrometheus(t)
	t.Run("every panel", p.panels)
	t.Run("every variable", p.variables)
}

func (p server) panels(t *testing.T) {
	quiet, calm := silent(), untroubled()
	for name, d := range boards(t) {
		for _, panel := range d.Panels {
			for _, q := range panel.Targets {
				n, troubled := p.ask(t, q.Expr, q.Instant), p.ask(t, strings.ReplaceAll(q.Expr, "$job", "troubled"), q.Instant)
				_, known := quiet[panel.Title]
				if n == 0 && !known && !calm[panel.Title] || n > 0 && known || (troubled == 0) != known {
					t.Errorf("%s, %s: %d series, %d of the troubled twin\n%s", name, panel.Title, n, troubled, q.Expr)
				}
				if q.Exemplar && !strings.Contains(string(p.exemplars(t, q.Expr)), "CHG-") {
					t.Errorf("%s, %s: no exemplar carries a change ID", name, panel.Title)
				}
			}
		}
	}
}

func (p server) variables(t *testing.T) {
	pattern := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	asked := 0
	for name, d := range boards(t) {
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			asked++
			text, _ := v.Query.(string)
			m := pattern.FindStringSubmatch(text)
			if m == nil {
				t.Errorf("%s: variable %s asks %v", name, v.Name, v.Query)
				continue
			}
			var values []string
			p.get(t, "label/"+m[2]+"/values", url.Values{"match[]": {chosen(m[1])}}, &values)
			if want := chosen("$" + v.Name); len(values) == 0 || want != ".*" && !slices.Contains(values, want) {
				t.Errorf("%s: variable %s has the values %v, %s is chosen", name, v.Name, values, want)
			}
		}
	}
	if asked < 5 {
		t.Errorf("only %d variables were asked for", asked)
	}
}

// chosen puts what a reader would choose in the place of the variables.
func chosen(expr string) string {
	values := map[string]string{
		"$job": "sopd", "$sop": ".*", "$severity": ".*", "$window": "30d", "$requests": "access-provisioning", "$leavers": "de-provisioning", "$incidents": "incident-response", "$__range": "1h",
	}
	names := slices.Sorted(maps.Keys(values))
	for _, name := range names {
		expr = strings.ReplaceAll(expr, name, values[name])
	}
	return expr
}

// server is a Prometheus of this test.
type server struct{ base string }

// startPrometheus runs Debian's Prometheus until the test ends. It returns when the snapshot was scraped twice, so that
// rates have a value.
func startPrometheus(t *testing.T) server {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("SOPD_REQUIRE_PROMTOOL") == "1" {
			t.Fatal("prometheus is absent and SOPD_REQUIRE_PROMTOOL=1")
		}
		t.Skip("prometheus is absent")
	}
	target, scraped := serveSnapshot(t)
	dir := t.TempDir()
	config := "scrape_configs:\n"
	for _, job := range []string{"sopd", "troubled"} {
		config += fmt.Sprintf("- {job_name: %s, scrape_interval: 1s, metrics_path: /%s, static_configs: [{targets: [%q]}]}\n", job, job, target)
	}
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0", "--enable-feature=exemplar-storage")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	t.Cleanup(func() {
		<-drained
		_ = cmd.Wait() // killed by the end of the test's context
	})
	address := make(chan string, 1)
	go func() {
		defer close(drained)
		follow(log, address)
	}()
	return server{base: "http://" + soon(t, address) + "/api/v1/"}.after(t, scraped)
}

// follow reads the log to its end and tells the address that Prometheus listens on.
func follow(log io.Reader, address chan<- string) {
	pattern := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if m := pattern.FindStringSubmatch(lines.Text()); m != nil {
			address <- m[1]
		}
	}
}

func (p server) after(t *testing.T, signal <-chan string) server {
	t.Helper()
	soon(t, signal)
	soon(t, signal)
	return p
}

func soon(t *testing.T, signal <-chan string) string {
	t.Helper()
	select {
	case s := <-signal:
		return s
	case <-time.After(30 * time.Second):
		t.Fatal("Prometheus is not up after 30 seconds")
		return ""
	}
}

// serveSnapshot serves the demo's metrics and those of its troubled twin as OpenMetrics. Counters grow by one with each
// scrape. The third scrape of each gives the signal: by then two are stored.
func serveSnapshot(t *testing.T) (address string, scraped <-chan string) {
	t.Helper()
	text := read(t, filepath.Join("testdata", "metrics.txt"))
	third := make(chan string, 2)
	mux := http.NewServeMux()
	for path, text := range map[string]string{"/sopd": text, "/troubled": zero.ReplaceAllString(text, "${1}1")} {
		var n atomic.Int64
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			count := n.Add(1)
			w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
			_, _ = io.WriteString(w, grown(text, count)) // a scrape that is cut off is no concern of ours
			if count == 3 {
				third <- path
			}
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), third
}

// zero is a gauge that says that all is well, or that nothing is there yet.
var zero = regexp.MustCompile(`(?m)^(sopd_(?:findings|guard_disabled|holds|kpi_open|kpi_oldest_open_seconds|backup\w*|restore\w*|queue_depth|paging_disagreements)(?:\{[^}]*\})? )0(?:\.0)?$`)

var counted = regexp.MustCompile(`(?m)^(sopd_\w+(?:_total|_bucket|_count)(?:\{[^}]*\})? )(\d+)(?:\.0)?`)

func grown(text string, n int64) string {
	return counted.ReplaceAllStringFunc(text, func(line string) string {
		m := counted.FindStringSubmatch(line)
		value, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			return line
		}
		return m[1] + strconv.FormatInt(value+n, 10)
	})
}

// ask returns how many series answer.
func (p server) ask(t *testing.T, expr string, instant bool) int {
	t.Helper()
	var data struct {
		Result []json.RawMessage `json:"result"`
	}
	if instant {
		p.get(t, "query", url.Values{"query": {chosen(expr)}}, &data)
		return len(data.Result)
	}
	now := time.Now()
	p.get(t, "query_range", url.Values{
		"query": {chosen(expr)}, "start": {unix(now.Add(-time.Minute))}, "end": {unix(now)}, "step": {"1"},
	}, &data)
	return len(data.Result)
}

func (p server) exemplars(t *testing.T, expr string) json.RawMessage {
	t.Helper()
	var data json.RawMessage
	p.get(t, "query_exemplars", url.Values{"query": {chosen(expr)}, "start": {"0"}, "end": {unix(time.Now().AddDate(10, 0, 0))}}, &data)
	return data
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// get asks the API. An error of Prometheus ends the test.
func (p server) get(t *testing.T, path string, query url.Values, data any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status != "success" {
		t.Fatalf("%s: %s\n%s", path, answer.Error, query.Get("query"))
	}
}
