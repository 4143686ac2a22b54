package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// urlVariable tells the test binary that it is the process that is killed, and where it writes.
const urlVariable = "SOPD_TEST_STORE_URL"

// TestAKilledProcessLosesNothingThatItWasToldIsKept kills a process that writes, at a point that is not chosen, and looks
// whether each of its committed writes is there as a whole.
func TestAKilledProcessLosesNothingThatItWasToldIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := storetest.OpenURL(t, url, nil)
		for range 5 {
			committed := killWriter(t, url)
			storetest.Read(t, s, func(tx *store.Tx) error {
				size, root, err := tx.TreeHash()
				if err != nil {
					return err
				}
				if size < committed || size%3 != 0 {
					t.Errorf("%d records after %d were committed in threes", size, committed)
				}
				again, err := rebuild(tx)
				if again != root {
					t.Error("records and hashes do not agree")
				}
				users, _, _, err2 := tx.Members("g")
				if int64(len(users)) != size/3 {
					t.Errorf("%d members beside %d records", len(users), size)
				}
				return firstError(err, err2)
			})
		}
	})
}

// killWriter runs a writer, kills it after some commits, and returns the last size of the ledger that it was told.
func killWriter(t *testing.T, url string) (committed int64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriterThatIsKilled$")
	child.Env = append(os.Environ(), urlVariable+"="+url)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == 20 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if size, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
			committed = size
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	if committed == 0 {
		t.Fatal("the writer wrote nothing")
	}
	return committed
}

// TestWriterThatIsKilled is the process that [killWriter] kills. By itself it does nothing.
func TestWriterThatIsKilled(t *testing.T) {
	url := os.Getenv(urlVariable)
	if url == "" {
		t.Skip("is run by another test")
	}
	s := storetest.OpenURL(t, url, nil)
	for {
		var size int64
		storetest.Write(t, s, func(tx *store.Tx) error {
			records, err := tx.Append(
				ledger.Entry{Kind: ledger.ChangeIntended, At: noon}, ledger.Entry{Kind: ledger.ChangeApplied, At: noon}, ledger.Entry{Kind: ledger.TicketTold, At: noon})
			if err != nil {
				return err
			}
			size = records[2].Seq + 1
			users, _, _, err := tx.Members("g")
			if err != nil {
				return err
			}
			return tx.PutMembers("g", append(users, access.UserID(fmt.Sprintf("u%06d", size))), noon)
		})
		fmt.Println(size)
	}
}

// TestAKilledProcessDoesNotKeepItsSuccessorFromWorking: a lease of two minutes outlived its process by two minutes.
func TestAKilledProcessDoesNotKeepItsSuccessorFromWorking(t *testing.T) {
	url, now := storetest.NewSQLite(t), noon
	clock := func() time.Time { return now }
	lease := func(s *store.Store, holder string) error {
		return s.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Lease("pass", holder, tx.Now().Add(2*time.Minute))
			return err
		})
	}
	open := func() *store.Store {
		s, err := store.Open(t.Context(), store.Options{URL: url, Logger: slog.New(slog.DiscardHandler), Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open()
	if err := lease(first, "first"); err != nil {
		t.Fatal(err)
	}
	beside := open()
	now = now.Add(3 * time.Second)
	if err := lease(beside, "beside"); !errors.Is(err, access.ErrConflict) {
		t.Errorf("the lease of a living process was taken: %v", err)
	}
	for _, s := range []*store.Store{beside, first} { // without giving the lease back, as a killed process does
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	successor := storetest.OpenURL(t, url, clock)
	if err := lease(successor, "successor"); !errors.Is(err, access.ErrConflict) {
		t.Errorf("taken while a request of the dead may be under way: %v", err)
	}
	now = now.Add(3 * time.Second)
	if err := lease(successor, "successor"); err != nil {
		t.Errorf("a dead process still has its lease: %v", err)
	}
}
