package evidence

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// personLine says whom a pseudonym in the records means, and proves it: the pseudonym is a hash of the identifier under the
// key.
type personLine struct {
	Key       []byte `json:"key"`    // base64
	Person    string `json:"person"` // identifier
	Pseudonym string `json:"pseudonym"`
}

// writePeople writes a line for each person in the records of the range, sorted by pseudonym. Who was erased has none.
func (e *exporter) writePeople(met map[string]bool) error {
	out, err := e.folder.jsonLines(FilePeople)
	if err != nil {
		return err
	}
	if e.options.People == Concealed {
		met = nil
	}
	for _, pseudonym := range slices.Sorted(maps.Keys(met)) {
		p, found, err := e.tx.Person(pseudonym)
		if err == nil && found {
			err = out.put(personLine{Key: p.Key[:], Person: p.Identifier, Pseudonym: pseudonym})
		}
		if err != nil {
			return errors.Join(err, out.file.close())
		}
	}
	return out.file.close()
}

// people reads whom the pseudonyms mean, and holds each against its key.
func (v *verifier) people() error {
	file, err := v.open(FilePeople)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	v.known = make(map[string]string)
	lines := bufio.NewScanner(file)
	for n := int64(1); lines.Scan(); n++ {
		var p personLine
		var key ledger.PersonKey
		err := json.Unmarshal(lines.Bytes(), &p)
		_, twice := v.known[p.Pseudonym]
		if err != nil || twice || len(p.Key) != len(key) || ledger.Pseudonym(ledger.PersonKey(p.Key), p.Person) != p.Pseudonym {
			return &Fault{File: FilePeople, Kind: ledger.Edited, Line: n, Detail: "the key does not prove that the pseudonym means the person"}
		}
		v.known[p.Pseudonym] = p.Person
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return &Fault{File: FilePeople, Kind: ledger.Edited, Detail: "a line is longer than any of such a file"}
		}
		return unreadable(FilePeople, fmt.Errorf("read: %w", err))
	}
	return nil
}
