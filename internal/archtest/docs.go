package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"unicode"
)

// Undocumented returns every package without a comment, and every exported name, field and interface method that has
// none. A comment above a group of constants or variables, or at the end of a line, counts. A field is documented too
// when another comment of its struct names it, or when its type speaks for itself. Tests and generated files are left
// out.
func Undocumented(files []File) []Fault {
	var faults []Fault
	described := make(map[string]bool)
	for _, f := range files {
		if f.Test {
			continue
		}
		described[f.Package] = described[f.Package] || f.Syntax.Doc != nil
		if ast.IsGenerated(f.Syntax) {
			continue
		}
		for _, decl := range f.Syntax.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				faults = append(faults, f.function(d)...)
			case *ast.GenDecl:
				faults = append(faults, f.group(d)...)
			}
		}
	}
	for pkg, ok := range described {
		if !ok {
			faults = append(faults, Fault{Where: pkg, What: "package has no comment"})
		}
	}
	return faults
}

func (f File) function(d *ast.FuncDecl) []Fault {
	if d.Doc != nil || !d.Name.IsExported() || !exportedReceiver(d.Recv) {
		return nil
	}
	return []Fault{f.fault(d.Pos(), "%s has no comment", d.Name.Name)}
}

// exportedReceiver reports whether a method can be seen from outside; it is true for functions.
func exportedReceiver(receiver *ast.FieldList) bool {
	if receiver == nil || len(receiver.List) == 0 {
		return true
	}
	t := receiver.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr: // one type parameter
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

func (f File) group(d *ast.GenDecl) []Fault {
	var faults []Fault
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			if d.Tok != token.IMPORT && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				faults = append(faults, f.names(s.Names)...)
			}
		case *ast.TypeSpec:
			if s.Doc == nil {
				s.Doc = d.Doc // the parser gives a single declaration's comment to the group
			}
			if !s.Name.IsExported() {
				continue
			}
			if s.Doc == nil && s.Comment == nil {
				faults = append(faults, f.names([]*ast.Ident{s.Name})...)
			}
			faults = append(faults, f.parts(s)...)
		}
	}
	return faults
}

// parts checks the fields of a struct and the methods of an interface. What is embedded is documented where it is made.
func (f File) parts(s *ast.TypeSpec) []Fault {
	var list *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	told := mentioned(s, list)
	var faults []Fault
	for _, field := range list.List {
		if field.Doc != nil || field.Comment != nil || f.speaks(field.Type) {
			continue
		}
		silent := slices.DeleteFunc(slices.Clone(field.Names), func(name *ast.Ident) bool { return told[name.Name] })
		faults = append(faults, f.names(silent)...)
	}
	return faults
}

// mentioned returns the words of all comments of a type: a comment may tell of several fields at once.
func mentioned(s *ast.TypeSpec, list *ast.FieldList) map[string]bool {
	words := make(map[string]bool)
	comments := []*ast.CommentGroup{s.Doc, s.Comment}
	for _, field := range list.List {
		comments = append(comments, field.Doc, field.Comment)
	}
	for _, comment := range comments {
		for word := range strings.FieldsFuncSeq(comment.Text(), notInName) {
			words[word] = true
		}
	}
	return words
}

func notInName(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }

// speaks reports whether a field's type says what the field is: a named type of ours has its own comment, and times
// carry their unit, unlike a string, a number or a flag.
func (f File) speaks(t ast.Expr) bool {
	switch x := t.(type) {
	case *ast.Ident:
		return x.IsExported()
	case *ast.SelectorExpr:
		name := f.selected(x)
		return strings.HasPrefix(name, Module+"/") || name == "time.Time" || name == "time.Duration"
	case *ast.StarExpr:
		return f.speaks(x.X)
	case *ast.ArrayType:
		return f.speaks(x.Elt)
	default:
		return false
	}
}

func (f File) names(names []*ast.Ident) []Fault {
	var faults []Fault
	for _, name := range names {
		if name.IsExported() {
			faults = append(faults, f.fault(name.Pos(), "%s has no comment", name.Name))
		}
	}
	return faults
}
