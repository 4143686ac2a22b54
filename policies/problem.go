package policies

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/maisonrmi/sopd/internal/guard"
)

// Problem is one thing wrong in a policy file: what, where, and what to do.
type Problem struct {
	File         string // its path in the folder
	Line, Column int    // from 1; 0 when the problem is the file itself
	Text         string // what is wrong and what to write
}

// String returns the problem as "file:line:column: text", which editors and terminals make a link.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Error is every problem of a policy folder at once.
type Error struct{ Problems []Problem }

// Error returns one problem a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// file is one parsed policy file, and where things stand in it.
type file struct {
	name string
	text []byte
	tree *ast.File
	kind string

	problems *[]Problem
}

// comments is a file of comments alone, as sopd init leaves where it saw nothing; an empty file is a mistake.
var comments = regexp.MustCompile(`^(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*#[^\n]*\s*$`)

// parse reads the file's head. ok is false when nothing more can be read from it; the problem is recorded.
func parse(name string, text []byte, problems *[]Problem) (f *file, ok bool) {
	f = &file{name: name, text: text, problems: problems}
	if comments.Match(text) {
		return f, false // somebody has put the policy aside
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		f.syntax(err)
		return f, false
	}
	f.tree = tree
	if len(tree.Docs) == 1 && tree.Docs[0].Body == nil {
		f.wrong("$", "is empty; write a policy, or remove the file")
		return f, false
	}
	if len(tree.Docs) != 1 {
		f.wrong("$", "holds %d documents; write one policy in a file", len(tree.Docs))
		return f, false
	}
	var head header
	if err := yaml.Unmarshal(text, &head); err != nil {
		f.syntax(err)
		return f, false
	}
	if head.APIVersion != APIVersion {
		f.wrong("$.apiVersion", "apiVersion is %q; write %q", head.APIVersion, APIVersion)
		return f, false
	}
	f.kind = head.Kind
	return f, true
}

// decode reads the whole file strictly into target, which is a pointer to one of the file types.
func (f *file) decode(target any) bool {
	if err := yaml.UnmarshalWithOptions(f.text, target, yaml.Strict()); err != nil {
		f.syntax(err)
		return false
	}
	return true
}

// syntax records what the YAML library found, with its position and without its excerpt: one problem is one line.
func (f *file) syntax(err error) {
	p := Problem{File: f.name, Text: err.Error()}
	var e yaml.Error
	if errors.As(err, &e) {
		p.Text = e.GetMessage()
		if token := e.GetToken(); token != nil {
			p.Line, p.Column = token.Position.Line, token.Position.Column
		}
	}
	*f.problems = append(*f.problems, p)
}

// wrong records a problem at a place such as "$.systems[0].risk". Where that is absent, the nearest place above is named.
func (f *file) wrong(path, format string, args ...any) {
	p := Problem{File: f.name, Text: fmt.Sprintf(format, args...)}
	for at := path; at != ""; at = parent(at) {
		if line, column, ok := f.position(at); ok {
			p.Line, p.Column = line, column
			break
		}
	}
	*f.problems = append(*f.problems, p)
}

func (f *file) position(path string) (line, column int, ok bool) {
	if f.tree == nil {
		return 0, 0, false
	}
	at, err := yaml.PathString(path)
	if err != nil {
		return 0, 0, false
	}
	node, err := at.FilterFile(f.tree)
	if err != nil || node == nil || node.GetToken() == nil {
		return 0, 0, false
	}
	position := node.GetToken().Position
	return position.Line, position.Column, true
}

func parent(path string) string {
	i := strings.LastIndexAny(path, ".[")
	if i <= 0 {
		return ""
	}
	return path[:i]
}

// oneOf records a problem unless value is one of the choices.
func (f *file) oneOf(path, value string, choices ...string) bool {
	if slices.Contains(choices, value) {
		return true
	}
	f.wrong(path, "is %q; write one of: %s", value, strings.Join(choices, ", "))
	return false
}

// required records a problem when value is empty.
func (f *file) required(path, value string) {
	if strings.TrimSpace(value) == "" {
		f.wrong(path, "%s is missing", strings.TrimPrefix(path[strings.LastIndex(path, ".")+1:], "$"))
	}
}

// day reads a day. It returns the zero time for nothing, and for what is no day, which is recorded.
func (f *file) day(at, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		f.wrong(at, "is %q; write a day as 2026-01-31", text)
	}
	return t
}

// limit reads a guard's number: a whole number that is not negative, "off", or nothing for the fallback.
func (f *file) limit(at, text string, fallback int) int {
	switch text {
	case "":
		return fallback
	case "off":
		return guard.Off
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		f.wrong(at, "is %q; write a whole number from 0, or off", text)
		return fallback
	}
	return n
}
