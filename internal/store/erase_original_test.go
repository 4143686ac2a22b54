package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// annaSent are objects that vendors sent of her, each naming her in another way, and one of somebody else.
func annaSent(t *testing.T, s *store.Store) {
	t.Helper()
	named := func(n, text string) ticket.Ticket {
		return ticket.Ticket{ID: ticket.ID("8" + n), Key: ticket.Key("SENT-" + n), Project: "SENT", Original: []byte(text)}
	}
	tickets := []ticket.Ticket{
		named("1", `{"fields":{"reporter":{"accountId":"`+annaAccount+`"}}}`),
		named("2", `{"fields":{"summary":"for `+annaLogin+`, please"}}`),
		named("3", `{"fields":{"reporter":{"displayName":"`+annaName+`"}}}`),
		named("4", `{"fields":{"reporter":{"displayName":"Anna Lindgren"}}}`), // another person
		named("5", `{"fields":{"for":"`+string(annaID)+`"}}`),
	}
	storetest.Write(t, s, func(tx *store.Tx) error {
		err := tx.PutUsers([]access.User{{ID: annaID, Login: annaLogin, Email: annaLogin, Name: annaName, Status: access.Deprovisioned,
			Original: []byte(`{"id":"` + string(annaID) + `","profile":{"login":"` + annaLogin + `"}}`)}})
		for i, tk := range tickets {
			err = firstError(err, tx.PutTicket(tk, noon))
			if i < 4 { // no decision rests on the last
				_, appended := tx.Append(ledger.Entry{Kind: ledger.RequestRefused, At: noon, Ticket: tk.Key, User: annaID})
				err = firstError(err, appended)
			}
		}
		return err
	})
}

func TestAnErasedPersonTakesTheOriginalsAlongAndTheirHashesStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := storetest.OpenURL(t, url, func() time.Time { return noon })
		annaLeft(t, s)
		annaSent(t, s)
		var erased store.Erased
		storetest.Write(t, s, func(tx *store.Tx) (err error) { erased, err = tx.Erase(annaID); return err })
		if erased.Originals != 4 { // three issues and herself
			t.Errorf("%+v", erased)
		}
		if left := namesAnna(t, url); len(left) > 0 {
			t.Errorf("she is still named: %v", left)
		}
		storetest.Read(t, s, func(tx *store.Tx) error {
			whole, gone := 0, 0
			err := tx.EachRecordOf(ledger.OriginalKept, func(r ledger.Record) error {
				var body original.Body
				if err := json.Unmarshal(r.Body.(json.RawMessage), &body); err != nil {
					return err
				}
				for _, ref := range body.Originals {
					text, by, err := tx.Original(ref)
					switch {
					case err != nil:
						t.Errorf("%+v: %v", ref, err)
					case by != "" && ledger.IsPseudonym(by) && text == nil:
						gone++
					case strings.Contains(string(text), "Lindgren"):
						whole++
					}
				}
				return nil
			})
			if whole != 1 || gone != 7 { // the user stands in four records
				t.Errorf("%d whole, %d erased", whole, gone)
			}
			_, _, missing := tx.Original(original.Ref{ID: "SENT-5", Kind: original.Issue, SHA256: original.Sum([]byte(`{"fields":{"for":"` + string(annaID) + `"}}`))})
			if !errors.Is(missing, access.ErrNotFound) {
				t.Errorf("what no record names: %v", missing)
			}
			return err
		})
	})
}
