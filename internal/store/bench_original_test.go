package store_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// sentIssue is an issue of the size that Jira Cloud sends: 6 KB with the pictures of four people.
func sentIssue(n int, status string) []byte {
	person := func(k int) string {
		id := fmt.Sprintf("712020:%08x-%04d-4c1e-9c58-%012d", n*7919+k, k, n)
		pictures := make([]string, 0, 4)
		for _, size := range []string{"48x48", "24x24", "16x16", "32x32"} {
			pictures = append(pictures, fmt.Sprintf(`"%s":"https://secure.gravatar.com/avatar/%032x?d=https%%3A%%2F%%2Favatar.example.com%%2F%d.png"`, size, n*31+k, k))
		}
		return fmt.Sprintf(`{"self":"https://example.atlassian.net/rest/api/2/user?accountId=%s","accountId":"%s","emailAddress":"p%d@example.com",`+
			`"avatarUrls":{%s},"displayName":"Person %d","active":true,"timeZone":"Europe/Berlin","accountType":"atlassian"}`, id, id, n*4+k, strings.Join(pictures, ","), n*4+k)
	}
	return fmt.Appendf(nil, `{"expand":"operations,versionedRepresentations,editmeta,changelog,renderedFields","id":"%d","self":"https://example.atlassian.net/rest/api/2/issue/%d","key":"ACC-%d",`+
		`"fields":{"summary":"Access to system %d for the closing of month %d","status":{"self":"https://example.atlassian.net/rest/api/2/status/3","name":"%s","id":"3"},"reporter":%s,"assignee":%s,`+
		`"customfield_10050":[%s],"customfield_10060":%s,"created":"2026-11-%02dT10:%02d:00.000+0000","updated":"2026-11-22T10:%02d:%02d.000+0000"}}`,
		n, n, n, n%40, n%12, status, person(0), person(1), person(2), person(3), n%28+1, n%60, n%60, n/60%60)
}

// BenchmarkDecisionsWithOriginals reads tickets, decides on them and reads them again, a hundred a transaction, and reports what
// each costs on the disk with and without what Jira sent.
func BenchmarkDecisionsWithOriginals(b *testing.B) {
	for name, sent := range map[string]bool{"without": false, "with": true} {
		b.Run(name, func(b *testing.B) {
			url := storetest.NewSQLite(b)
			s := storetest.OpenURL(b, url, nil)
			n := 0
			for b.Loop() {
				storetest.Write(b, s, func(tx *store.Tx) error {
					for range 100 {
						n++
						if err := liveThrough(tx, n, sent); err != nil {
							return err
						}
					}
					return nil
				})
			}
			b.StopTimer()
			info, err := os.Stat(strings.TrimPrefix(url, "sqlite:"))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tickets/s")
			b.ReportMetric(float64(info.Size())/float64(n), "bytes/ticket")
		})
	}
}

// liveThrough is the life of a ticket: read, granted, changed, read again, ended.
func liveThrough(tx *store.Tx, n int, sent bool) error {
	key := ticket.Key(fmt.Sprintf("ACC-%d", n))
	reading := func(status string) error {
		tk := ticket.Ticket{ID: ticket.ID(fmt.Sprint(n)), Key: key, Project: "ACC", Status: status, Updated: noon}
		approvals := []ticket.Approval{{ID: "1", Decision: ticket.Approved}}
		if sent {
			tk.Original, tk.OriginalHistory = sentIssue(n, status), fmt.Appendf(nil, `[{"id":"%d","created":1780000000000,"items":[{"field":"status","fieldId":"status","to":"%s"}]}]`, n, status)
			approvals[0].Original = fmt.Appendf(nil, `{"id":"%d","finalDecision":"approved","approvers":[{"approver":{"accountId":"712020:%d"},"approverDecision":"approved"}]}`, n, n)
		}
		return firstError(tx.PutTicket(tk, noon), tx.PutApprovals(key, approvals, noon))
	}
	c := change.Change{ID: change.NewID(noon), Kind: change.AddMember, User: "00usomebody", Group: "00g1", Ticket: key}
	return firstError(reading("Waiting"), reading("Approved"), decide(tx, ledger.GrantApproved, key, c), decide(tx, ledger.ChangeIntended, key, c),
		decide(tx, ledger.ChangeApplied, key, c), decide(tx, ledger.ChangeConfirmed, key, c), decide(tx, ledger.ChangeWitnessed, key, c),
		reading("Done"), decide(tx, ledger.GrantEnded, key, c))
}
