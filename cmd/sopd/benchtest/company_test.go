package benchtest

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/maisonrmi/sopd/mocks/world"
)

// size is how large a company is.
type size struct{ groups, users, perGroup int }

func (s size) memberships() int { return s.groups * s.perGroup }

// company is the simulated organisation with many more people and groups, all of them adopted.
type company struct {
	t     *testing.T
	size  size
	world *world.World
	dir   string
	env   map[string]string
}

func newCompany(t *testing.T, s size) *company {
	t.Helper()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	dir := t.TempDir()
	c := &company{t: t, size: s, world: w, dir: dir, env: w.Env()}
	maps.Copy(c.env, map[string]string{
		"SOPD_POLICY_DIR": filepath.Join(dir, "policies"), "SOPD_DATA_DIR": dir, "SOPD_WRITE": "false", "SOPD_INTERVAL": "3s",
	})
	if err := w.WritePolicies(c.env["SOPD_POLICY_DIR"]); err != nil {
		t.Fatal(err)
	}
	c.furnish()
	return c
}

// furnish fills Okta, the catalog and the baseline.
func (c *company) furnish() {
	c.t.Helper()
	old := time.Now().Add(-400 * 24 * time.Hour)
	users := make([]string, c.size.users)
	for i := range users {
		users[i] = c.world.Okta.AddUser(oktamock.User{
			ID: fmt.Sprintf("00u%017d", i), Login: fmt.Sprintf("p%d@example.com", i), FirstName: "Person", LastName: fmt.Sprint(i),
			Profile: map[string]any{"department": "Department", "jiraAccountId": fmt.Sprintf("712020:%d", i)}, Created: old,
		})
	}
	var catalog strings.Builder
	catalog.WriteString("  - id: large\n    name: Large\n    risk: low\n    mode: grant\n    owners: {users: [" + users[0] + "]}\n    groups:\n")
	var baseline []store.Baseline
	for g := range c.size.groups {
		name := fmt.Sprintf("large-%d", g)
		id := c.world.Okta.AddGroup(oktamock.Group{ID: fmt.Sprintf("00g%017d", g), Name: name, Created: old})
		fmt.Fprintf(&catalog, "      - {id: %s, name: %s}\n", id, name)
		first := g * 97 % (len(users) - c.size.perGroup + 1)
		members := users[first : first+c.size.perGroup]
		c.world.Okta.Place(id, members...)
		for _, m := range members {
			baseline = append(baseline, store.Baseline{
				Membership: access.Membership{Group: access.GroupID(id), User: access.UserID(m)}, Adopted: old, By: "somebody",
			})
		}
	}
	catalog.WriteString("    roles:\n      - {name: member, groups: [large-0]}\n")
	path := filepath.Join(c.env["SOPD_POLICY_DIR"], "catalog.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, catalog.String()...), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.fill(func(tx *store.Tx) error { return tx.PutBaselines(baseline) })
}

// fill writes to the company's store while the program does not run.
func (c *company) fill(writes ...func(*store.Tx) error) {
	c.t.Helper()
	s, err := store.Open(c.t.Context(), store.Options{URL: "sqlite:" + filepath.Join(c.dir, "sopd.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	for _, write := range writes {
		if err := s.Write(c.t.Context(), write); err != nil {
			c.t.Fatal(err)
		}
	}
}

// pieces is how many transactions fill a store: each holds what it writes in memory.
const pieces = 100

// age gives the store as many records in the ledger, and as many tickets that are done.
func (c *company) age(n int) {
	c.t.Helper()
	var writes []func(*store.Tx) error
	at := time.Now().Add(-24 * time.Hour).UTC()
	for p := range pieces {
		writes = append(writes, func(tx *store.Tx) error {
			entries := make([]ledger.Entry, n/pieces)
			for i := range entries {
				entries[i] = ledger.Entry{Kind: ledger.ChangeWitnessed, At: at, User: "00u00000000000000001", Group: "00g00000000000000001"}
			}
			if _, err := tx.Append(entries...); err != nil {
				return err
			}
			for i := range n / pieces {
				number := 1_000_000 + p*n/pieces + i
				t := ticket.Ticket{
					ID: ticket.ID(fmt.Sprint(number)), Key: ticket.Key(fmt.Sprintf("ACC-%d", number)), Project: "ACC", Done: true,
					Type: "Service Request", Status: "Closed", Created: at, Updated: at,
				}
				if err := tx.PutTicket(t, at); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.fill(writes...)
}

// calls returns how many requests Okta and Jira have had. Opsgenie is only written to.
func (c *company) calls() int { return c.world.Okta.Count("") + c.world.Jira.Count("", "") }

// firstPass returns the requests that Okta has had in the first pass, by endpoint: all before somebody asked for what had
// changed since. The second pass follows at once, and may have begun when the first is seen to be over.
func (c *company) firstPass() map[string][]oktamock.Call {
	first := make(map[string][]oktamock.Call)
	for _, call := range c.world.Okta.Calls() {
		if call.Endpoint == "GET /api/v1/users" && strings.Contains(call.Query.Get("filter"), "lastUpdated") {
			break
		}
		first[call.Endpoint] = append(first[call.Endpoint], call)
	}
	return first
}

// memberPages returns the fewest pages in which the groups can be read whose members were asked for.
func (c *company) memberPages(asked []oktamock.Call) int {
	read := make(map[string]bool)
	for _, call := range asked {
		read[strings.Split(call.Path, "/")[4]] = true
	}
	if len(read) < c.size.groups {
		c.t.Fatalf("only %d of %d groups were read", len(read), c.size.groups)
	}
	n := 0
	for id := range read {
		n += pages(len(c.world.Okta.Members(id)))
	}
	return n
}

// pages returns how many pages hold so many, of the size that Okta advises.
func pages(n int) int { return max(1, (n+199)/200) }
