package archtest

import (
	"slices"
	"strings"
)

// vocabulary lists the packages that everything else speaks in, lowest first: each may import those before it, the
// standard library, and ulid for the identifiers that sopd mints.
func vocabulary() []string {
	return []string{
		"internal/secret", "internal/access", "internal/ticket", "internal/paging", "internal/change",
		"internal/finding", "internal/hold",
	}
}

const ulid = "github.com/oklog/ulid/v2"

// doors lists the modules that only some folders may import outside of tests, so that replacing one is work in one place.
func doors() map[string][]string {
	return map[string][]string{
		"github.com/okta/okta-sdk-golang":        {"connectors/okta"},
		"github.com/opsgenie/opsgenie-go-sdk-v2": {"connectors/opsgenie"},
		"github.com/sirupsen/logrus":             {"connectors/opsgenie"}, // to silence the SDK's logger
		"github.com/andygrunwald/go-jira":        {"connectors/jira"},
		"github.com/hashicorp/go-retryablehttp":  {"connectors/transport", "connectors/opsgenie"}, // the second: the SDK's client is one
		"cel.dev/cel-go":                         {"policies"},
		"github.com/goccy/go-yaml":               {"policies"},
		"github.com/rickar/cal":                  {"internal/calendar"},
		"golang.org/x/mod/sumdb":                 {"internal/ledger", "internal/store"},
		"modernc.org/sqlite":                     {"internal/store", "internal/jobs"},
		"github.com/jackc/pgx":                   {"internal/store", "internal/jobs"},
		"github.com/pressly/goose":               {"internal/store"},
		"github.com/riverqueue/river":            {"internal/jobs"},
		"filippo.io/age":                         {"internal/backup"},
		"github.com/xuri/excelize":               {"internal/evidence", "internal/report"},
		"github.com/sethvargo/go-envconfig":      {"cmd/sopd"},
		"github.com/prometheus/exporter-toolkit": {"cmd/sopd"},
		"github.com/spf13/cobra":                 {"cmd/sopd"},
		"go.opentelemetry.io":                    {"cmd/sopd"},
		"github.com/grafana":                     {"internal/dashboards"}, // writes files; nothing that runs needs it
		"github.com/getkin/kin-openapi":          {},
		"github.com/google/go-cmp":               {},
		"github.com/rogpeppe/go-internal":        {},
		"go.uber.org/goleak":                     {},
		"pgregory.net/rapid":                     {},
	}
}

// Imports returns every import that points the wrong way. The floors, each importing only those below it:
//
//	internal  ←  policies, connectors  ←  reconcile  ←  cmd
//
// Connectors see neither each other nor policies; reconcile sees no connector, it declares what it needs; the mocks see
// nothing of ours, or a mistake in our types would be the same mistake on both sides; nothing sees cmd.
func Imports(files []File) []Fault {
	var faults []Fault
	for _, f := range files {
		for name, pos := range f.imports() {
			if why := refused(f, name); why != "" {
				faults = append(faults, f.fault(pos, "imports %s: %s", strings.TrimPrefix(name, Module+"/"), why))
			}
		}
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.String(), b.String()) })
	return faults
}

// refused says why the file may not import name, empty when it may.
func refused(f File, name string) string {
	if ours, ok := strings.CutPrefix(name, Module+"/"); ok {
		return refusedOurs(f, ours)
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	if f.Test {
		return ""
	}
	if slices.Contains(vocabulary(), f.Package) && name != ulid {
		return "the vocabulary imports the standard library only"
	}
	for module, folders := range doors() {
		if within(name, module) && !slices.ContainsFunc(folders, func(folder string) bool { return within(f.Package, folder) }) {
			if len(folders) == 0 {
				return "only tests may"
			}
			return "only " + strings.Join(folders, " and ") + " may"
		}
	}
	return ""
}

func refusedOurs(f File, name string) string {
	allowed, known := below(f.Package)
	if !known {
		return "the folder has no place in the import rules; give it one in internal/archtest"
	}
	if f.Test {
		allowed = append(allowed, besides(f.Package)...)
	} else if forTests(name) {
		return "only tests may"
	}
	if f.Package == name || slices.ContainsFunc(allowed, func(folder string) bool { return within(name, folder) }) {
		return ""
	}
	return f.Package + " may import of ours only: " + strings.Join(allowed, ", ")
}

// below returns the folders whose packages a package may import. known is false for a folder without rules.
func below(pkg string) (folders []string, known bool) {
	if i := slices.Index(vocabulary(), pkg); i >= 0 {
		return slices.Clone(vocabulary()[:i]), true
	}
	top, rest, _ := strings.Cut(pkg, "/")
	second, _, _ := strings.Cut(rest, "/")
	switch top {
	case "internal":
		return []string{"internal"}, true
	case "policies":
		return []string{"internal", "policies"}, true
	case "connectors":
		return []string{"internal", "connectors/transport", "connectors/" + second}, true
	case "mocks":
		if second == "world" {
			return []string{"mocks"}, true
		}
		return []string{"mocks/" + second}, true
	case "reconcile":
		return []string{"internal", "policies", "reconcile"}, true
	case "cmd":
		return []string{"internal", "policies", "connectors", "mocks", "reconcile", "cmd/" + second}, true
	case "deploy":
		return nil, true // files of other programs, and tests of them
	default:
		return nil, false
	}
}

// besides returns what else the tests of a package may import: simulated vendors and shared suites, never what lies
// above the package.
func besides(pkg string) []string {
	switch top, _, _ := strings.Cut(pkg, "/"); top {
	case "internal":
		return []string{"internal/testdata"}
	case "connectors":
		return []string{"connectors/conntest", "mocks"}
	case "mocks":
		return []string{"internal", "mocks", "policies"}
	case "reconcile":
		return []string{"connectors", "mocks"}
	case "deploy":
		return []string{"mocks"}
	default:
		return nil
	}
}

// within reports whether the path is the folder or lies below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}
