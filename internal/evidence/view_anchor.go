package evidence

import (
	"fmt"
	"strings"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// anchorForm is the list of checkpoints anchored off the machine, and changes of key.
func anchorForm() form {
	return form{
		View:     View{File: "anchors.csv", Title: "checkpoints anchored off the machine, and changes of key", Kinds: []ledger.Kind{ledger.CheckpointAnchored, ledger.KeyChanged}},
		columns:  []string{"kind", "detail"},
		policies: []string{},
		cells:    anchorCells,
	}
}

// anchorCells shows the body as it is: a place with size and root hash, or a key.
func anchorCells(_ *exporter, r ledger.Record) ([]string, error) {
	var body any
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	text := fmt.Sprint(body)
	return []string{string(r.Kind), strings.TrimPrefix(text, "map")}, nil
}
