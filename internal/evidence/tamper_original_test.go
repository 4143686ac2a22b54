package evidence_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// gone is somebody who is refused, leaves and is erased, so that an original of October is no more.
const gone = access.UserID("00ugone")

// refusal is the body of a refusal.
var refusal = map[string]any{"outcome": "incomplete", "problems": []string{"a field is missing"}, "policy": "p@1"}

func (a *archive) erase() {
	a.t.Helper()
	at := october.AddDate(0, 0, 12)
	tk := ticket.Ticket{ID: "900", Key: "ACC-900", Project: "ACC", Status: "Open", Updated: at, Original: []byte(`{"fields":{"for":"` + string(gone) + `"}}`)}
	binary := ticket.Ticket{ID: "901", Key: "ACC-901", Project: "ACC", Status: "Open", Updated: at, Original: []byte("{\"fields\":{\"summary\":\"\xff\"}}")}
	a.write(func(tx *store.Tx) error {
		if err := tx.PutUsers([]access.User{{ID: gone, Login: "gone@example.com", Status: access.Deprovisioned}}); err != nil {
			return err
		}
		if err := errors.Join(tx.PutTicket(tk, at), tx.PutTicket(binary, at)); err != nil {
			return err
		}
		_, err := tx.Append(
			ledger.Entry{Kind: ledger.RequestRefused, At: at, Ticket: tk.Key, User: gone, Body: refusal},
			ledger.Entry{Kind: ledger.RequestRefused, At: at, Ticket: binary.Key, Body: refusal},
		)
		if err != nil {
			return err
		}
		_, err = tx.Erase(gone)
		return err
	})
}

// signed makes an edit that the owner of the key signs.
func signed(edit func(forger)) func(forger) {
	return func(f forger) {
		edit(f)
		f.resign(asItIs)
	}
}

func originalTamperings() []tampering {
	const file = evidence.FileOriginals
	line := func(edit func([][]byte) [][]byte) func(forger) { return func(f forger) { f.lines(file, edit) } }
	first := func(from, to string) func(forger) { return func(f forger) { f.replace(file, from, to) } }
	return []tampering{
		{"an original edited", first("Done", "Open"), file, ledger.Edited},
		{"signed again: an original edited", signed(first("Done", "Open")), file, ledger.Edited},
		{"signed again: an original of bytes edited", signed(first(`"base64":"e`, `"base64":"f`)), file, ledger.Edited},
		{"signed again: another hash", signed(first(`"sha256":"`, `"sha256":"0`)), file, ledger.Edited},
		{"signed again: another time", signed(first(`"readAt":"2026`, `"readAt":"2025`)), file, ledger.Edited},
		{"signed again: another object", signed(first(`"id":"ACC-1`, `"id":"ACC-7`)), file, ledger.Edited},
		{"signed again: another kind", signed(first(`"kind":"jira.history"`, `"kind":"jira.issue"`)), file, ledger.Edited},
		{"signed again: an original dropped", signed(line(func(l [][]byte) [][]byte { return slices.Delete(l, 3, 6) })), file, ledger.Dropped},
		{"signed again: one of three dropped", signed(line(func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) })), file, ledger.Edited},
		{"signed again: the last dropped", signed(line(func(l [][]byte) [][]byte { return l[:len(l)-1] })), file, ledger.Truncated},
		{"signed again: none left", signed(func(f forger) { f.files[file].Data = nil }), file, ledger.Truncated},
		{"signed again: an original twice", signed(line(func(l [][]byte) [][]byte { return slices.Insert(l, 6, l[0]) })), file, ledger.Duplicated},
		{"signed again: two swapped", signed(line(func(l [][]byte) [][]byte { l[0], l[1] = l[1], l[0]; return l })), file, ledger.Edited},
		{"signed again: one of a later record first", signed(line(func(l [][]byte) [][]byte { return move(len(l)-1, 0)(l) })), file, ledger.Dropped},
		{"signed again: a foreign one", signed(line(func(l [][]byte) [][]byte {
			return append(l, []byte(`{"seq":9999,"id":"ACC-1","kind":"jira.issue","readAt":"2026-10-02T00:00:00Z","sha256":"00","state":"whole","text":"{}"}`+"\n"))
		})), file, ledger.Foreign},
		{"signed again: said to be redacted", signed(first(`"state":"whole"`, `"state":"redacted"`)), file, ledger.Edited},
		{"signed again: said to be something else", signed(first(`"state":"whole"`, `"state":"secret"`)), file, ledger.Edited},
		{"signed again: one more field", signed(first(`"state":"whole"`, `"state":"whole","note":"true"`)), file, ledger.Edited},
		{"signed again: bytes beside a text", signed(first(`"state":"whole"`, `"state":"whole","base64":"e30="`)), file, ledger.Edited},
		{"signed again: a line that is none", signed(first(`{"seq"`, `{seq`)), file, ledger.Edited},
		{"signed again: withheld, and counted as whole", signed(withhold), evidence.FileManifest, ledger.Foreign},
		{"signed again: said to be erased with somebody who was not", signed(mourn), file, ledger.Edited},
		{"signed again: said to be erased with nobody", signed(first(`"state":"whole"`, `"state":"erased","erased":"somebody"`)), file, ledger.Edited},
		{"signed again: the originals gone", func(f forger) { delete(f.files, file); f.resign(asItIs) }, evidence.FileManifest, ledger.Foreign},
		{"signed again: another number of them", func(f forger) { f.resign(func(m *evidence.Manifest) { m.Originals["whole"]++ }) }, evidence.FileManifest, ledger.Foreign},
		{"the originals gone", func(f forger) { delete(f.files, file) }, file, ledger.Missing},
	}
}

// withhold takes the bytes out of the first original.
func withhold(f forger) { f.instead(`"state":"withheld"}`) }

// mourn says that the first original went with somebody who is named in the export.
func mourn(f forger) {
	people := f.files[evidence.FilePeople].Data
	at := bytes.Index(people, []byte(`"pseudonym":"`)) + len(`"pseudonym":"`)
	f.instead(`"state":"erased","erased":"` + string(people[at:at+38]) + `"}`)
}

// instead replaces what the first line of the originals holds.
func (f forger) instead(state string) {
	f.lines(evidence.FileOriginals, func(l [][]byte) [][]byte {
		head, _, found := strings.Cut(string(l[0]), `"state":`)
		if !found {
			f.t.Fatal("no state")
		}
		l[0] = []byte(head + state + "\n")
		return l
	})
}

func TestEachWayOfTamperingWithOriginalsIsFoundByBothVerifiers(t *testing.T) {
	a := newArchive(t)
	a.autumn(40)
	a.erase()
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.Originals = evidence.OriginalsWhole
	m, err := evidence.Export(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if m.Originals["whole"] < 40 || m.Originals["erased"] != 1 || len(m.Originals) != 2 {
		t.Fatalf("%v", m.Originals)
	}
	holdAll(t, a, copyOf(t, o.Out), originalTamperings())
}

func TestAnExportShowsOriginalsRedactedUnlessItIsAsked(t *testing.T) {
	a := newArchive(t)
	a.autumn(40)
	a.erase()
	out, m := a.export()
	files := copyOf(t, out)
	events := string(files[evidence.FileEvents].Data)
	if !strings.Contains(events, `"SHA256":"`) || !strings.Contains(events, `"Sent":{"actor":{"alternateId":"[redacted]"`) {
		t.Errorf("events without what Okta sent: %s", events)
	}
	text := string(files[evidence.FileOriginals].Data) + events
	for _, hidden := range []string{"Rita", "cmd()", "sopd@example.com"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%s is shown", hidden)
		}
	}
	for _, shown := range []string{`"accountId":"acc-`, `"name":"Done"`, `"finalDecision":"approved"`, original.Redacted, `"state":"erased"`} {
		if !strings.Contains(text, shown) {
			t.Errorf("%s is not shown", shown)
		}
	}
	if m.Originals["whole"] != 0 || m.Originals["redacted"] < 40 || m.Originals["erased"] != 1 {
		t.Errorf("%v", m.Originals)
	}
	newScript(t).expect(t, files, a.key.Public(), 0)
	holdAll(t, a, files, []tampering{
		{"a redacted original edited", func(f forger) { f.replace(evidence.FileOriginals, "approved", "declined") }, evidence.FileOriginals, ledger.Edited},
	})
}

// TestAStoreThatLostWhatItsLedgerNamesIsNotExported is about whoever can write to the database and not sign.
func TestAStoreThatLostWhatItsLedgerNamesIsNotExported(t *testing.T) {
	for name, query := range map[string]string{
		"deleted": "DELETE FROM originals WHERE kind = 'jira.approvals'",
		"edited":  "UPDATE originals SET packed = (SELECT packed FROM originals WHERE kind = 'okta.event' LIMIT 1) WHERE kind = 'jira.issue'",
		"damaged": "UPDATE originals SET packed = x'01ff' WHERE kind = 'jira.history'",
		"hidden":  "UPDATE originals SET packed = x'', erased = 'person" + strings.Repeat("a", 32) + "' WHERE kind = 'jira.issue'",
	} {
		a := newArchive(t)
		a.autumn(40)
		a.exec(query)
		_, err := evidence.Export(t.Context(), a.options(filepath.Join(t.TempDir(), "export")))
		if !errors.Is(err, ledger.ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOriginalsOfAThousandKindsOfTextComeThroughWhole(t *testing.T) {
	a := newArchive(t)
	texts := []string{"\u2028<&>", "\x00\x1f\\\"", strings.Repeat("ä", 40_000), "\xed\xa0\x80", "{}"}
	a.autumn(40)
	at := october.AddDate(0, 0, 3)
	a.write(func(tx *store.Tx) error {
		for i, text := range texts {
			key := ticket.Key(fmt.Sprintf("ACC-%d", 700+i))
			if err := tx.PutTicket(ticket.Ticket{ID: ticket.ID(key), Key: key, Project: "ACC", Original: []byte(text)}, at); err != nil {
				return err
			}
			if _, err := tx.Append(ledger.Entry{Kind: ledger.RequestRefused, At: at, Ticket: key, Body: refusal}); err != nil {
				return err
			}
		}
		return nil
	})
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.Originals = evidence.OriginalsWhole
	if _, err := evidence.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, o.Out, a.key.Public()); err != nil {
		t.Error(err)
	}
	newScript(t).run(t, o.Out, a.key.Public(), 0)
	o.Originals, o.Out = evidence.OriginalsRedacted, filepath.Join(t.TempDir(), "export")
	if _, err := evidence.Export(t.Context(), o); err != nil {
		t.Errorf("redacted: %v", err)
	}
}

func TestAChangeIsExplainedByWhatItsDecisionRestedOn(t *testing.T) {
	a := newArchive(t)
	_, c := a.grant(1)
	c.State, c.Event = change.Confirmed, "event-1"
	a.append(ledger.Entry{Kind: ledger.ChangeWitnessed, At: a.clock.now, Change: c.ID, Ticket: c.Ticket, User: c.User, Group: c.Group, Body: c})
	storetest.Read(a.t, a.store, func(tx *store.Tx) error {
		chain, err := evidence.Of(tx, string(c.ID))
		text := chain.Text()
		for _, want := range []string{"jira.issue     " + string(c.Ticket), "jira.approvals " + string(c.Ticket), "okta.event     event-1", original.Sum([]byte(`[{"id":"7","finalDecision":"approved"}]`))} {
			if !strings.Contains(text, want) {
				t.Errorf("no word of %s:\n%s", want, text)
			}
		}
		return err
	})
}
