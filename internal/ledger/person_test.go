package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/ledger"
	"pgregory.net/rapid"
)

// register gives each identifier a pseudonym of its own.
type register map[string]string

func (r register) name(identifier string) (string, error) {
	for pseudonym, known := range r {
		if known == identifier {
			return pseudonym, nil
		}
	}
	pseudonym := ledger.Pseudonym(ledger.PersonKey{byte(len(r))}, identifier)
	r[pseudonym] = identifier
	return pseudonym, nil
}

func (r register) known(pseudonym string) (string, bool) { id, ok := r[pseudonym]; return id, ok }

func TestThePseudonymIsFrozen(t *testing.T) {
	// HMAC-SHA256 under 32 zero bytes, computed by Python's hmac and base64.
	const want = "personfclhtgeclnixpmutl2ystir5bobrnnrh"
	if got := ledger.Pseudonym(ledger.PersonKey{}, "00uanna"); got != want || !ledger.IsPseudonym(got) {
		t.Errorf("%s", got)
	}
	for _, text := range []string{"", "person", "person1", strings.ToUpper(want), want + "a", want[:37] + "1", "00uanna"} {
		if ledger.IsPseudonym(text) {
			t.Errorf("%q is taken for a pseudonym", text)
		}
	}
}

func TestNoPersonStandsInARecordByAnIdentifier(t *testing.T) {
	body := map[string]any{
		"user": "00uanna", "account": "557058:anna", "approvedBy": "anna.lind", "users": []string{"00ubo", "odd-one"},
		"key": "drift/00g1/00uanna", "id": "77/00g1/00ucarl", "text": "given to 00udora, by 00uanna.", "Reporter": "acc-1", "by": "",
		"proofs": []any{map[string]any{"account": "557058:odile", "user": "00uodile", "role": "owner"}}, "00ukey": 1, "group": "00gpay", "n": 3,
		"subject": "uncommon7@2026",
	}
	r := register{}
	entry, err := ledger.Conceal(ledger.Entry{Kind: ledger.FactRecorded, At: noon, User: "uncommon7", Ticket: "ACC-1", Group: "00gpay", Body: body}, r.name)
	if err != nil {
		t.Fatal(err)
	}
	record, err := ledger.Encode(0, entry)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"00u", "557058", "anna", "odd-one", "uncommon7", "acc-1"} {
		if strings.Contains(string(record.Canonical), word) {
			t.Errorf("%s is named: %s", word, record.Canonical)
		}
	}
	for _, word := range []string{"ACC-1", "00gpay", `"role":"owner"`, `"by":""`, `"n":3`, "given to person"} {
		if !strings.Contains(string(record.Canonical), word) {
			t.Errorf("%s is gone: %s", word, record.Canonical)
		}
	}
	back, err := ledger.Decode(record.Canonical)
	if err != nil {
		t.Fatal(err)
	}
	shown := ledger.Reveal(back, r.known)
	var got map[string]any
	if err := json.Unmarshal(shown.Body.(json.RawMessage), &got); err != nil {
		t.Fatal(err)
	}
	if shown.User != "uncommon7" || got["text"] != body["text"] || got["id"] != body["id"] || got["approvedBy"] != "anna.lind" || got["subject"] != body["subject"] {
		t.Errorf("%s %v", shown.User, got)
	}
	if shown.Hash != record.Hash || string(shown.Canonical) != string(record.Canonical) {
		t.Error("what was hashed changed")
	}
	again, err := ledger.Conceal(entry, r.name)
	if err != nil || again.User != entry.User {
		t.Errorf("a pseudonym got a pseudonym: %v", err)
	}
}

func TestAWordThatOnlyBeginsLikeAPersonStays(t *testing.T) {
	entry, err := ledger.Conceal(ledger.Entry{Kind: ledger.FactRecorded, At: noon, User: "anna", Body: map[string]string{
		"a": "annabel and hanna", "b": "anna", "c": "(anna)", "d": "ännanna", "e": "00u", "f": "x00uanna",
	}}, register{}.name)
	if err != nil {
		t.Fatal(err)
	}
	record, err := ledger.Encode(0, entry)
	if err != nil {
		t.Fatal(err)
	}
	text := string(record.Canonical)
	for _, want := range []string{`"a":"annabel and hanna"`, `"b":"person`, `"c":"(person`, `"d":"ännanna"`, `"e":"00u"`, `"f":"x00uanna"`} {
		if !strings.Contains(text, want) {
			t.Errorf("want %s in %s", want, text)
		}
	}
}

func TestWhatIsConcealedIsRevealedAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.StringMatching(`00u[a-zA-Z0-9]{1,17}`), 1, 4).Draw(t, "ids")
		text := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(ids), rapid.StringMatching(`[ /@.,"\\é<a-z-]{0,6}`)), 0, 8).Draw(t, "text")
		body := map[string]string{"user": rapid.SampledFrom(ids).Draw(t, "user"), "text": strings.Join(text, " ")}
		r := register{}
		entry, err := ledger.Conceal(ledger.Entry{Kind: ledger.FactRecorded, At: noon, Body: body}, r.name)
		if err != nil {
			t.Fatal(err)
		}
		record, err := ledger.Encode(0, entry)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ledger.Decode(record.Canonical)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if err := json.Unmarshal(ledger.Reveal(back, r.known).Body.(json.RawMessage), &got); err != nil {
			t.Fatal(err)
		}
		if got["user"] != body["user"] || got["text"] != body["text"] {
			t.Fatalf("%q became %q", body, got)
		}
	})
}

func TestAnEntryWhosePersonCannotBeNamedIsRefused(t *testing.T) {
	lost := errors.New("lost")
	none := func(string) (string, error) { return "", lost }
	for _, e := range []ledger.Entry{
		{Kind: ledger.FactRecorded, At: noon, User: "00uanna"},
		{Kind: ledger.FactRecorded, At: noon, Body: map[string]string{"by": "anna"}},
		{Kind: ledger.FactRecorded, At: noon, Body: []string{"for 00uanna"}},
		{Kind: ledger.FactRecorded, At: noon, Body: map[string]int{"00uanna": 1}},
	} {
		if _, err := ledger.Conceal(e, none); !errors.Is(err, lost) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if _, err := ledger.Conceal(ledger.Entry{Kind: ledger.FactRecorded, At: noon, Body: make(chan int)}, none); err == nil {
		t.Error("a body without JSON form")
	}
	if e, err := ledger.Conceal(ledger.Entry{Kind: ledger.FactRecorded, At: noon, Body: (*int)(nil)}, none); err != nil || e.Body != nil {
		t.Errorf("an absent body: %v", fmt.Sprint(e.Body))
	}
}
