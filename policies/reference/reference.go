// Package reference describes policy files from the source of package policies: which kinds there are, which fields each
// has, and what the comments beside them say. It reads the source as text, so that a new kind is in the reference and in
// the editors' schema as soon as it is written.
package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"slices"
	"strings"
)

// Kind is a kind of policy file.
type Kind struct {
	Name   string // as files write it
	About  string // one sentence
	Fields []Field
}

// Field is a field of a file or of something in it.
type Field struct {
	Name  string // as files write it
	Shape Shape
	About string // empty when nothing is written beside it
}

// Shape is what a field holds.
type Shape struct {
	Of     string // "text", "number", "yes or no", "list", "map", "object"
	Elem   *Shape // what a list or a map holds
	Fields []Field
}

// Kinds returns the kinds in the order of their names.
//
// Errors: when the source cannot be read, or a constant Kind… is registered with no method that decodes a file.
func Kinds(source fs.FS) ([]Kind, error) {
	p, err := parse(source)
	if err != nil {
		return nil, err
	}
	var kinds []Kind
	for constant, name := range p.kinds {
		target := p.decodes[p.methods[constant]]
		if target == "" {
			return nil, fmt.Errorf("%s: no method of the compiler that decodes such a file is registered under it", constant)
		}
		kinds = append(kinds, Kind{Name: name, About: p.sentence(target), Fields: p.fields(target)})
	}
	slices.SortFunc(kinds, func(a, b Kind) int { return strings.Compare(a.Name, b.Name) })
	return kinds, nil
}

// source is what was found in the package.
type source struct {
	kinds   map[string]string          // by constant
	methods map[string]string          // constant → method that compiles such files
	decodes map[string]string          // method → type that it decodes a file into
	types   map[string]*ast.StructType // by name
	docs    map[string]string          // of types, by name
	named   map[string]ast.Expr        // other types, by name
}

func parse(folder fs.FS) (*source, error) {
	names, err := fs.Glob(folder, "*.go")
	if err != nil {
		return nil, err
	}
	p := &source{
		kinds: map[string]string{}, methods: map[string]string{}, decodes: map[string]string{},
		types: map[string]*ast.StructType{}, docs: map[string]string{}, named: map[string]ast.Expr{},
	}
	set := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool { p.note(n); return true })
	}
	return p, nil
}

// note keeps what the reference is made of.
func (p *source) note(n ast.Node) {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if text, ok := literal(n.Values, i); ok && strings.HasPrefix(name.Name, "Kind") {
				p.kinds[name.Name] = text
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && strings.HasPrefix(key.Name, "Kind") {
			p.register(key.Name, n.Value)
		}
	case *ast.CompositeLit:
		if len(n.Elts) > 1 {
			if key, ok := n.Elts[0].(*ast.Ident); ok && strings.HasPrefix(key.Name, "Kind") {
				p.register(key.Name, n.Elts[1])
			}
		}
	case *ast.GenDecl:
		p.declared(n)
	case *ast.FuncDecl:
		if n.Recv != nil && n.Body != nil {
			p.decoder(n)
		}
	}
}

// register keeps the first method that a kind is registered with: c.method, or (*compiler).method.
func (p *source) register(constant string, value ast.Expr) {
	if method, ok := value.(*ast.SelectorExpr); ok && p.methods[constant] == "" {
		p.methods[constant] = method.Sel.Name
	}
}

func (p *source) declared(n *ast.GenDecl) {
	for _, spec := range n.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := t.Doc
		if doc == nil {
			doc = n.Doc
		}
		p.docs[t.Name.Name] = prose(doc)
		if s, ok := t.Type.(*ast.StructType); ok {
			p.types[t.Name.Name] = s
		} else {
			p.named[t.Name.Name] = t.Type
		}
	}
}

// decoder keeps the type of the variable that a method hands to decode.
func (p *source) decoder(n *ast.FuncDecl) {
	types := map[string]string{}
	ast.Inspect(n.Body, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.ValueSpec:
			if t, ok := x.Type.(*ast.Ident); ok {
				for _, name := range x.Names {
					types[name.Name] = t.Name
				}
			}
		case *ast.CallExpr:
			f, ok := x.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "decode" || len(x.Args) != 1 {
				return true
			}
			if target, ok := x.Args[0].(*ast.UnaryExpr); ok {
				if name, ok := target.X.(*ast.Ident); ok && types[name.Name] != "" {
					p.decodes[n.Name.Name] = types[name.Name]
				}
			}
		}
		return true
	})
}

// fields lists the fields of a type, those of inlined types in their place.
func (p *source) fields(name string) []Field {
	s := p.types[name]
	if s == nil {
		return nil
	}
	var all []Field
	for _, f := range s.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, options, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("yaml"), ",")
		if inlined, ok := f.Type.(*ast.Ident); ok && strings.Contains(options, "inline") {
			all = append(all, p.fields(inlined.Name)...)
			continue
		}
		if tag == "" || tag == "-" {
			continue
		}
		about := prose(f.Doc)
		if about == "" {
			about = prose(f.Comment)
		}
		if about == "" {
			about = known(name + "." + tag)
		}
		all = append(all, Field{Name: tag, Shape: p.shape(f.Type), About: about})
	}
	return all
}

func (p *source) shape(t ast.Expr) Shape {
	switch t := t.(type) {
	case *ast.StarExpr:
		return p.shape(t.X)
	case *ast.ArrayType:
		elem := p.shape(t.Elt)
		return Shape{Of: "list", Elem: &elem}
	case *ast.MapType:
		elem := p.shape(t.Value)
		return Shape{Of: "map", Elem: &elem}
	case *ast.Ident:
		switch {
		case t.Name == "bool":
			return Shape{Of: "yes or no"}
		case strings.HasPrefix(t.Name, "int"), strings.HasPrefix(t.Name, "uint"), strings.HasPrefix(t.Name, "float"):
			return Shape{Of: "number"}
		case p.types[t.Name] != nil:
			return Shape{Of: "object", Fields: p.fields(t.Name)}
		case p.named[t.Name] != nil:
			return p.shape(p.named[t.Name])
		}
	}
	return Shape{Of: "text"}
}

func (p *source) sentence(typeName string) string {
	text := p.docs[typeName]
	for _, start := range []string{typeName + " is ", typeName + " are "} {
		text = strings.TrimPrefix(text, start)
	}
	first, _, _ := strings.Cut(text, ". ")
	if first == "" {
		return ""
	}
	return strings.ToUpper(first[:1]) + strings.TrimSuffix(first[1:], ".") + "."
}

// prose is a comment on one line.
func prose(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}

func literal(values []ast.Expr, i int) (text string, ok bool) {
	if i >= len(values) {
		return "", false
	}
	l, ok := values[i].(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	return strings.Trim(l.Value, `"`), true
}
