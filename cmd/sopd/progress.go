package main

import (
	"fmt"
	"io"
	"os"

	"github.com/maisonrmi/sopd/reconcile"
)

// progress tells a person at a terminal what takes long, on one line that is written over. A pipe stays silent.
type progress struct {
	w io.Writer // nil: nobody looks
}

func newProgress(w io.Writer) progress {
	f, ok := w.(*os.File)
	if !ok {
		return progress{}
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return progress{}
	}
	return progress{w: w}
}

// clearLine goes back to the first column and empties the line.
const clearLine = "\r\x1b[K"

func (p progress) line(text string) {
	if p.w != nil {
		fmt.Fprintf(p.w, "%s …\n", text)
	}
}

// watch shows what a pass reads.
func (p progress) watch(n reconcile.Notice) {
	if p.w == nil || n.Reading == "" {
		return
	}
	if n.Total > 0 {
		fmt.Fprintf(p.w, "%sreading %s %d of %d …", clearLine, n.Reading, n.Done+1, n.Total)
		return
	}
	fmt.Fprintf(p.w, "%sreading %s …", clearLine, n.Reading)
	if n.Reading == lastRead {
		fmt.Fprint(p.w, clearLine)
	}
}

// lastRead is what a pass reads last; after it the line is emptied for the answer.
const lastRead = "webhooks"
