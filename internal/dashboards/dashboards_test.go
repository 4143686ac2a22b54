package dashboards

//go:generate go test -run TestTheFilesAreCurrent -update .

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the dashboards")

var folder = filepath.Join("..", "..", "deploy", "grafana", "dashboards")

func files(t *testing.T) map[string][]byte {
	t.Helper()
	made, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTheFilesAreCurrent(t *testing.T) {
	made := files(t)
	for name, text := range made {
		path := filepath.Join(folder, name)
		if *update {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(read(t, path), string(text)); diff != "" {
			t.Errorf("%s is not current, run make gen:\n%s", name, diff)
		}
	}
	there, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(there) != len(made) {
		t.Errorf("%d files in the folder, %d are made: %v", len(there), len(made), err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drawn is what Grafana reads of a board, with names of its own: a field with a wrong name must not be wrong on both sides.
type drawn struct {
	UID    string `json:"uid"`
	Panels []struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		GridPos     struct{ X, Y, W, H int }
		Links       []struct{ URL string }
		Targets     []struct {
			Expr     string `json:"expr"`
			Instant  bool   `json:"instant"`
			Exemplar bool   `json:"exemplar"`
		} `json:"targets"`
		FieldConfig struct {
			Defaults struct {
				Unit, NoValue string
				Mappings      []struct {
					Type    string
					Options struct {
						Match  string
						Result struct{ Text, Color string }
					}
				}
				Thresholds struct{ Steps []struct{ Color string } }
			}
			Overrides []struct {
				Properties []struct {
					ID    string `json:"id"`
					Value any    `json:"value"`
				}
			}
		} `json:"fieldConfig"`
		Transformations []struct {
			ID string `json:"id"`
		} `json:"transformations"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Type  string `json:"type"`
			Query any    `json:"query"`

			Multi, IncludeAll bool
		} `json:"list"`
	} `json:"templating"`
}

func boards(t *testing.T) map[string]drawn {
	t.Helper()
	all := make(map[string]drawn)
	for name, text := range files(t) {
		var d drawn
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		all[name] = d
	}
	if len(all) != 4 {
		t.Fatalf("%d boards, want 4", len(all))
	}
	return all
}

var metricName = regexp.MustCompile(`\bsopd_\w+`)

func TestEveryMetricOfAPanelExistsWithItsLabels(t *testing.T) {
	labels := metrics(t)
	for name, d := range boards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				for _, fault := range unknown(q.Expr, labels) {
					t.Errorf("%s, %s: %s", name, p.Title, fault)
				}
			}
		}
	}
}

func TestAMetricOrLabelThatDoesNotExistIsFound(t *testing.T) {
	labels := metrics(t)
	want := []string{"sopd_gone is no metric", "sopd_holds has no label user", "ticket is no label of sopd_holds"}
	got := slices.Concat(
		unknown(`sum(sopd_gone{job="x"})`, labels), unknown(`sopd_holds{job="x",user="y"}`, labels), unknown(`sum by (ticket) (sopd_holds)`, labels))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// unknown lists what an expression names and docs/metrics.md does not know.
func unknown(expr string, known map[string][]string) []string {
	var faults []string
	names := metricName.FindAllString(expr, -1)
	for _, m := range regexp.MustCompile(`\b(sopd_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(expr, -1) {
		name := strings.TrimSuffix(m[1], "_bucket")
		labels, ok := known[name]
		if !ok {
			faults = append(faults, name+" is no metric")
			continue
		}
		for _, l := range regexp.MustCompile(`(\w+)(?:=|!)`).FindAllStringSubmatch(m[2], -1) {
			if l[1] != "job" && !slices.Contains(labels, l[1]) {
				faults = append(faults, name+" has no label "+l[1])
			}
		}
	}
	for _, by := range regexp.MustCompile(`by \(([^)]*)\)`).FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(by[1], ", ") {
			name := strings.TrimSuffix(names[0], "_bucket")
			if l != "le" && !slices.Contains(known[name], l) {
				faults = append(faults, l+" is no label of "+name)
			}
		}
	}
	return faults
}

// metrics reads the labels of every metric from docs/metrics.md.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	page := read(t, filepath.Join("..", "..", "docs", "metrics.md"))
	for _, m := range regexp.MustCompile("(?m)^\\| `(sopd_\\w+)` \\| \\w+ \\| ([^|]*)\\|").FindAllStringSubmatch(page, -1) {
		all[m[1]] = strings.Fields(strings.ReplaceAll(m[2], "`", ""))
	}
	if len(all) < 20 {
		t.Fatalf("only %d metrics were found", len(all))
	}
	return all
}

func TestEveryPanelSaysWhatToDoAndInWhatUnit(t *testing.T) {
	entries := regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(read(t, filepath.Join("..", "..", "docs", "runbook.md")), -1)
	var anchors []string
	for _, e := range entries {
		anchors = append(anchors, strings.ToLower(e[1]))
	}
	for name, d := range boards(t) {
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			if len(p.Description) < 60 || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
				t.Errorf("%s, %s: description, unit or query is missing", name, p.Title)
			}
			for _, l := range p.Links {
				if _, anchor, _ := strings.Cut(l.URL, "#"); !slices.Contains(anchors, anchor) {
					t.Errorf("%s, %s: links to %s, which the runbook does not have", name, p.Title, l.URL)
				}
			}
		}
	}
}

// known is what these boards use of Grafana, each tried by drawing the boards with @grafana/data and @grafana/ui 12.1.0.
func known() map[string][]string {
	return map[string][]string{
		"panel":          {"row", "stat", "timeseries", "table"},
		"unit":           {"s", "percentunit", "reqps", "locale", "dthms"},
		"transformation": {"merge", "organize"},
		"property": {
			"unit", "color", "thresholds", "mappings", "custom.width", "custom.cellOptions",
			"custom.lineStyle", "custom.fillOpacity", "custom.showPoints", "custom.hideFrom",
		},
	}
}

func TestPanelsUseOnlyWhatGrafanaKnows(t *testing.T) {
	know, used := known(), make(map[string]bool)
	for name, d := range boards(t) {
		for _, p := range d.Panels {
			use := func(what, word string) {
				used[what] = true
				if !slices.Contains(know[what], word) {
					t.Errorf("%s, %s: %s %q has not been tried", name, p.Title, what, word)
				}
			}
			use("panel", p.Type)
			if p.Type != "row" {
				use("unit", p.FieldConfig.Defaults.Unit)
			}
			for _, change := range p.Transformations {
				use("transformation", change.ID)
			}
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					use("property", property.ID)
					if unit, set := property.Value.(string); set && property.ID == "unit" {
						use("unit", unit)
					}
				}
			}
		}
	}
	if len(used) != len(know) {
		t.Errorf("only %v were looked at", used)
	}
}

func TestAFigureThatIsMissingOrBadIsNotGreen(t *testing.T) {
	stats := 0
	for name, d := range boards(t) {
		for _, p := range d.Panels {
			if p.Type != "stat" {
				continue
			}
			stats++
			set := p.FieldConfig.Defaults
			if m := set.Mappings; len(m) == 0 || m[0].Type != "special" || m[0].Options.Match != "null+nan" || m[0].Options.Result.Color != "text" {
				t.Errorf("%s, %s: no figure looks like a good one", name, p.Title)
			}
			if len(p.Links) > 0 && len(set.Thresholds.Steps) < 2 {
				t.Errorf("%s, %s: has an alert, and the same colour when that fires", name, p.Title)
			}
		}
	}
	if stats < 20 {
		t.Errorf("only %d figures were looked at", stats)
	}
}

func TestAnEmptyPanelSaysWhatThatMeans(t *testing.T) {
	for name, d := range boards(t) {
		for _, p := range d.Panels {
			if p.Type != "row" && p.FieldConfig.Defaults.NoValue == "" {
				t.Errorf("%s, %s: shows no more than that there is no data", name, p.Title)
			}
		}
	}
}

func TestPanelsFillTheirLinesAndDoNotOverlap(t *testing.T) {
	for name, d := range boards(t) {
		taken, ids := make(map[[2]int]string), make(map[int]bool)
		for _, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: two panels have the number %d", name, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, twice := taken[[2]int{x, y}]; twice || x >= 24 {
						t.Fatalf("%s: %q lies over %q or beyond the edge", name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		if len(taken)%24 != 0 {
			t.Errorf("%s: some line is not filled", name)
		}
	}
}

func TestVariablesOfOneNameTakeTheSameValues(t *testing.T) {
	type kind struct{ Multi, All bool }
	seen := make(map[string]kind)
	for name, d := range boards(t) {
		for _, v := range d.Templating.List {
			k := kind{v.Multi, v.IncludeAll}
			if other, twice := seen[v.Name]; twice && k != other {
				t.Errorf("%s: %s is %+v here and %+v on another board, whose links carry it over", name, v.Name, k, other)
			}
			seen[v.Name] = k
		}
	}
}

func TestEveryVariableThatIsUsedIsThere(t *testing.T) {
	for name, d := range boards(t) {
		have := map[string]bool{"__range": true}
		for _, v := range d.Templating.List {
			have[v.Name] = true
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				for _, v := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(q.Expr, -1) {
					if !have[v[1]] {
						t.Errorf("%s, %s: no variable %s", name, p.Title, v[1])
					}
				}
			}
		}
	}
}
