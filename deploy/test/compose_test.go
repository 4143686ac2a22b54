package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// project loads the compose file as Compose does, its schema included, with the operator's files in place.
func project(t *testing.T, profile string) *types.Project {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deploy", "docker")
	if err := os.CopyFS(dir, os.DirFS("../docker")); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(dir, "sopd.env.example"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "sopd.env"), example, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(dir, "compose.yaml")}, cli.WithProfiles([]string{profile}), cli.WithWorkingDirectory(dir))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeTakesTheFileWithEachProfile(t *testing.T) {
	for profile, want := range map[string]string{"demo": "demo grafana prometheus", "real": "alertmanager grafana postgres prometheus sopd"} {
		names := project(t, profile).ServiceNames()
		slices.Sort(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s starts %s, want %s", profile, got, want)
		}
	}
}

func TestEveryHostAndPortThatAFileNamesIsAService(t *testing.T) {
	services := make(map[string]map[string]bool) // host names and the ports that are published of them
	for _, profile := range []string{"demo", "real"} {
		for name, s := range project(t, profile).Services {
			services[name] = map[string]bool{}
			for _, p := range s.Ports {
				services[name][strconv.Itoa(int(p.Target))] = true
			}
		}
	}
	named := 0
	check := func(file, host, port string) {
		if named++; !services[host][port] {
			t.Errorf("%s names %s:%s, which is no service with that port", file, host, port)
		}
	}
	for _, m := range regexp.MustCompile(`names: \[([a-z, ]+)\]\n +type: A\n +port: (\d+)`).FindAllStringSubmatch(read(t, "../prometheus/prometheus.yml"), -1) {
		for _, host := range strings.Split(m[1], ", ") {
			check("prometheus.yml", host, m[2])
		}
	}
	for _, m := range regexp.MustCompile(`url: http://([a-z]+):(\d+)`).FindAllStringSubmatch(read(t, "../grafana/provisioning/datasources/prometheus.yaml"), -1) {
		check("prometheus.yaml", m[1], m[2])
	}
	if named < 4 {
		t.Errorf("only %d addresses were found", named)
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

func TestTheDemoHasEverythingItNeedsInTheRepository(t *testing.T) {
	for name, s := range project(t, "demo").Services {
		if len(s.EnvFiles) > 0 || len(s.Secrets) > 0 {
			t.Errorf("%s needs files that an operator makes", name)
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			_, inside, found := strings.Cut(v.Source, "/deploy/")
			if !found {
				t.Errorf("%s mounts %s from outside", name, v.Source)
				continue
			}
			if _, err := os.Stat(filepath.Join("..", inside)); err != nil {
				t.Errorf("%s mounts %s, which is not there", name, inside)
			}
		}
		if s.Build != nil {
			for _, path := range []string{s.Build.Dockerfile, "go.mod"} {
				if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
					t.Errorf("%s is built from %s, which is not there", name, path)
				}
			}
		}
	}
}

func TestPathsInsideTheContainersAreMounted(t *testing.T) {
	for _, profile := range []string{"demo", "real"} {
		for name, s := range project(t, profile).Services {
			var targets []string
			for _, v := range s.Volumes {
				targets = append(targets, v.Target)
			}
			values := slices.Clone(s.Command)
			for key, value := range s.Environment {
				if value != nil && key != "SOPD_DATABASE_URL" {
					values = append(values, *value)
				}
			}
			for _, value := range values {
				path := value
				if _, after, isFlag := strings.Cut(value, "="); isFlag {
					path = after
				}
				if !strings.HasPrefix(path, "/") {
					continue
				}
				if !slices.ContainsFunc(targets, func(target string) bool { return path == target || strings.HasPrefix(path, target+"/") }) {
					t.Errorf("%s: %s is under nothing that is mounted (%v)", name, path, targets)
				}
			}
		}
	}
}
