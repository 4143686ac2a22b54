package archtest_test

import (
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/archtest"
)

func TestTheRepositoryKeepsItsRules(t *testing.T) {
	files := repository(t)
	rules := map[string]func([]archtest.File) []archtest.Fault{
		"imports point one way":             archtest.Imports,
		"only main does what main does":     archtest.Habits,
		"no package has state":              archtest.State,
		"everything exported is documented": archtest.Undocumented,
		"functions and files stay short":    archtest.TooLong,
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, fault := range rule(files) {
				t.Error(fault)
			}
		})
	}
}

func TestPagesNameOnlyWhatIsThere(t *testing.T) {
	faults, err := archtest.Pages(tree(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

func TestDeadLinksAndUnknownVariablesAreFaults(t *testing.T) {
	faults, err := archtest.Pages(fstest.MapFS{
		"docs/a.md": {Data: []byte("[b](b.md) [top](../README.md#part) [web](https://example.com)\n`SOPD_URL`, `SOPD_URL_FILE`, `SOPD_GONE`\n")},
		"README.md": {Data: []byte("[docs](docs/)\n")},
		"cmd/x.go":  {Data: []byte("package x // SOPD_URL")},
	})
	if err != nil {
		t.Fatal(err)
	}
	check(t, faults, []string{
		"docs/a.md:1: links to b.md, which is not there",
		"docs/a.md:2: names SOPD_GONE, which nothing reads",
	})
}

func tree(t *testing.T) fs.FS {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := archtest.Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	return os.DirFS(root)
}

func repository(t *testing.T) []archtest.File {
	t.Helper()
	files, err := archtest.Load(tree(t))
	if err != nil {
		t.Fatal(err)
	}
	seen := slices.ContainsFunc(files, func(f archtest.File) bool { return f.Name == "internal/archtest/archtest_test.go" })
	if !seen {
		t.Fatalf("the reading of %d files did not find this one", len(files))
	}
	return files
}

func TestImportsThatPointTheWrongWayAreFaults(t *testing.T) {
	ours := func(name string) string { return archtest.Module + "/" + name }
	for _, c := range []struct {
		name    string
		file    string
		imports string
		fault   bool
	}{
		{"vocabulary imports a lower word", "internal/change/x.go", ours("internal/ticket"), false},
		{"vocabulary imports a higher word", "internal/ticket/x.go", ours("internal/change"), true},
		{"vocabulary imports an engine", "internal/access/x.go", ours("internal/ledger"), true},
		{"vocabulary imports a library", "internal/access/x.go", "golang.org/x/mod/module", true},
		{"vocabulary mints identifiers", "internal/hold/x.go", "github.com/oklog/ulid/v2", false},
		{"vocabulary imports the standard library", "internal/access/x.go", "encoding/json", false},
		{"internal looks up to policies", "internal/kpi/x.go", ours("policies"), true},
		{"internal looks up to a connector", "internal/kpi/x.go", ours("connectors/okta"), true},
		{"internal looks up in a test", "internal/kpi/x_test.go", ours("reconcile"), true},
		{"internal sees a mock", "internal/intake/x.go", ours("mocks/oktamock"), true},
		{"connector uses the transport", "connectors/okta/x.go", ours("connectors/transport"), false},
		{"connector sees another", "connectors/okta/x.go", ours("connectors/jira"), true},
		{"connector reads policies", "connectors/okta/x.go", ours("policies"), true},
		{"connector imports the shared suite in a test", "connectors/okta/x_test.go", ours("connectors/conntest"), false},
		{"connector imports the shared suite in production", "connectors/okta/x.go", ours("connectors/conntest"), true},
		{"connector is tested with its mock", "connectors/okta/x_test.go", ours("mocks/oktamock"), false},
		{"mock uses our vocabulary", "mocks/oktamock/x.go", ours("internal/access"), true},
		{"mock sees another", "mocks/oktamock/x.go", ours("mocks/jiramock"), true},
		{"world joins the mocks", "mocks/world/x.go", ours("mocks/jiramock"), false},
		{"world uses our vocabulary", "mocks/world/x.go", ours("internal/access"), true},
		{"policies see a connector", "policies/x.go", ours("connectors/jira"), true},
		{"policies see the loop", "policies/x.go", ours("reconcile"), true},
		{"policies compile for an engine", "policies/x.go", ours("internal/guard"), false},
		{"the loop reads policies", "reconcile/plan/x.go", ours("policies"), false},
		{"the loop sees a connector", "reconcile/x.go", ours("connectors/okta"), true},
		{"the loop is tested with connectors", "reconcile/x_test.go", ours("connectors/okta"), false},
		{"the loop sees the command", "reconcile/x.go", ours("cmd/sopd"), true},
		{"the command wires", "cmd/sopd/x.go", ours("connectors/okta"), false},
		{"what is deployed is tested with a mock", "deploy/x_test.go", ours("mocks/opsgeniemock"), false},
		{"what is deployed uses our code", "deploy/x_test.go", ours("internal/access"), true},
		{"a folder without rules", "stray/x.go", ours("internal/access"), true},
		{"a vendor's SDK in its connector", "connectors/okta/x.go", "github.com/okta/okta-sdk-golang/v2/okta", false},
		{"a vendor's SDK elsewhere", "reconcile/x.go", "github.com/okta/okta-sdk-golang/v2/okta", true},
		{"a vendor's SDK against its mock", "mocks/oktamock/x_test.go", "github.com/okta/okta-sdk-golang/v2/okta", false},
		{"a shared suite outside of tests", "internal/jobs/x.go", ours("internal/store/storetest"), true},
		{"a shared suite in a test", "internal/jobs/x_test.go", ours("internal/store/storetest"), false},
		{"a test library in a shared suite", "internal/store/storetest/x.go", "github.com/google/go-cmp/cmp", false},
		{"vocabulary finds the vendor's data in a test", "internal/access/x_test.go", ours("internal/testdata"), false},
		{"a test library in production", "policies/x.go", "github.com/google/go-cmp/cmp", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := fmt.Sprintf("package x\nimport _ %q\n", c.imports)
			if faults := archtest.Imports(parse(t, c.file, text)); (len(faults) > 0) != c.fault {
				t.Errorf("faults %v, want one: %t", faults, c.fault)
			}
		})
	}
}

func TestHabitsOfMainElsewhereAreFaults(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"exit in main", "cmd/sopd/main.go", `package main; import "os"; func main() { os.Exit(1) }`, nil},
		{
			"exit beside main", "cmd/sopd/run.go", `package main; import "os"; func run() { os.Exit(1) }`,
			[]string{"cmd/sopd/run.go:1: ends the process; return an error, main decides"},
		},
		{
			"fatal log under another name", "internal/x/x.go", `package x; import l "log"; func f() { l.Fatalf("") }`,
			[]string{"internal/x/x.go:1: ends the process; return an error, main decides"},
		},
		{
			"exit in a variable", "internal/x/x.go", `package x; import "os"; var exit = os.Exit`,
			[]string{"internal/x/x.go:1: ends the process; return an error, main decides"},
		},
		{"a type that is called os", "internal/x/x.go", `package x; func f(os T) { os.Exit(1) }`, nil},
		{"init", "internal/x/x.go", `package x; func init() {}`, []string{"internal/x/x.go:1: has an init function; let the caller say when"}},
		{"a method called init", "internal/x/x.go", `package x; func (t T) init() {}`, nil},
		{"root context in main", "cmd/sopd/main.go", `package main; import "context"; var c = context.Background()`, nil},
		{"root context in a test", "internal/x/x_test.go", `package x; import "context"; var c = context.Background()`, nil},
		{"root context in a mock", "mocks/oktamock/x.go", `package x; import "context"; var c = context.Background()`, nil},
		{
			"root context elsewhere", "cmd/sopd/run.go", `package main; import "context"; var c = context.TODO()`,
			[]string{"cmd/sopd/run.go:1: makes a root context; take the caller's"},
		},
		{
			"sleeping test", "internal/x/x_test.go", `package x; import "time"; func f() { time.Sleep(1) }`,
			[]string{"internal/x/x_test.go:1: sleeps in a test; wait for a signal or use testing/synctest"},
		},
		{
			"sleep in virtual time", "internal/x/x_test.go",
			`package x; import ("time"; "testing/synctest"); func f() { synctest.Test(nil, nil); time.Sleep(1) }`, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, archtest.Habits(parse(t, c.file, c.text)), c.want)
		})
	}
}

func TestWritesToPackageVariablesAreFaults(t *testing.T) {
	text := `package x
import "example.com/unknown"
var count, table = 0, map[string]int{}
var state unknown.Thing
const limit = 3
func fine(count int) { count++; table := map[string]int{}; table["a"] = 1; local := limit; local = 2; _ = local }
func counts() { count++ }
func fills(key string) { table[key] += 1 }
func sets() { state.Field = 1 }
func ranges() { for count = range 3 {} }
`
	check(t, archtest.State(parse(t, "internal/x/x.go", text)), []string{
		"internal/x/x.go:10: writes to the package's variable count; put it into a value that its users hold",
		"internal/x/x.go:7: writes to the package's variable count; put it into a value that its users hold",
		"internal/x/x.go:8: writes to the package's variable table; put it into a value that its users hold",
		"internal/x/x.go:9: writes to the package's variable state; put it into a value that its users hold",
	})
}

func TestExportedNamesWithoutCommentAreFaults(t *testing.T) {
	text := `package x

import "time"

func Bare() {}

// Told is told.
func Told() {}

type Thing struct {
	Field int
	Noted int // noted
	// Noted and Joined belong together.
	Joined int
	Typed  Port
	When   time.Time
	inner  int
	Embedded
}

func (t *Thing) Method() {}

type hidden struct{ Field int }

func (hidden) Method() {}

// Port is a port.
type Port interface {
	Call()
	// Told is told.
	Told()
}

const Loose = 1

// The numbers.
const (
	One = 1
	Two = 2
)
`
	check(t, archtest.Undocumented(parse(t, "internal/x/x.go", text)), []string{
		"internal/x/x.go:21: Method has no comment",
		"internal/x/x.go:29: Call has no comment",
		"internal/x/x.go:34: Loose has no comment",
		"internal/x/x.go:5: Bare has no comment",
		"internal/x/x.go:10: Thing has no comment",
		"internal/x/x.go:11: Field has no comment",
		"internal/x: package has no comment",
	})
}

func TestLongFunctionsAndFilesAreFaults(t *testing.T) {
	body := func(lines int) string { return "func f() {\n" + strings.Repeat("\tg()\n", lines-2) + "}\n" }
	check(t, archtest.TooLong(parse(t, "x/a.go", "package x\n"+body(80))), nil)
	check(t, archtest.TooLong(parse(t, "x/a.go", "package x\n"+body(81))), []string{
		"x/a.go:2: f has 81 lines; over 80 it does not fit on a screen",
	})
	check(t, archtest.TooLong(parse(t, "x/a_test.go", "package x\n"+body(700))), nil)
	check(t, archtest.TooLong(parse(t, "x/a.go", "package x"+strings.Repeat("\n", 600))), nil)
	check(t, archtest.TooLong(parse(t, "x/a.go", "package x"+strings.Repeat("\n", 601))), []string{
		"x/a.go:1: file has 601 lines; over 600 nobody finds anything",
	})
	generated := "// Code generated by hand. DO NOT EDIT.\npackage x\n"
	check(t, archtest.TooLong(parse(t, "x/a.go", generated+body(700))), nil)
}

func parse(t *testing.T, name, text string) []archtest.File {
	t.Helper()
	file, err := archtest.Parse(token.NewFileSet(), name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return []archtest.File{file}
}

func check(t *testing.T, got []archtest.Fault, want []string) {
	t.Helper()
	var texts []string
	for _, fault := range got {
		texts = append(texts, fault.String())
	}
	slices.Sort(texts)
	slices.Sort(want)
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
