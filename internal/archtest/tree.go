// Package archtest holds the repository to its own rules: which package may import which, what code must not do, what is
// documented, and how long functions and files may get.
//
// It reads the source files itself and asks no go command. So every file counts, whatever its build constraints, and the
// test cache knows each of them: a violation cannot hide behind a cached result.
package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Module is the path of this module, in front of every import of ours.
const Module = "github.com/maisonrmi/sopd"

// File is one parsed Go file.
type File struct {
	Name    string         // from the module's root, with slashes
	Package string         // the folder, from the module's root; "." for the root itself
	Test    bool           // it is only for tests: see [Parse]
	Fset    *token.FileSet // the same for all files of a package
	Syntax  *ast.File      // with comments, without resolved objects
}

// Fault is one place that breaks a rule.
type Fault struct {
	Where string // file:line, or a package's folder
	What  string // what is wrong and what to do instead
}

// String returns the fault as compilers write theirs.
func (f Fault) String() string { return f.Where + ": " + f.What }

func (f File) fault(pos token.Pos, format string, args ...any) Fault {
	return Fault{
		Where: fmt.Sprintf("%s:%d", f.Name, f.Fset.Position(pos).Line),
		What:  fmt.Sprintf(format, args...),
	}
}

// imports returns the import path of each import of the file.
func (f File) imports() map[string]token.Pos {
	paths := make(map[string]token.Pos, len(f.Syntax.Imports))
	for _, spec := range f.Syntax.Imports {
		paths[strings.Trim(spec.Path.Value, `"`)] = spec.Pos()
	}
	return paths
}

// Parse reads one Go file. name is its path from the module's root. Files of one package have to share the set. A file is
// only for tests when its name ends in _test.go, or its package's in "test", as conntest and storetest do.
//
// Errors: what the parser says of the text.
func Parse(fset *token.FileSet, name string, text []byte) (File, error) {
	syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return File{}, err
	}
	return File{
		Name: name, Package: path.Dir(name), Fset: fset, Syntax: syntax,
		Test: strings.HasSuffix(name, "_test.go") || forTests(path.Dir(name)),
	}, nil
}

func forTests(pkg string) bool {
	return strings.HasSuffix(pkg, "test") || strings.HasSuffix(pkg, "/testdata")
}

// Load reads every Go file of the tree, in the order of their names. Folders that the go command ignores are ignored.
//
// Errors: the first file that cannot be read or parsed.
func Load(tree fs.FS) ([]File, error) {
	var files []File
	fset := token.NewFileSet()
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && ignored(name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := Parse(fset, name, text)
		files = append(files, file)
		return err
	})
	return files, err
}

func ignored(folder string) bool {
	base := path.Base(folder)
	return folder != "." && (base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_')
}

// Root returns the folder of go.mod, at or above dir.
//
// Errors: when there is none.
func Root(dir string) (string, error) {
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir || !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("no go.mod at or above the folder: %w", err)
		}
		dir = parent
	}
}
