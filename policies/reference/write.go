package reference

import (
	"encoding/json"
	"fmt"
	"strings"
)

// generated is said at the top of the page.
const generated = "<!-- Written by go generate ./policies/reference; do not edit. -->\n\n"

// Page writes the reference.
func Page(kinds []Kind) string {
	var w strings.Builder
	w.WriteString("# Policies\n\n" + generated)
	w.WriteString("A policy is a YAML file of one of these kinds in `SOPD_POLICY_DIR`. Unknown fields are errors, and `sopd policy lint` names\n" +
		"every problem with its file, line and column. Examples stand in `policies/example`; `sopd init` drafts yours.\n\n" +
		"Editors check files as they are written with [policies.schema.json](policies.schema.json): put this in the first line.\n\n" +
		"```yaml\n# yaml-language-server: $schema=https://raw.githubusercontent.com/maisonrmi/sopd/main/docs/policies.schema.json\n```\n")
	for _, k := range kinds {
		fmt.Fprintf(&w, "\n## %s\n\n", k.Name)
		if k.About != "" {
			fmt.Fprintf(&w, "%s\n\n", k.About)
		}
		w.WriteString("| field | holds | meaning |\n|---|---|---|\n")
		rows(&w, "", k.Fields)
	}
	return w.String()
}

func rows(w *strings.Builder, prefix string, fields []Field) {
	for _, f := range fields {
		fmt.Fprintf(w, "| `%s%s` | %s | %s |\n", prefix, f.Name, f.Shape.words(), strings.ReplaceAll(f.About, "|", `\|`))
		suffix, inner := f.Shape.inner()
		rows(w, prefix+f.Name+suffix+".", inner)
	}
}

// words says what a field holds.
func (s Shape) words() string {
	if s.Elem == nil {
		return s.Of
	}
	return s.Of + " of " + s.Elem.words()
}

// inner returns the fields of the objects in it, and what stands between the names.
func (s Shape) inner() (suffix string, fields []Field) {
	for s.Elem != nil {
		if s.Of == "list" {
			suffix += "[]"
		} else {
			suffix += ".*"
		}
		s = *s.Elem
	}
	return suffix, s.Fields
}

// Schema writes a JSON Schema of all kinds.
func Schema(kinds []Kind) (string, error) {
	var each []any
	for _, k := range kinds {
		properties := objectOf(k.Fields)
		properties["apiVersion"] = map[string]any{"const": "sopd/v1"}
		properties["kind"] = map[string]any{"const": k.Name}
		each = append(each, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": k.Name}}},
			"then": map[string]any{"title": k.Name, "description": k.About, "properties": properties, "additionalProperties": false},
		})
	}
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A policy of sopd", "type": "object",
		"required":   []string{"apiVersion", "kind"},
		"properties": map[string]any{"apiVersion": map[string]any{"const": "sopd/v1"}, "kind": map[string]any{"enum": names}},
		"allOf":      each,
	}, "", " ")
	return string(text) + "\n", err
}

func objectOf(fields []Field) map[string]any {
	properties := make(map[string]any, len(fields))
	for _, f := range fields {
		s := f.Shape.schema()
		if f.About != "" {
			s["description"] = f.About
		}
		properties[f.Name] = s
	}
	return properties
}

func (s Shape) schema() map[string]any {
	switch s.Of {
	case "number":
		return map[string]any{"type": "number"}
	case "yes or no":
		return map[string]any{"type": "boolean"}
	case "list":
		return map[string]any{"type": []string{"array", "null"}, "items": s.Elem.schema()}
	case "map":
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": s.Elem.schema()}
	case "object":
		return map[string]any{"type": []string{"object", "null"}, "properties": objectOf(s.Fields), "additionalProperties": false}
	default:
		// A text may be written without quotes, and YAML then reads 25 as a number.
		return map[string]any{"type": []string{"string", "number", "boolean", "null"}}
	}
}
