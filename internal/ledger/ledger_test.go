package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden file anew")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.FixedZone("Paris", 3600))

// samples are entries of every form that the canonical form distinguishes.
func samples() []ledger.Entry {
	return []ledger.Entry{
		{Kind: ledger.PlanProposed, At: noon},
		{Kind: ledger.ChangeIntended, At: noon, Change: "CHG-01ARZ3NDEKTSV4RRFFQ69G5FAV", Ticket: "ACC-17", User: "00uanna", Group: "00gpay", Body: change.Change{
			ID: "CHG-01ARZ3NDEKTSV4RRFFQ69G5FAV", Kind: change.AddMember, Reason: change.ApprovedTicket, User: "00uanna",
			Group: "00gpay", Ticket: "ACC-17", Plan: "aa", Policy: "access@1", State: change.Intended, Intended: noon.UTC().Truncate(time.Microsecond),
		}},
		{Kind: ledger.FactRecorded, At: noon, Body: map[string]any{
			"b": []any{nil, true, -1, int64(math.MaxInt64)}, "a": "\" \\ / \b\f\n\r\t \x01 \x7f é \u2028 <&> \U0001f600", "": map[string]any{},
			"\ue000": 1, "\U00010000": 2,
		}},
		{Kind: ledger.FindingRaised, At: time.Unix(0, 0), Body: []string{}},
	}
}

func TestTheCanonicalFormIsFrozen(t *testing.T) {
	var got bytes.Buffer
	for i, entry := range samples() {
		r, err := ledger.Encode(int64(i), entry)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(r.Canonical)
		got.WriteString("\n" + r.Hash.String() + "\n")
	}
	const golden = "testdata/records.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the format of the ledger changed: a new version is needed (-want +got)\n%s", diff)
	}
}

func TestARecordComesBackAsItWas(t *testing.T) {
	for i, entry := range samples() {
		r, err := ledger.Encode(int64(i), entry)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ledger.Decode(r.Canonical)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if !back.At.Equal(entry.At.Truncate(time.Microsecond)) || back.At.Location() != time.UTC {
			t.Errorf("time %s became %s", entry.At, back.At)
		}
	}
}

func TestEntriesThatHaveNoCanonicalFormAreRefused(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for name, c := range map[string]struct {
		seq   int64
		entry ledger.Entry
	}{
		"unknown kind":      {0, ledger.Entry{Kind: "made.up", At: noon}},
		"no time":           {0, ledger.Entry{Kind: ledger.PlanProposed}},
		"year 10000":        {0, ledger.Entry{Kind: ledger.PlanProposed, At: noon.AddDate(8000, 0, 0)}},
		"negative position": {-1, ledger.Entry{Kind: ledger.PlanProposed, At: noon}},
		"fraction":          {0, ledger.Entry{Kind: ledger.PlanProposed, At: noon, Body: 0.5}},
		"exponent":          {0, ledger.Entry{Kind: ledger.PlanProposed, At: noon, Body: json.RawMessage(`1e3`)}},
		"negative zero":     {0, ledger.Entry{Kind: ledger.PlanProposed, At: noon, Body: json.RawMessage(`-0`)}},
		"too large":         {0, ledger.Entry{Kind: ledger.PlanProposed, At: noon, Body: uint64(math.MaxUint64)}},
		"not JSON":          {0, ledger.Entry{Kind: ledger.PlanProposed, At: noon, Body: make(chan int)}},
		"too deep":          {0, ledger.Entry{Kind: ledger.PlanProposed, At: noon, Body: json.RawMessage(deep)}},
	} {
		if _, err := ledger.Encode(c.seq, c.entry); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBytesThatSopdWouldNotHaveWrittenAreRefused(t *testing.T) {
	const good = `{"at":"2026-11-22T11:00:00.123456Z","body":{"a":1,"b":2},"kind":"plan.proposed","seq":3,"v":1}`
	if _, err := ledger.Decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string][2]string{
		"a space":             {`"v":1`, `"v": 1`},
		"another order":       {`"seq":3,"v":1`, `"v":1,"seq":3`},
		"body order":          {`"a":1,"b":2`, `"b":2,"a":1`},
		"a key twice":         {`"a":1,`, `"a":0,"a":1,`},
		"an unknown key":      {`"v":1`, `"v":1,"x":1`},
		"another version":     {`"v":1`, `"v":3`},
		"an escape too many":  {`plan.proposed`, `plan\u002eproposed`},
		"another case":        {`"kind"`, `"Kind"`},
		"a float":             {`"b":2`, `"b":2.0`},
		"a time zone":         {`123456Z`, `123456+00:00`},
		"three decimals":      {`.123456Z`, `.123Z`},
		"no such day":         {`11-22T`, `11-31T`},
		"an unknown kind":     {`plan.proposed`, `plan.dreamt`},
		"an empty member":     {`"kind"`, `"change":"","kind"`},
		"a null body":         {`{"a":1,"b":2}`, `null`},
		"something behind":    {`"v":1}`, `"v":1}{}`},
		"a line end":          {`"v":1}`, "\"v\":1}\n"},
		"invalid UTF-8":       {`"a"`, "\"\xff\""},
		"a lone surrogate":    {`"a"`, `"\ud800"`},
		"a negative position": {`"seq":3`, `"seq":-3`},
		"an array":            {good, `[]`},
		"nothing":             {good, ``},
	} {
		edited := strings.Replace(good, edit[0], edit[1], 1)
		if edited == good {
			t.Fatalf("%s edits nothing", name)
		}
		if _, err := ledger.Decode([]byte(edited)); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// value draws what encoding/json makes of JSON.
func value(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.String().AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.SliceOfN(value(depth-1), 0, 4).AsAny(), rapid.MapOfN(rapid.String(), value(depth-1), 0, 4).AsAny())...)
}

func TestEncodingIsAFunctionOfTheContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entry := ledger.Entry{
			Kind: rapid.SampledFrom(ledger.Kinds()).Draw(t, "kind"), At: time.UnixMicro(rapid.Int64Range(1, 4e15).Draw(t, "at")),
			User: access.UserID(rapid.StringMatching(`[a-zA-Z0-9]{0,20}`).Draw(t, "user")), Body: value(3).Draw(t, "body"),
		}
		seq := rapid.Int64Range(0, math.MaxInt64).Draw(t, "seq")
		r, err := ledger.Encode(seq, entry)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ledger.Decode(r.Canonical)
		if err != nil {
			t.Fatalf("%v: %s", err, r.Canonical)
		}
		again, err := ledger.Encode(seq, back.Entry)
		if err != nil || !bytes.Equal(again.Canonical, r.Canonical) {
			t.Fatalf("%v\n%s\n%s", err, r.Canonical, again.Canonical)
		}
		if !json.Valid(r.Canonical) {
			t.Fatalf("no JSON: %s", r.Canonical)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for i, entry := range samples() {
		r, err := ledger.Encode(int64(i), entry)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.Canonical)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ledger.Decode(text)
		if err != nil {
			if !errors.Is(err, access.ErrMalformed) {
				t.Errorf("error without its cause: %v", err)
			}
			return
		}
		again, err := ledger.Encode(r.Seq, r.Entry)
		if err != nil || !bytes.Equal(again.Canonical, text) {
			t.Errorf("%v\n%q\n%q", err, text, again.Canonical)
		}
	})
}

func TestTextThatIsNoSingleValueHasNoCanonicalForm(t *testing.T) {
	for _, text := range []string{"", "{", "1 2", "{}{}", "nul", "\"\xff\"", `{"a":1.5}`, `[1e2]`} {
		if _, err := ledger.Canonical([]byte(text)); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
	got, err := ledger.Canonical([]byte(" {\"b\" : [ true , null ] , \"a\" : \"\\u00e9\" }\n"))
	if err != nil || string(got) != `{"a":"é","b":[true,null]}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestAFaultSaysWhatAndWhere(t *testing.T) {
	for want, fault := range map[string]ledger.Fault{
		"ledger edited at record 7: it differs": {Kind: ledger.Edited, Seq: 7, Detail: "it differs"},
		"ledger replaced: nothing agrees":       {Kind: ledger.Replaced, Seq: -1, Detail: "nothing agrees"},
	} {
		if got := fault.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestATreeOfLeavesHasTheRootOfTheStoredHashes(t *testing.T) {
	var tree ledger.Tree
	for n := range 70 {
		b := newBook(t, n)
		want, err := ledger.Root(int64(n), b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tree.Root(); err != nil || got != want || tree.Size() != int64(n) {
			t.Fatalf("%d leaves: %s, %v", n, got, err)
		}
		next, err := ledger.Decode(newBook(t, n+1).records[n])
		if err != nil {
			t.Fatal(err)
		}
		tree.Append(next.Hash)
	}
}

func TestWhatIsDecodedIsExactlyWhatWouldBeWritten(t *testing.T) {
	pieces := []string{
		`"at":"2026-11-22T11:00:00.000000Z"`, `"at":"2026-11-22T11:00:00Z"`, `"body":{"a":1,"b":[]}`, `"body":{"b":1,"a":2}`, `"body":{"a":1,"a":1}`,
		`"body":{"a":1.0}`, `"body":null`, `"body":"<&>\u2028"`, `"body":"\u003c"`, `"body": 1`, `"change":""`, `"change":"CHG-1"`, `"group":"00g"`, `"kind":"plan.proposed"`,
		`"kind":"no.such"`, `"Kind":"plan.proposed"`, `"seq":0`, `"seq":-1`, `"seq":01`, `"seq":1e0`, `"ticket":"A-1"`, `"user":"é"`, `"user":"\u00e9"`, `"v":2`, `"v":3`, `"x":1`,
	}
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		text := "{" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 3, 9).Draw(t, "pieces"), ",") + "}"
		if rapid.Bool().Draw(t, "sound") {
			text = `{"at":"2026-11-22T11:00:00.000000Z",` + rapid.SampledFrom(pieces[2:12]).Draw(t, "extra") + `,"kind":"plan.proposed","seq":0,"v":2}`
		}
		r, err := ledger.Decode([]byte(text))
		if err != nil {
			return
		}
		good++
		again, err := ledger.Encode(r.Seq, r.Entry)
		if err != nil || string(again.Canonical) != text || again.Hash != r.Hash {
			t.Fatalf("%s was accepted, and is written as %s, %v", text, again.Canonical, err)
		}
	})
	if good == 0 {
		t.Error("nothing was accepted at all")
	}
}
