package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

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
