//go:build packages

package deploy_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// releaseOf builds what is released of the tree, for this architecture, and returns the folder.
func releaseOf(t *testing.T, tree, version string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.CommandContext(t.Context(), filepath.Join(tree, "deploy/package/release"), out)
	cmd.Env = append(os.Environ(), "VERSION="+version, "SOURCE_DATE_EPOCH=1790000000", "ARCHITECTURES=amd64", "GOFLAGS=-buildvcs=false")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// digests returns the digest of each file of the folder.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(text))
	}
	return all
}

// copyTree copies what a build needs into another folder, with other times.
func copyTree(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "elsewhere")
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel("..", path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || name == "bin" || name == "dist"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o750)
		case entry.Type() != 0:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, info.Mode().Perm()&^0o077|0o040)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestTheReleaseAndItsPackages builds once what its parts look at. make packages runs it, with the tools in NFPM and
// CYCLONEDX.
func TestTheReleaseAndItsPackages(t *testing.T) {
	dir := releaseOf(t, "..", "v1.2.3")
	t.Run("the same bytes wherever it is built", func(t *testing.T) { sameBytes(t, dir) })
	t.Run("each file by its digest, and what is in the binary", func(t *testing.T) { sumsAndBOM(t, dir) })
	t.Run("the unit's files with the right modes", func(t *testing.T) { modes(t, dir) })
	t.Run("installs, upgrades and goes without taking what is yours", func(t *testing.T) { lifeOnDebian(t, dir) })
	t.Run("the rpm says the same", func(t *testing.T) { rpm(t, dir) })
}

func sameBytes(t *testing.T, dir string) {
	t.Helper()
	first, second := digests(t, dir), digests(t, releaseOf(t, copyTree(t), "v1.2.3"))
	if len(first) != 5 {
		t.Errorf("files: %v", first)
	}
	for name, digest := range first {
		if second[name] != digest {
			t.Errorf("%s differs", name)
		}
	}
}

func sumsAndBOM(t *testing.T, dir string) {
	t.Helper()
	sums := read(t, filepath.Join(dir, "SHA256SUMS"))
	for name, digest := range digests(t, dir) {
		if name != "SHA256SUMS" && !strings.Contains(sums, digest+"  "+name+"\n") {
			t.Errorf("%s is not in SHA256SUMS", name)
		}
	}
	var bom struct {
		Format   string `json:"bomFormat"`
		Metadata struct {
			Timestamp string `json:"timestamp"`
			Component struct {
				Version string `json:"version"`
			} `json:"component"`
		} `json:"metadata"`
		Components []struct {
			Name, Version string
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "sopd_1.2.3_linux_amd64.cdx.json"))), &bom); err != nil {
		t.Fatal(err)
	}
	if bom.Format != "CycloneDX" || bom.Metadata.Component.Version != "v1.2.3" || bom.Metadata.Timestamp != "2026-09-21T14:13:20Z" {
		t.Errorf("%+v", bom.Metadata)
	}
	listed := make(map[string]string)
	for _, c := range bom.Components {
		listed[c.Name] = c.Version
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(github\.com/(?:okta|opsgenie|andygrunwald|hashicorp/go-retryablehttp|prometheus/client_golang)\S*) (\S+)$`).FindAllStringSubmatch(read(t, "../go.mod"), -1) {
		if listed[m[1]] != m[2] {
			t.Errorf("%s is %q in the SBOM, want %s", m[1], listed[m[1]], m[2])
		}
	}
}

// machine is a root in which dpkg installs. Programs that would change this machine are replaced by ones that write down
// how they were called.
type machine struct {
	root, log string
	env       []string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{root: t.TempDir()}
	stubs := t.TempDir()
	m.log = filepath.Join(stubs, "log")
	for _, name := range []string{"useradd", "systemctl", "chown", "chgrp", "getent"} {
		script := "#!/bin/sh\necho \"" + name + " $*\" >>" + m.log + "\n"
		if name == "getent" {
			script += "exit 2\n"
		}
		if err := os.WriteFile(filepath.Join(stubs, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates"} {
		if err := os.MkdirAll(filepath.Join(m.root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"status", "available"} {
		if err := os.WriteFile(filepath.Join(m.root, "var/lib/dpkg", file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.env = append(os.Environ(), "PATH="+stubs+":"+os.Getenv("PATH"), "DEBIAN_FRONTEND=noninteractive")
	return m
}

// dpkg runs dpkg on the root and returns what the package's scripts called.
func (m machine) dpkg(t *testing.T, args ...string) (calls string) {
	t.Helper()
	if err := os.WriteFile(m.log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	all := append([]string{"--root=" + m.root, "--force-script-chrootless,not-root,confdef,confold"}, args...)
	cmd := exec.CommandContext(t.Context(), program(t, "dpkg"), all...)
	cmd.Env = m.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dpkg %v: %v\n%s", args, err, out)
	}
	return read(t, m.log)
}

func (m machine) file(name string) string { return filepath.Join(m.root, name) }

func lifeOnDebian(t *testing.T, old string) {
	t.Helper()
	fresh := releaseOf(t, "..", "v1.3.0-rc.1")
	m := newMachine(t)
	calls := m.dpkg(t, "-i", filepath.Join(old, "sopd_1.2.3_linux_amd64.deb"))
	for _, want := range []string{"useradd --system", "chown sopd:sopd " + m.file("var/lib/sopd"), "systemctl daemon-reload"} {
		if !strings.Contains(calls, want) {
			t.Errorf("installing does not call %q:\n%s", want, calls)
		}
	}
	if strings.Contains(calls, "enable") || strings.Contains(calls, " start") {
		t.Errorf("installing starts what is not configured yet:\n%s", calls)
	}
	mine := map[string]string{"etc/sopd/sopd.env": "SOPD_WRITE=true\n", "etc/sopd/policies/catalog.yaml": "mine\n", "etc/sopd/secrets/okta-token": "mine\n", "var/lib/sopd/sopd.db": "ledger\n"}
	for name, text := range mine {
		if err := os.WriteFile(m.file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	calls = m.dpkg(t, "-i", filepath.Join(fresh, "sopd_1.3.0-rc.1_linux_amd64.deb"))
	if !strings.Contains(calls, "systemctl try-restart sopd.service") || strings.Contains(calls, "disable") {
		t.Errorf("upgrading calls:\n%s", calls)
	}
	if calls = m.dpkg(t, "--remove", "sopd"); !strings.Contains(calls, "disable --now sopd.service") {
		t.Errorf("removing calls:\n%s", calls)
	}
	if _, err := os.Stat(m.file("usr/bin/sopd")); err == nil {
		t.Error("the binary is left behind")
	}
	for name, text := range mine {
		if got := read(t, m.file(name)); got != text {
			t.Errorf("%s: %q after upgrade and removal", name, got)
		}
	}
	m.dpkg(t, "--purge", "sopd")
	if got := read(t, m.file("var/lib/sopd/sopd.db")); got != "ledger\n" {
		t.Error("purging took the ledger")
	}
}

func modes(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(t, "dpkg-deb"), "-c", filepath.Join(dir, "sopd_1.2.3_linux_amd64.deb")).Output()
	if err != nil {
		t.Fatal(err)
	}
	modes := make(map[string]string)
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		f := strings.Fields(line)
		modes[strings.TrimSuffix(strings.TrimPrefix(f[5], "."), "/")] = f[0]
		if f[1] != "root/root" {
			t.Errorf("%s belongs to %s", f[5], f[1])
		}
		if strings.HasPrefix(f[0], "d") && !strings.Contains(f[0], "x") || f[0][8] == 'w' {
			t.Errorf("%s has mode %s", f[5], f[0])
		}
	}
	for name, mode := range map[string]string{
		"/usr/bin/sopd": "-rwxr-xr-x", "/usr/sbin/sopdctl": "-rwxr-xr-x", "/usr/lib/systemd/system/sopd.service": "-rw-r--r--", "/etc/sopd/sopd.env": "-rw-r-----",
		"/etc/sopd/secrets": "drwx------", "/etc/sopd/policies": "drwxr-x---", "/var/lib/sopd": "drwx------", "/usr/share/doc/sopd/copyright": "-rw-r--r--",
	} {
		if modes[name] != mode {
			t.Errorf("%s: %q, want %s", name, modes[name], mode)
		}
	}
	unit := read(t, "systemd/sopd.service")
	for _, path := range found(unit, `(?m)^(?:ExecStart|EnvironmentFile|LoadCredential)=(?:secrets:)?(/\S+)`) {
		if modes[path] == "" {
			t.Errorf("the unit needs %s", path)
		}
	}
}

func rpm(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "sopd_1.2.3_linux_amd64.rpm")
	query := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), program(t, "rpm"), append([]string{"-qp"}, append(args, file)...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got := strings.Fields(query("--configfiles")); !slices.Equal(got, []string{"/etc/sopd/sopd.env"}) {
		t.Errorf("configuration files %v", got)
	}
	scripts := query("--scripts")
	for _, want := range []string{"useradd --system", "try-restart sopd.service", "disable --now sopd.service"} {
		if !strings.Contains(scripts, want) {
			t.Errorf("no %q in\n%s", want, scripts)
		}
	}
	if got := query("--queryformat", "%{NAME} %{VERSION} %{ARCH} %{BUILDHOST} %{LICENSE}"); got != "sopd 1.2.3 x86_64 sopd Apache-2.0" {
		t.Error(got)
	}
}
