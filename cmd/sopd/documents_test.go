package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/mocks/world"
	"github.com/maisonrmi/sopd/policies"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// beSOPD is the variable with which this test binary is sopd itself, so that the pages' commands need no build.
const beSOPD = "SOPD_TEST_BE_SOPD"

func TestMain(m *testing.M) {
	if os.Getenv(beSOPD) != "" {
		main()
	}
	os.Exit(m.Run())
}

// block is a fenced block of a page.
type block struct {
	line     int    // of its first line
	language string // sh, console, yaml, ini, text, …
	note     string // what stands behind the language, which no reader sees
	indent   string
	text     string
}

// blocks returns the fenced blocks of a page.
func blocks(text string) []block {
	var all []block
	var open *block
	for i, line := range strings.Split(text, "\n") {
		bare := strings.TrimLeft(line, " ")
		fence, isFence := strings.CutPrefix(bare, "```")
		switch {
		case isFence && open == nil:
			language, note, _ := strings.Cut(fence, " ")
			open = &block{line: i + 2, language: language, note: note, indent: line[:len(line)-len(bare)]}
		case isFence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, open.indent) + "\n"
		}
	}
	return all
}

// pages are the pages for readers, by their path from the root of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	names = append(names, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md")
	generated := []string{"cli.md", "metrics.md", "configuration.md"}
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(generated, filepath.Base(n)) })
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryCommandInTheDocumentsRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("plays every page")
	}
	for _, name := range documents(t) {
		var run []block
		for _, b := range blocks(readPage(t, name)) {
			if (b.language == "sh" || b.language == "console") && b.note == "" {
				run = append(run, b)
			}
		}
		if len(run) > 0 {
			t.Run(filepath.Base(name), func(t *testing.T) { play(t, run) })
		}
	}
}

// deskFor is where the commands of a page run: a folder, simulated vendors, and sopd in the path.
func deskFor(t *testing.T) (dir string, env []string) {
	t.Helper()
	w, err := world.New(world.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	dir, root := t.TempDir(), "../.."
	vars, err := demoEnvironment(w, filepath.Join(t.TempDir(), "demo"))
	if err != nil {
		t.Fatal(err)
	}
	delete(vars, "SOPD_WRITE")
	bin := filepath.Join(t.TempDir(), "bin")
	self, err := os.Executable()
	if err == nil {
		err = os.MkdirAll(bin, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(bin, "sopd"), []byte("#!/bin/sh\n"+beSOPD+"=1 exec '"+self+"' \"$@\"\n"), 0o700)
	}
	for _, link := range []string{"deploy", "docs"} {
		if err == nil {
			var to string
			if to, err = filepath.Abs(filepath.Join(root, link)); err == nil {
				err = os.Symlink(to, filepath.Join(dir, link))
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	vars["SOPD_LISTEN"], vars["HOME"] = "127.0.0.1:0", dir
	vars["PATH"] = bin + ":" + os.Getenv("PATH")
	for _, key := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, key+"="+vars[key])
	}
	return dir, env
}

const mark = "@@ block "

// play runs the blocks of a page one after the other in one shell. A line of an sh block that fails fails the page; of a
// console block the output has to be the one that stands there.
func play(t *testing.T, all []block) {
	t.Helper()
	dir, env := deskFor(t)
	var script strings.Builder
	for i, b := range all {
		fmt.Fprintf(&script, "echo '%s%d'\n", mark, i)
		if b.language == "sh" {
			script.WriteString("set -e -o pipefail\n" + b.text)
			continue
		}
		script.WriteString("set +e\n")
		for _, line := range strings.Split(b.text, "\n") {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script.WriteString(command + "\n")
			}
		}
	}
	script.WriteString("true\n") // a console block shows what happens, failure included
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.Env = dir, env
	// What a page starts in the background ends with the page.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // gone already in most pages
	}
	outputs := strings.Split(out.String(), mark)
	last := all[max(len(outputs)-2, 0)]
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("line %d: %v\n%s\n%s", last.line, err, last.text, outputs[len(outputs)-1])
	}
	for i, b := range all {
		if b.language == "console" {
			_, got, _ := strings.Cut(outputs[i+1], "\n")
			if want := expected(b.text); !want.MatchString(strings.TrimSpace(got)) {
				t.Errorf("line %d: the page says\n%s\nbut the output is\n%s", b.line, b.text, got)
			}
		}
	}
}

// expected is the output that a console block shows; … stands for anything.
func expected(text string) *regexp.Regexp {
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "$ ") {
			continue
		}
		lines = append(lines, strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(line, " ")), "…", "(?s:.*)"))
	}
	return regexp.MustCompile(`^` + strings.Join(lines, `\s*\n`) + `$`)
}

func TestBlocksThatRunElsewhereNameOnlyWhatExists(t *testing.T) {
	path := regexp.MustCompile(`(?:^|[ =@:])((?:\./)?(?:deploy|docs|policies|cmd)/[\w./-]+)`)
	command := regexp.MustCompile(`(?m)(?:^|[;&|] |/usr/bin/)sopd ([a-z]+)`)
	root := newRoot(console{Env: func(string) (string, bool) { return "", false }})
	ci := readPage(t, "../../.ci/run") + readPage(t, "../../Makefile")
	for _, name := range documents(t) {
		for _, b := range blocks(readPage(t, name)) {
			where := fmt.Sprintf("%s:%d", filepath.Base(name), b.line)
			switch {
			case b.language == "":
				t.Errorf("%s: a block without a language is neither run nor checked; write sh, console or text", where)
			case b.language == "sh" && b.note == "ci":
				for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
					line, _, _ = strings.Cut(line, " #")
					target := regexp.MustCompile(`^make ([a-z-]+)`).FindStringSubmatch(line)
					if target == nil || !regexp.MustCompile(`(?m)^`+target[1]+`:`).MatchString(ci) {
						t.Errorf("%s: %q is no target that CI could run", where, line)
					}
				}
			case b.language == "sh" && b.note == "elsewhere", b.language == "text":
				for _, m := range path.FindAllStringSubmatch(b.text, -1) {
					if strings.Contains(m[1], "docker/secrets") || strings.HasSuffix(m[1], "sopd.env") || m[1] == "deploy/sopd" {
						continue // the operator makes them, and the last is a Deployment
					}
					if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
						t.Errorf("%s: %s is not there", where, m[1])
					}
				}
				for _, m := range command.FindAllStringSubmatch(b.text, -1) {
					if found, _, err := root.Find(m[1:2]); err != nil || found == root {
						t.Errorf("%s: there is no sopd %s", where, m[1])
					}
				}
			case b.language == "sh" && b.note != "":
				t.Errorf("%s: sh %s is not known; write sh, sh ci or sh elsewhere", where, b.note)
			}
		}
	}
}

func TestNoCommandStandsOutsideOfABlock(t *testing.T) {
	indented := regexp.MustCompile(`^ {4,}(?:\$ )?(?:make|sopd|git|go|curl|docker|apt) `)
	for _, name := range documents(t) {
		inFence := false
		for i, line := range strings.Split(readPage(t, name), "\n") {
			if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
				inFence = !inFence
			} else if !inFence && indented.MatchString(line) {
				t.Errorf("%s:%d: %q is never run; put it into a fenced block", filepath.Base(name), i+1, line)
			}
		}
	}
}

func TestWhatDoesNotRunHereSaysWhyAboveTheBlock(t *testing.T) {
	why := regexp.MustCompile(`(?i)as root|needs docker|with (docker|your)|not run by the tests|goes on until`)
	for _, name := range documents(t) {
		lines := strings.Split(readPage(t, name), "\n")
		for _, b := range blocks(strings.Join(lines, "\n")) {
			if above := strings.Join(lines[max(b.line-5, 0):b.line-1], " "); b.note == "elsewhere" && !why.MatchString(above) {
				t.Errorf("%s:%d: say above the block what it needs", filepath.Base(name), b.line)
			}
		}
	}
}

func TestEveryExampleOfAFileInTheDocumentsIsSound(t *testing.T) {
	schema := compileSchema(t, "../../deploy/helm/sopd/values.schema.json")
	for _, name := range documents(t) {
		for _, b := range blocks(readPage(t, name)) {
			where := fmt.Sprintf("%s:%d", filepath.Base(name), b.line)
			switch {
			case b.language == "ini":
				environmentLines(t, where, b.text)
			case b.language == "yaml" && b.note == "values":
				var values any
				if err := yaml.Unmarshal([]byte(b.text), &values); err != nil || schema.Validate(values) != nil {
					t.Errorf("%s: %v %v", where, err, schema.Validate(values))
				}
			case b.language == "yaml" && b.note == "web":
				webFile(t, where, b.text)
			case b.language == "yaml" && strings.Contains(b.text, "apiVersion: "+policies.APIVersion):
				if err := withExample(t, b.text); err != nil {
					t.Errorf("%s: %v", where, err)
				}
			case b.language == "yaml":
				var value any
				if err := yaml.Unmarshal([]byte(b.text), &value); err != nil {
					t.Errorf("%s: %v", where, err)
				}
			}
		}
	}
}

func compileSchema(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(readPage(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("schema.json")
}

// environmentLines checks an example of an environment file: variables that exist, and secrets in files.
func environmentLines(t *testing.T, where, text string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		name, value, set := strings.Cut(line, "=")
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if !set || isSecret(name) || strings.HasSuffix(name, "_FILE") && !isSecret(strings.TrimSuffix(name, "_FILE")) && name != "SOPD_WEB_CONFIG_FILE" || value == "" {
			t.Errorf("%s: %s has no value, or is a secret that stands in the file itself", where, name)
		}
	}
}

// webFile checks an example of a web configuration, with a certificate under the names that it has.
func webFile(t *testing.T, where, text string) {
	t.Helper()
	path := writeWebConfig(t, regexp.MustCompile(`/etc/sopd/web/`).ReplaceAllString(text, ""))
	writeCertificate(t, filepath.Dir(path), 1)
	s := newSite(t)
	s.env["SOPD_WEB_CONFIG_FILE"] = path
	if code, _, errs := s.sopd(t, "plan"); code == exitUsage {
		t.Errorf("%s: %s", where, errs)
	}
}

// withExample loads the example policies with the text in the place of those of its kind and name.
func withExample(t *testing.T, text string) error {
	t.Helper()
	head := func(s string) string {
		return strings.Join(regexp.MustCompile(`(?m)^(?:kind|name): .*$`).FindAllString(s, -1), " ")
	}
	folder := fstest.MapFS{"new.yaml": {Data: []byte(text)}}
	names, err := filepath.Glob("../../policies/example/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "kind: "+policies.KindCatalog+"\n") {
		names = nil // the examples speak of another catalog
	}
	for _, name := range names {
		if old := readPage(t, name); head(old) != head(text) {
			folder[filepath.Base(name)] = &fstest.MapFile{Data: []byte(old)}
		}
	}
	_, err = policies.Load(folder)
	return err
}

// anchors are the places of a page that links can lead to, as GitHub makes them of headings.
func anchors(text string) map[string]bool {
	all := make(map[string]bool)
	inFence := false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "```") {
			inFence = !inFence
		}
		title := strings.TrimLeft(line, "#")
		if inFence || title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		slug := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
		all[strings.ReplaceAll(slug, " ", "-")] = true
	}
	return all
}

func TestEveryLinkIntoAPageLeadsToAHeading(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]*)#([^)\s]+)\)`)
	everything := append(documents(t), "../../docs/cli.md", "../../docs/configuration.md", "../../docs/metrics.md", "../../deploy/prometheus/sopd.rules.yml")
	for _, name := range everything {
		text := readPage(t, name)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := name
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(name), m[1])
			}
			if !anchors(readPage(t, target))[m[2]] {
				t.Errorf("%s links to %s#%s, and there is no such heading", filepath.Base(name), m[1], m[2])
			}
		}
	}
}

func TestThePageOnOktaAsksForTheScopesThatSopdAsksFor(t *testing.T) {
	var named []string
	for _, m := range regexp.MustCompile("(?m)^ *\\| `(okta\\.[a-z]+\\.(?:read|manage))` \\| [^|`]+ \\|$").FindAllStringSubmatch(readPage(t, "../../docs/connect-okta.md"), -1) {
		named = append(named, m[1])
	}
	slices.Sort(named)
	if !slices.Equal(named, okta.Scopes()) {
		t.Errorf("the page names %v, sopd asks for %v", named, okta.Scopes())
	}
}
