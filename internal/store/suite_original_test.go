package store_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// reading is a ticket as Jira sent it in one of its states.
func reading(key, status string) ticket.Ticket {
	return ticket.Ticket{
		ID: ticket.ID("1" + strings.TrimLeft(key, "ORG-")), Key: ticket.Key(key), Project: "ORG", Status: status, Updated: noon,
		Original: issueBytes(key, status), OriginalHistory: []byte(`[{"id":"1"}]`),
	}
}

func issueBytes(key, status string) []byte {
	return []byte(`{"key": "` + key + `",  "fields":{"status":{"name":"` + status + `"},"summary":"Zugriff für Łódź"}}`)
}

func approval(key string) []ticket.Approval {
	return []ticket.Approval{{ID: "9", Decision: ticket.Approved, Original: []byte(`{"id":"9","of":"` + key + `"}`)}}
}

// refs returns what the ledger says was kept, in its order.
func refs(b *bench) (all []original.Ref) {
	b.Helper()
	b.read(func(tx *store.Tx) error {
		all = nil
		return tx.EachRecordOf(ledger.OriginalKept, func(r ledger.Record) error {
			var body original.Body
			err := json.Unmarshal(r.Body.(json.RawMessage), &body)
			all = append(all, body.Originals...)
			return err
		})
	})
	return all
}

// kept asks for the bytes that a reference names.
func kept(b *bench, ref original.Ref) (text string, cause error) {
	b.Helper()
	b.read(func(tx *store.Tx) error {
		raw, _, err := tx.Original(ref)
		text, cause = string(raw), err
		return nil
	})
	return text, cause
}

func decide(tx *store.Tx, kind ledger.Kind, key ticket.Key, body any) error {
	_, err := tx.Append(ledger.Entry{Kind: kind, At: noon, Ticket: key, User: "00usomebody", Group: "00g1", Body: body})
	return err
}

func originalCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a decision names what it rests on, before it and byte by byte":               decisionsNameOriginals,
		"a reading that a record names stays when the ticket is read again":           namedReadingsStay,
		"an intent names only what no decision has named":                             intentsNameFresh,
		"a confirmed change names the event that shows it":                            changesNameEvents,
		"a user who changed and was not read by ID rests on nothing":                  changedUsersHaveNone,
		"a ticket that moved rests on what is read under its new key":                 movedTickets,
		"what only deleted records name goes with them, and what was last read stays": retention,
		"events are told with what was sent, where that is known":                     sentEvents,
		"a review names the comment that decides, once":                               reviewsNameComments,
		"entries that rest on nothing known make no further record": func(b *bench) {
			b.write(func(tx *store.Tx) error { return decide(tx, ledger.GrantApproved, "ORG-1", nil) })
			b.want(len(refs(b)), 0)
		},
	}
}

func decisionsNameOriginals(b *bench) {
	b.write(func(tx *store.Tx) error {
		return firstError(tx.PutTicket(reading("ORG-1", "Approved"), noon), tx.PutApprovals("ORG-1", approval("ORG-1"), noon.Add(time.Second)))
	})
	var returned []ledger.Record
	b.write(func(tx *store.Tx) error {
		var err error
		entry := ledger.Entry{Kind: ledger.GrantApproved, At: noon, Ticket: "ORG-1", User: "00usomebody"}
		returned, err = tx.Append(entry, entry)
		return err
	})
	b.want(len(returned), 2)
	b.want(returned[0].Seq, int64(1)) // the record of what it rests on stands before it
	all := refs(b)
	b.want(len(all), 3)
	b.want([]original.Kind{all[0].Kind, all[1].Kind, all[2].Kind}, []original.Kind{original.Approvals, original.History, original.Issue})
	b.want(all[0].ReadAt, noon.Add(time.Second))
	text, err := kept(b, all[2])
	b.want(text, string(issueBytes("ORG-1", "Approved")))
	b.want(err, nil)
	b.want(all[2].SHA256, original.Sum(issueBytes("ORG-1", "Approved")))
	text, _ = kept(b, all[0])
	b.want(text, `[{"id":"9","of":"ORG-1"}]`)
}

func namedReadingsStay(b *bench) {
	b.write(func(tx *store.Tx) error {
		return firstError(
			tx.PutTicket(reading("ORG-1", "Waiting"), noon), tx.PutTicket(reading("ORG-1", "Approved"), noon),
			decide(tx, ledger.GrantApproved, "ORG-1", nil), tx.PutTicket(reading("ORG-1", "Provisioned"), noon), tx.PutTicket(reading("ORG-1", "Done"), noon),
			decide(tx, ledger.GrantEnded, "ORG-1", nil), tx.PutTicket(reading("ORG-1", "Done"), noon), decide(tx, ledger.GrantLapsed, "ORG-1", nil))
	})
	have := map[string]bool{}
	for _, ref := range refs(b) {
		text, err := kept(b, ref)
		b.want(err, nil)
		have[text] = true
	}
	b.want(have[string(issueBytes("ORG-1", "Approved"))] && have[string(issueBytes("ORG-1", "Done"))], true)
	for _, status := range []string{"Waiting", "Provisioned"} { // nothing rested on those
		_, err := kept(b, original.Ref{ID: "ORG-1", Kind: original.Issue, SHA256: original.Sum(issueBytes("ORG-1", status))})
		b.refused(err, access.ErrNotFound)
	}
}

func intentsNameFresh(b *bench) {
	b.write(func(tx *store.Tx) error {
		return firstError(tx.PutTicket(reading("ORG-1", "Approved"), noon),
			decide(tx, ledger.GrantApproved, "ORG-1", nil), decide(tx, ledger.ChangeIntended, "ORG-1", nil))
	})
	b.want(len(refs(b)), 2)
	b.write(func(tx *store.Tx) error {
		user := access.User{ID: "00usomebody", Status: access.Deprovisioned, Original: []byte(`{"status":"DEPROVISIONED"}`)}
		return firstError(tx.PutUsers([]access.User{user}), decide(tx, ledger.ChangeIntended, "ORG-1", nil))
	})
	all := refs(b)
	b.want(len(all), 3)
	b.want(all[2].Kind, original.User)
	b.want(all[2].ID, "00usomebody")
}

func changesNameEvents(b *bench) {
	c := change.Change{ID: change.NewID(noon), Kind: change.AddMember, User: "00usomebody", Group: "00g1", Event: "event-1"}
	b.write(func(tx *store.Tx) error {
		_, err := tx.PutEvents([]access.Event{{ID: "event-1", Published: noon, Original: []byte(`{"uuid":"event-1"}`)}})
		return firstError(err, decide(tx, ledger.ChangeWitnessed, "", c))
	})
	all := refs(b)
	b.want(len(all), 1)
	text, err := kept(b, all[0])
	b.want(text, `{"uuid":"event-1"}`)
	b.want(err, nil)
}

func changedUsersHaveNone(b *bench) {
	gone := access.User{ID: "00usomebody", Status: access.Deprovisioned, Original: []byte(`{"status":"DEPROVISIONED"}`)}
	b.write(func(tx *store.Tx) error {
		return firstError(tx.PutUsers([]access.User{gone}), tx.PutUsers([]access.User{{ID: gone.ID, Status: access.Active}}),
			decide(tx, ledger.GrantEnded, "", nil))
	})
	b.want(len(refs(b)), 0)
}

func movedTickets(b *bench) {
	moved := reading("ORG-1", "Approved")
	moved.Key = "NEW-1"
	b.write(func(tx *store.Tx) error {
		return firstError(tx.PutTicket(reading("ORG-1", "Approved"), noon), tx.PutApprovals("ORG-1", approval("ORG-1"), noon),
			decide(tx, ledger.GrantApproved, "ORG-1", nil), tx.PutTicket(moved, noon), decide(tx, ledger.GrantEnded, "ORG-1", nil))
	})
	first := refs(b)
	b.want(len(first), 3) // nothing is known of the old key any more
	for _, ref := range first {
		_, err := kept(b, ref)
		b.want(err, nil)
	}
	b.write(func(tx *store.Tx) error { return decide(tx, ledger.GrantEnded, "NEW-1", nil) })
	b.want(len(refs(b)), 5)
}

func retention(b *bench) {
	b.write(func(tx *store.Tx) error {
		return firstError(tx.PutTicket(reading("ORG-1", "Approved"), noon), decide(tx, ledger.GrantApproved, "ORG-1", nil),
			tx.PutTicket(reading("ORG-1", "Done"), noon), decide(tx, ledger.GrantEnded, "ORG-1", nil), decide(tx, ledger.TicketTold, "ORG-1", nil))
	})
	all := refs(b)
	b.write(func(tx *store.Tx) error {
		_, err := tx.DeleteRecords(2) // the first decision
		return err
	})
	issue := original.Ref{ID: "ORG-1", Kind: original.Issue, SHA256: original.Sum(issueBytes("ORG-1", "Approved"))}
	_, err := kept(b, issue)
	b.refused(err, access.ErrNotFound)
	for _, ref := range all[2:] { // the second
		_, err := kept(b, ref)
		b.want(err, nil)
	}
	b.write(func(tx *store.Tx) error {
		_, err := tx.DeleteRecords(4)
		return err
	})
	_, err = kept(b, all[2])
	b.want(err, nil) // the last reading
	b.write(func(tx *store.Tx) error { return tx.PutTicket(reading("ORG-1", "Waiting"), noon) })
	issue.SHA256 = original.Sum(issueBytes("ORG-1", "Done"))
	_, err = kept(b, issue)
	b.refused(err, access.ErrNotFound)
}

func reviewsNameComments(b *bench) {
	for _, said := range []string{`{"id":"1","body":"certify all"}`, `{"id":"2","body":"revoke 3"}`} {
		b.write(func(tx *store.Tx) error {
			err := tx.PutDecisive("REV-1", ticket.Comment{Original: []byte(said)}, noon)
			for range 3 {
				err = firstError(err, decide(tx, ledger.ReviewDecided, "REV-1", nil))
			}
			return err
		})
	}
	all := refs(b)
	b.want(len(all), 2)
	first, err := kept(b, all[0])
	b.want(first, `{"id":"1","body":"certify all"}`)
	b.want(err, nil)
	second, _ := kept(b, all[1])
	b.want(second, `{"id":"2","body":"revoke 3"}`)
}

func sentEvents(b *bench) {
	b.write(func(tx *store.Tx) error {
		_, err := tx.PutEvents([]access.Event{
			{ID: "event-2", Published: noon.Add(time.Minute), Original: []byte(`{"uuid":"event-2"}`)}, {ID: "event-1", Published: noon}, {ID: "event-0", Published: noon.Add(-time.Hour)},
		})
		return err
	})
	b.read(func(tx *store.Tx) error {
		var told []string
		err := tx.EachSentEventSince(noon, func(e access.Event) error { told = append(told, string(e.ID)+string(e.Original)); return nil })
		b.want(told, []string{"event-1", `event-2{"uuid":"event-2"}`})
		return err
	})
}
