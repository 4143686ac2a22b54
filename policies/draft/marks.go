package draft

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"regexp"
)

// Mark is a place in a policy file that a person has to look at.
type Mark struct {
	File string // its path in the folder
	Line int    // from 1
	Open bool   // true: only the organisation knows; false: a guess to confirm
	Text string // what stands behind the mark
}

var (
	markWords = regexp.MustCompile(`#\s*(?:.*;\s*)?(open|guess)\b:?\s*(.*)$`)
	// In a comment the mark comes first: those within a policy that is commented out wait until it no longer is.
	markedComment = regexp.MustCompile(`^\s*#\s*(open|guess)\b:?\s*(.*)$`)
	commentLine   = regexp.MustCompile(`^\s*#`)
)

// Marks finds what is still marked in the policy files of a folder, in the order of files and lines.
//
// Errors: those of reading the folder.
func Marks(folder fs.FS) ([]Mark, error) {
	var all []Mark
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			return err
		}
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		for n := 1; lines.Scan(); n++ {
			words := markWords
			if commentLine.MatchString(lines.Text()) {
				words = markedComment
			}
			if m := words.FindStringSubmatch(lines.Text()); m != nil {
				all = append(all, Mark{File: name, Line: n, Open: m[1] == "open", Text: m[2]})
			}
		}
		return lines.Err()
	})
	return all, err
}
