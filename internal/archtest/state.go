package archtest

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
)

// State returns every place where code outside of tests assigns to a variable of its package: state that all callers
// share without knowing of each other. It does not see writes through a pointer or by a method.
func State(files []File) []Fault {
	packages := make(map[string][]File)
	for _, f := range files {
		if !f.Test {
			packages[f.Package] = append(packages[f.Package], f)
		}
	}
	var faults []Fault
	for _, pkg := range packages {
		faults = append(faults, assigned(pkg)...)
	}
	return faults
}

func assigned(pkg []File) []Fault {
	global := globals(pkg)
	var faults []Fault
	for _, f := range pkg {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			for _, target := range targets(n) {
				if id := start(target); id != nil && global(id) {
					faults = append(faults, f.fault(n.Pos(), "writes to the package's variable %s; put it into a value that its users hold", id.Name))
				}
			}
			return true
		})
	}
	return faults
}

// globals returns a function that tells whether an identifier means a variable of the package, not a local of the same
// name. What comes from other packages stays unknown: scopes do not need it.
func globals(pkg []File) func(*ast.Ident) bool {
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	var syntax []*ast.File
	for _, f := range pkg {
		syntax = append(syntax, f.Syntax)
	}
	// With an Error function, the checker reports there and goes on; all that it can report here are the missing imports.
	config := types.Config{Importer: noImports{}, Error: func(error) {}}
	checked, err := config.Check(pkg[0].Package, pkg[0].Fset, syntax, info)
	if checked == nil {
		panic("archtest: no package from the type checker: " + err.Error())
	}
	return func(id *ast.Ident) bool {
		variable, ok := info.Uses[id].(*types.Var)
		return ok && variable.Parent() == checked.Scope()
	}
}

// targets returns the expressions that a statement writes to.
func targets(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	}
	return nil
}

// start returns the identifier that an expression starts from: x for x.f[i].
func start(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// noImports leaves every import unknown.
type noImports struct{}

var errNoImport = errors.New("imports are not resolved here")

// Import returns an error, always.
func (noImports) Import(string) (*types.Package, error) { return nil, errNoImport }
