// Package deploy_test holds what is deployed against the types of those who read it: the Helm chart is rendered and decoded
// strictly into Kubernetes' types, the compose file is loaded by Compose's own loader. A field in the wrong place is an
// error, as it would be there. It is a module of its own, so that sopd depends on neither.
package deploy_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// helm is the program, as make helm builds it.
func helm(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SOPD_HELM")
	if path == "" {
		t.Skip("SOPD_HELM is not set; make helm sets it")
	}
	return path
}

// render runs helm template and returns what it prints.
func render(t *testing.T, values string, more ...string) (out string, err error) {
	t.Helper()
	args := append([]string{"template", "sopd", "../helm/sopd", "--namespace", "sopd", "--kube-version", "1.33.0", "-f", values}, more...)
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), helm(t), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", errors.New(stderr.String())
	}
	return stdout.String(), nil
}

// objects decodes everything that the chart makes of the values.
func objects(t *testing.T, values string, more ...string) []runtime.Object {
	t.Helper()
	text, err := render(t, values, more...)
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{apps.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme, monitoring.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	var all []runtime.Object
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(regexp.MustCompile(`(?m)^[^#\s]`).Find(document)) == 0 {
			continue // comments alone
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%.400s", err, document)
		}
		all = append(all, object)
	}
}

func one[T runtime.Object](t *testing.T, all []runtime.Object) T {
	t.Helper()
	var found []T
	for _, o := range all {
		if x, ok := o.(T); ok {
			found = append(found, x)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T, want 1", len(found), *new(T))
	}
	return found[0]
}

func kinds(all []runtime.Object) []string {
	var names []string
	for _, o := range all {
		names = append(names, o.GetObjectKind().GroupVersionKind().Kind)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestEachWayToInstallMakesItsObjects(t *testing.T) {
	for values, want := range map[string]string{
		"minimal.yaml":    "ConfigMap Deployment NetworkPolicy PodDisruptionBudget Service ServiceAccount",
		"everything.yaml": "ConfigMap Deployment Ingress NetworkPolicy PodDisruptionBudget PrometheusRule Service ServiceAccount ServiceMonitor",
		"embedded.yaml":   "ConfigMap Deployment NetworkPolicy PersistentVolumeClaim Service ServiceAccount",
	} {
		if got := strings.Join(kinds(objects(t, values)), " "); got != want {
			t.Errorf("%s: %s, want %s", values, got, want)
		}
	}
}

func TestThePodMayDoNothingThatItDoesNotNeed(t *testing.T) {
	for _, values := range []string{"minimal.yaml", "everything.yaml", "embedded.yaml"} {
		pod := one[*apps.Deployment](t, objects(t, values)).Spec.Template.Spec
		c := pod.Containers[0]
		s, p := c.SecurityContext, pod.SecurityContext
		switch {
		case !*p.RunAsNonRoot || *p.RunAsUser == 0 || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault,
			*s.AllowPrivilegeEscalation, !*s.ReadOnlyRootFilesystem, len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL",
			*pod.AutomountServiceAccountToken, pod.HostNetwork, pod.HostPID, pod.HostIPC:
			t.Errorf("%s: pod %+v, container %+v", values, p, s)
		}
		for _, v := range pod.Volumes {
			if v.HostPath != nil {
				t.Errorf("%s: mounts %s of the node", values, v.HostPath.Path)
			}
		}
		if pod.TerminationGracePeriodSeconds == nil || *pod.TerminationGracePeriodSeconds < 60 || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: a change under way is cut off, or memory has no limit", values)
		}
	}
}

func TestSecretsComeAsFilesAndNeverAsVariables(t *testing.T) {
	pod := one[*apps.Deployment](t, objects(t, "everything.yaml")).Spec.Template.Spec
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	mounts := map[string]bool{}
	for _, m := range pod.Containers[0].VolumeMounts {
		mounts[m.MountPath] = true
	}
	for _, e := range pod.Containers[0].Env {
		name := e.Name
		row := regexp.MustCompile("(?m)^\\| `" + name + "` \\| (yes)?").FindStringSubmatch(string(page))
		if row == nil {
			name = strings.TrimSuffix(e.Name, "_FILE")
			row = regexp.MustCompile("(?m)^\\| `" + name + "` \\| (yes)?").FindStringSubmatch(string(page))
		}
		switch {
		case row == nil:
			t.Errorf("%s does not exist", e.Name)
		case (row[1] == "yes") != (name != e.Name):
			t.Errorf("%s is a secret and stands in a variable, or is none and stands in a file", e.Name)
		case name != e.Name && !mounts[filepath.Dir(e.Value)]:
			t.Errorf("%s names %s, which is not mounted", e.Name, e.Value)
		}
	}
}

func TestFiguresRulesAndDashboardsAreThoseOfTheRepository(t *testing.T) {
	all := objects(t, "everything.yaml")
	rules, err := os.ReadFile("../prometheus/sopd.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range one[*monitoring.PrometheusRule](t, all).Spec.Groups {
		for _, r := range g.Rules {
			if n++; r.Alert != "" && !bytes.Contains(rules, []byte("- alert: "+r.Alert+"\n")) {
				t.Errorf("alert %s is not in the repository", r.Alert)
			}
		}
	}
	if want := bytes.Count(rules, []byte("- alert: ")) + bytes.Count(rules, []byte("- record: ")); n != want {
		t.Errorf("%d rules, want %d", n, want)
	}
	files, err := filepath.Glob("../grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no dashboards", err)
	}
	boards := 0
	for _, o := range all {
		if m, ok := o.(*core.ConfigMap); ok && m.Labels["grafana_dashboard"] == "1" {
			boards++
			for name, text := range m.Data {
				if len(text) < 1000 || len(m.Name) > 63 {
					t.Errorf("%s in %s: %d bytes", name, m.Name, len(text))
				}
			}
		}
	}
	if boards != len(files) {
		t.Errorf("%d dashboards, want %d", boards, len(files))
	}
	monitor := one[*monitoring.ServiceMonitor](t, all)
	service := one[*core.Service](t, all)
	if end := monitor.Spec.Endpoints[0]; end.Port != service.Spec.Ports[0].Name || end.Path != "/metrics" || end.Scheme != "https" {
		t.Errorf("%+v", end)
	}
	for key, value := range monitor.Spec.Selector.MatchLabels {
		if service.Labels[key] != value {
			t.Errorf("the monitor looks for %s=%s, which the service does not have", key, value)
		}
	}
}

func TestSelectorsFindThePods(t *testing.T) {
	all := objects(t, "everything.yaml")
	deployment := one[*apps.Deployment](t, all)
	labels := deployment.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"deployment": deployment.Spec.Selector.MatchLabels, "service": one[*core.Service](t, all).Spec.Selector,
		"network": one[*networking.NetworkPolicy](t, all).Spec.PodSelector.MatchLabels, "budget": one[*policy.PodDisruptionBudget](t, all).Spec.Selector.MatchLabels,
	} {
		if len(selector) == 0 {
			t.Errorf("%s selects everything", what)
		}
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("%s: %s=%s is not among the pod's labels", what, key, value)
			}
		}
	}
}

func TestWhatCannotWorkIsRefusedWithAReason(t *testing.T) {
	for _, c := range []struct {
		want string
		set  []string
	}{
		{"more than one needs PostgreSQL", []string{"--set", "secret.keys.SOPD_DATABASE_URL=null"}},
		{"name a ConfigMap", []string{"--set", "policies.configMap="}},
		{"for a service app", []string{"--set", "okta.clientID="}},
		{"needs web.secret", []string{"--set", "web.tls=true"}},
		{"name the host", []string{"--set", "ingress.enabled=true"}},
		{"/okta/url", []string{"--set", "okta.url=http://example.okta.com"}},
		{"additional properties 'replicaCount'", []string{"--set", "replicaCount=2"}},
		{"/paging", []string{"--set", "paging=pagerduty"}},
	} {
		if _, err := render(t, "minimal.yaml", c.set...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.set, err, c.want)
		}
	}
}

func TestAnIngressLeadsToWebhooksAndNothingElse(t *testing.T) {
	for _, rule := range one[*networking.Ingress](t, objects(t, "everything.yaml")).Spec.Rules {
		for _, path := range rule.HTTP.Paths {
			if path.Path != "/webhooks/" || *path.PathType != networking.PathTypePrefix {
				t.Errorf("leads to %s", path.Path)
			}
		}
	}
}
