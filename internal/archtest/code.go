package archtest

import (
	"go/ast"
	"path"
	"strings"
)

const (
	// mainFile is where the program's root context is made, and where it ends.
	mainFile = "cmd/sopd/main.go"
	// sdkFile hands a context to the Okta SDK's constructor, which only gives it back.
	sdkFile = "connectors/okta/sdk.go"
)

// Habits returns every place that does what only main may do, or what nothing may do:
//
//   - end the process anywhere but in the main function of a command;
//   - make a root context anywhere but in cmd/sopd/main.go, where the Okta SDK wants one, in tests, and in mocks, which stand for another process;
//   - act on import, by an init function;
//   - sleep in a test outside of testing/synctest, where sleeping costs no time.
func Habits(files []File) []Fault {
	var faults []Fault
	for _, f := range files {
		for _, decl := range f.Syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv == nil && fn.Name.Name == "init" {
				faults = append(faults, f.fault(fn.Pos(), "has an init function; let the caller say when"))
			}
			faults = append(faults, f.habits(decl)...)
		}
	}
	return faults
}

func (f File) habits(decl ast.Decl) []Fault {
	fn, ok := decl.(*ast.FuncDecl)
	inMain := ok && fn.Recv == nil && fn.Name.Name == "main" && f.Syntax.Name.Name == "main"
	var faults []Fault
	ast.Inspect(decl, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch f.selected(selector) {
		case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "runtime.Goexit", "syscall.Exit":
			if !inMain && !f.Test {
				faults = append(faults, f.fault(n.Pos(), "ends the process; return an error, main decides"))
			}
		case "context.Background", "context.TODO":
			if f.Name != mainFile && f.Name != sdkFile && !f.Test && !within(f.Package, "mocks") {
				faults = append(faults, f.fault(n.Pos(), "makes a root context; take the caller's"))
			}
		case "time.Sleep":
			if _, virtual := f.imports()["testing/synctest"]; f.Test && !virtual {
				faults = append(faults, f.fault(n.Pos(), "sleeps in a test; wait for a signal or use testing/synctest"))
			}
		}
		return true
	})
	return faults
}

// selected returns what a selector on an imported package names, such as "os.Exit", whatever the file calls the package.
// It is empty for any other selector.
func (f File) selected(s *ast.SelectorExpr) string {
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, spec := range f.Syntax.Imports {
		name := strings.Trim(spec.Path.Value, `"`)
		local := path.Base(name)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == x.Name {
			return name + "." + s.Sel.Name
		}
	}
	return ""
}
