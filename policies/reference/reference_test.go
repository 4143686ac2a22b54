package reference_test

//go:generate go test -run TestTheReferenceIsCurrent -update .

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/policies/reference"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the reference")

func kinds(t *testing.T) []reference.Kind {
	t.Helper()
	all, err := reference.Kinds(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheReferenceIsCurrent(t *testing.T) {
	schema, err := reference.Schema(kinds(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"policies.md": reference.Page(kinds(t)), "policies.schema.json": schema} {
		path := filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(have), text); diff != "" {
			t.Errorf("docs/%s is not current, run make gen:\n%s", name, diff)
		}
	}
}

func TestEveryFieldHasAMeaning(t *testing.T) {
	for _, k := range kinds(t) {
		if k.About == "" {
			t.Errorf("%s: write a comment beside the type that such a file is decoded into", k.Name)
		}
		for _, path := range meaningless(k.Name, k.Fields) {
			t.Errorf("%s: write beside the field in package policies, or in known.go, what it means", path)
		}
	}
}

func TestAFieldWithoutAMeaningIsFoundHoweverDeep(t *testing.T) {
	inner := reference.Shape{Of: "object", Fields: []reference.Field{{Name: "told", About: "x"}, {Name: "untold"}}}
	fields := []reference.Field{
		{Name: "list", About: "x", Shape: reference.Shape{Of: "list", Elem: &reference.Shape{Of: "map", Elem: &inner}}}, {Name: "empty", About: " "},
	}
	if diff := cmp.Diff([]string{"Thing.list.untold", "Thing.empty"}, meaningless("Thing", fields)); diff != "" {
		t.Error(diff)
	}
}

// meaningless lists the fields, and those of what is in them, that nothing is said about.
func meaningless(prefix string, fields []reference.Field) []string {
	var paths []string
	for _, f := range fields {
		path := prefix + "." + f.Name
		if strings.TrimSpace(f.About) == "" {
			paths = append(paths, path)
		}
		s := f.Shape
		for s.Elem != nil {
			s = *s.Elem
		}
		paths = append(paths, meaningless(path, s.Fields)...)
	}
	return paths
}

// schema compiles the schema that editors use.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := reference.Schema(kinds(t))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policies.schema.json", document); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("policies.schema.json")
}

// judged is what the schema says to a policy file.
func judged(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(instance)
}

func TestEveryPolicyInTheRepositoryIsWhatTheSchemaSays(t *testing.T) {
	s := schema(t)
	n := 0
	for _, pattern := range []string{"../example/*.yaml", "../../mocks/world/policies/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if n++; judged(t, s, text) != nil {
				t.Errorf("%s: %v", name, judged(t, s, text))
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d files", n)
	}
}

func TestTheSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	s := schema(t)
	for name, text := range map[string]string{
		"a field that is not known": "apiVersion: sopd/v1\nkind: Guards\nremoval: 3\n",
		"one further down":          "apiVersion: sopd/v1\nkind: Catalog\nsystems: [{id: a, owner: x}]\n",
		"another kind's":            "apiVersion: sopd/v1\nkind: People\nsystems: []\n",
		"a kind that is not known":  "apiVersion: sopd/v1\nkind: Gards\n",
		"no version":                "kind: Guards\n",
		"a list for a text":         "apiVersion: sopd/v1\nkind: Guards\nremovals: [1]\n",
	} {
		if judged(t, s, []byte(text)) == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

func TestAKindThatNothingDecodesIsNamed(t *testing.T) {
	_, err := reference.Kinds(fstest.MapFS{"a.go": {Data: []byte("package p\n\nconst KindLost = \"Lost\"\n")}})
	if err == nil || !strings.Contains(err.Error(), "KindLost") {
		t.Error(err)
	}
}

func TestCommentsBesideFieldsAreTheReference(t *testing.T) {
	all, err := reference.Kinds(fstest.MapFS{"a.go": {Data: []byte(`package p

const KindThing = "Thing"

type head struct {
	Kind string ` + "`yaml:\"kind\"`" + `
}

// thingFile is a thing. It has parts.
type thingFile struct {
	Head head ` + "`yaml:\",inline\"`" + `
	// Parts are what it is made of.
	Parts map[string][]part ` + "`yaml:\"parts\"`" + `
}

type part struct {
	Size *int ` + "`yaml:\"size\"`" + ` // in metres
}

func (c *compiler) thing(f *file) {
	var in thingFile
	f.decode(&in)
}

var kinds = map[string]any{KindThing: (*compiler).thing}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	want := []reference.Kind{{Name: "Thing", About: "A thing.", Fields: []reference.Field{
		{Name: "kind", Shape: reference.Shape{Of: "text"}},
		{Name: "parts", About: "Parts are what it is made of.", Shape: reference.Shape{Of: "map", Elem: &reference.Shape{Of: "list", Elem: &reference.Shape{
			Of: "object", Fields: []reference.Field{{Name: "size", Shape: reference.Shape{Of: "number"}, About: "in metres"}},
		}}}},
	}}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
}
