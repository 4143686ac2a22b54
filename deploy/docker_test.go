package deploy_test

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// service is what these tests read of a service of the compose file.
type service struct {
	Image    string   `yaml:"image"`
	Build    any      `yaml:"build"`
	ReadOnly bool     `yaml:"read_only"`
	CapDrop  []string `yaml:"cap_drop"`
	Profiles []string `yaml:"profiles"`
	Volumes  []string `yaml:"volumes"`
	Ports    []string `yaml:"ports"`
	Restart  string   `yaml:"restart"`
}

func services(t *testing.T) map[string]service {
	t.Helper()
	var file struct {
		Services map[string]service `yaml:"services"`
		Volumes  map[string]any     `yaml:"volumes"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "docker/compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 6 {
		t.Fatalf("%d services, want 6", len(file.Services))
	}
	for name, s := range file.Services {
		for _, v := range s.Volumes {
			if from, _, _ := strings.Cut(v, ":"); !strings.HasPrefix(from, ".") {
				if _, declared := file.Volumes[from]; !declared {
					t.Errorf("%s: volume %s is not declared", name, from)
				}
			}
		}
	}
	return file.Services
}

func TestWhatComposeMountsIsThereOrComesFromTheOperator(t *testing.T) {
	ignored := strings.Fields(read(t, "docker/.gitignore"))
	for name, s := range services(t) {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(from, ".") {
				continue
			}
			if strings.HasPrefix(from, "./") && slices.ContainsFunc(ignored, func(i string) bool { return strings.HasPrefix(from[1:]+"/", i) }) {
				continue
			}
			if _, err := os.Stat(filepath.Join("docker", from)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestComposePublishesOnThisMachineOnly(t *testing.T) {
	for name, s := range services(t) {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: publishes %s", name, port)
			}
		}
	}
}

func TestEveryServiceThatIsNoDemoComesBackAfterARestartOfTheMachine(t *testing.T) {
	for name, s := range services(t) {
		if slices.Contains(s.Profiles, "real") && s.Restart != "unless-stopped" {
			t.Errorf("%s: restart is %q", name, s.Restart)
		}
	}
}

func TestWhatAServiceWritesOutlivesIt(t *testing.T) {
	for name, folder := range map[string]string{
		"sopd": "/var/lib/sopd", "postgres": "/var/lib/postgresql/data", "prometheus": "/prometheus", "alertmanager": "/alertmanager", "grafana": "/var/lib/grafana",
	} {
		if !slices.ContainsFunc(services(t)[name].Volumes, func(v string) bool { return v == name+":"+folder }) {
			t.Errorf("%s: %s is on no volume", name, folder)
		}
	}
}

func TestEveryServiceStartsWithAProfileAndAPinnedImage(t *testing.T) {
	for name, s := range services(t) {
		if len(s.Profiles) == 0 {
			t.Errorf("%s starts with either profile, the demo would then need real secrets", name)
		}
		if s.Build == nil && !regexp.MustCompile(`:v?\d`).MatchString(s.Image) {
			t.Errorf("%s: image %q has no version", name, s.Image)
		}
		if s.Build != nil && (!s.ReadOnly || !slices.Contains(s.CapDrop, "ALL")) {
			t.Errorf("%s may write its own files or has capabilities", name)
		}
	}
}

func TestTheImageIsTheBinaryAloneAndNotRoot(t *testing.T) {
	_, last, found := strings.Cut(read(t, "docker/Dockerfile"), "\nFROM scratch\n")
	if !found || strings.Contains(last, "\nFROM ") || strings.Contains(last, "\nRUN ") {
		t.Error("the image is not made from scratch alone")
	}
	if !regexp.MustCompile(`(?m)^USER [1-9]\d*:[1-9]\d*$`).MatchString(last) {
		t.Error("the image does not name a user by number, which Kubernetes needs to see that it is not root")
	}
}

func TestTheExampleNamesOnlyVariablesThatExist(t *testing.T) {
	page := read(t, "../docs/configuration.md")
	n := 0
	for lines := bufio.NewScanner(strings.NewReader(read(t, "docker/sopd.env.example"))); lines.Scan(); {
		name, _, set := strings.Cut(lines.Text(), "=")
		if !set || strings.HasPrefix(name, "#") {
			continue
		}
		n++
		row := regexp.MustCompile("(?m)^\\| `" + strings.TrimSuffix(name, "_FILE") + "` \\| (yes)?").FindStringSubmatch(page)
		if row == nil || (row[1] == "yes") != strings.HasSuffix(name, "_FILE") {
			t.Errorf("%s does not exist, or a secret stands in the example itself", name)
		}
	}
	if n < 8 {
		t.Errorf("only %d variables were found", n)
	}
}
