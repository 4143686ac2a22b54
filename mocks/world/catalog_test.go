package world

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write policies/catalog.yaml anew from the tables")

// TestTheCatalogFileSaysWhatTheTablesSay keeps the policy file, which names everything by identifier, and the tables that
// fill the vendors together. With -update it writes the file.
func TestTheCatalogFileSaysWhatTheTablesSay(t *testing.T) {
	want := catalogYAML()
	if *update {
		if err := os.WriteFile("policies/catalog.yaml", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := fs.ReadFile(Policies(), "catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("run go test ./mocks/world -run Catalog -update (-tables +file):\n%s", diff)
	}
}

func catalogYAML() string {
	var b strings.Builder
	b.WriteString("# The systems of Maison RMI, the Okta groups that give access to them, and who owns them. People and groups are named\n" +
		"# by their Okta IDs, with their names beside them: an ID is never used again, a name is.\napiVersion: sopd/v1\nkind: Catalog\nsystems:\n")
	for _, s := range systems {
		fmt.Fprintf(&b, "  - id: %s\n    name: %s\n    risk: %s\n    mode: %s\n    owners:\n", s.id, s.name, s.risk, s.mode)
		if s.ownerGroup != "" {
			fmt.Fprintf(&b, "      groups:\n        - %s # %s\n", groupID(s.ownerGroup), s.ownerGroup)
		} else {
			b.WriteString("      users:\n")
			for _, short := range s.owners {
				fmt.Fprintf(&b, "        - %s # %s\n", userID(short), login(short))
			}
		}
		b.WriteString("    groups:\n")
		for _, g := range groups {
			if g.system == s.id {
				b.WriteString(groupYAML(g))
			}
		}
		b.WriteString("    roles:\n")
		for _, r := range s.roles {
			fmt.Fprintf(&b, "      - name: %s\n        groups: [%s]\n", r.name, r.group)
		}
	}
	return b.String()
}

func groupYAML(g group) string {
	text := fmt.Sprintf("      - id: %s\n        name: %s\n", groupID(g.name), g.name)
	if g.floor > 0 {
		text += fmt.Sprintf("        floor: %d\n", g.floor)
	}
	if g.protected {
		text += "        protected: true\n"
	}
	return text
}
