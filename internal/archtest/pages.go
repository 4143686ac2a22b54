package archtest

import (
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

var (
	pageLink     = regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)
	pageVariable = regexp.MustCompile(`SOPD_[A-Z][A-Z0-9_]*[A-Z0-9]`)
)

// Pages returns every link of a Markdown page that leads to no file, and every environment variable that a page names and
// nothing reads: neither a Go file nor the Makefile nor CI's scripts. A variable may have _FILE behind it.
//
// Errors: when the tree cannot be read.
func Pages(tree fs.FS) ([]Fault, error) {
	p := pages{tree: tree, read: make(map[string]bool)}
	if err := p.walk(p.variables); err != nil {
		return nil, err
	}
	err := p.walk(p.page)
	return p.faults, err
}

type pages struct {
	tree   fs.FS
	read   map[string]bool // variables that something reads
	faults []Fault
}

func (p *pages) walk(visit func(name, text string)) error {
	return fs.WalkDir(p.tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case entry.IsDir() && base != ".ci" && (ignored(name) || name == "bin"):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := fs.ReadFile(p.tree, name)
		if err == nil {
			visit(name, string(text))
		}
		return err
	})
}

func (p *pages) variables(name, text string) {
	if path.Ext(name) != ".go" && name != "Makefile" && path.Dir(name) != ".ci" {
		return
	}
	for _, variable := range pageVariable.FindAllString(text, -1) {
		p.read[variable] = true
	}
}

func (p *pages) page(name, text string) {
	if path.Ext(name) != ".md" {
		return
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		for _, link := range pageLink.FindAllStringSubmatch(line, -1) {
			p.link(name, number, link[1])
		}
		for _, variable := range pageVariable.FindAllString(line, -1) {
			if !p.read[variable] && !p.read[strings.TrimSuffix(variable, "_FILE")] {
				p.fault(name, number, "names "+variable+", which nothing reads")
			}
		}
	}
}

func (p *pages) link(name string, line int, target string) {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return
	}
	if _, err := fs.Stat(p.tree, path.Join(path.Dir(name), target)); err != nil {
		p.fault(name, line, "links to "+target+", which is not there")
	}
}

func (p *pages) fault(name string, line int, what string) {
	p.faults = append(p.faults, Fault{Where: name + ":" + strconv.Itoa(line), What: what})
}
