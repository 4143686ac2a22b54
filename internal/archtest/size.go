package archtest

import "go/ast"

// The lengths that nothing outside of tests may exceed. They are the longest of the code bases that this one follows.
const (
	maxFunctionLines = 80
	maxFileLines     = 600
)

// TooLong returns every function over 80 lines and every file over 600. Tests and generated files are left out.
func TooLong(files []File) []Fault {
	var faults []Fault
	for _, f := range files {
		if f.Test || ast.IsGenerated(f.Syntax) {
			continue
		}
		if lines := f.Fset.File(f.Syntax.FileStart).LineCount(); lines > maxFileLines {
			faults = append(faults, f.fault(f.Syntax.FileStart, "file has %d lines; over %d nobody finds anything", lines, maxFileLines))
		}
		for _, decl := range f.Syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if lines := f.lines(fn); lines > maxFunctionLines {
				faults = append(faults, f.fault(fn.Pos(), "%s has %d lines; over %d it does not fit on a screen", fn.Name.Name, lines, maxFunctionLines))
			}
		}
	}
	return faults
}

func (f File) lines(n ast.Node) int {
	return f.Fset.Position(n.End()).Line - f.Fset.Position(n.Pos()).Line + 1
}
