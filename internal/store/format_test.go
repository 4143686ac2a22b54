package store_test

import (
	"bufio"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestStoredObjectsKeepTheirFieldNames fails when a field of an object that is stored as JSON was renamed or taken away:
// databases in use hold the old name, and a migration must move it. New fields are no fault; run with -update to freeze
// them too.
func TestStoredObjectsKeepTheirFieldNames(t *testing.T) {
	var names []string
	for _, object := range []any{
		access.User{}, access.Group{}, access.Rule{}, access.Event{}, ticket.Ticket{}, ticket.Approval{}, change.Grant{},
		change.Change{}, change.Effect{}, finding.Finding{}, hold.Hold{}, kpi.Fact{}, kpi.Cycle{}, paging.NewAlert{},
	} {
		typ := reflect.TypeOf(object)
		names = append(names, fieldNames(typ.String(), typ)...)
	}
	const golden = "testdata/fields.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(names, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if !slices.Contains(names, lines.Text()) {
			t.Errorf("%s is gone: stored objects hold it, so a migration must move it", lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// fieldNames lists the JSON names of the type's fields and of those of the structs inside, with the kind of their values.
func fieldNames(path string, typ reflect.Type) []string {
	for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return nil
	}
	var names []string
	for field := range typ.Fields() {
		if !field.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue // not stored as JSON
		}
		if name == "" {
			name = field.Name
		}
		at := path + "." + name
		names = append(names, at+" "+field.Type.Kind().String())
		names = append(names, fieldNames(at, field.Type)...)
	}
	return names
}
