package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // its import registers the driver "pgx"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/oklog/ulid/v2"
)

// The tests of this file run blocks of the pages that need more than a folder and simulated vendors.

// blockWith returns the text of the one block of the page that holds the words.
func blockWith(t *testing.T, page, words string) string {
	t.Helper()
	var found []string
	for _, b := range blocks(readPage(t, page)) {
		if strings.Contains(b.text, words) {
			found = append(found, b.text)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of %s hold %q", len(found), page, words)
	}
	return found[0]
}

// shell runs a script where the commands of a page run, and ends what it leaves behind.
func shell(t *testing.T, script string, vars ...string) (out string, err error) {
	t.Helper()
	dir, env := deskFor(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -e -o pipefail\n"+script)
	cmd.Dir, cmd.Env = dir, append(env, vars...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // gone already, unless the script left something behind
	}
	return string(text), err
}

func TestTheServedVendorsAreThoseOfTheEnvironmentThatIsPrinted(t *testing.T) {
	serve := strings.TrimSpace(blockWith(t, "../../docs/quick-start.md", "demo --serve"))
	out, err := shell(t, serve+` >printed 2>&1 &
served=$!
for _ in $(seq 300); do grep -q SOPD_WRITE printed && break; sleep 0.1; done
env -i PATH="$PATH" HOME="$HOME" bash -e -c '. ./printed; sopd check; sopd plan || [ $? = 3 ]'
kill -INT $served
wait $served
`)
	if err != nil || !strings.Contains(out, "ok       Okta: ") || !strings.Contains(out, "ok       Jira: credential") {
		t.Errorf("%v\n%s", err, out)
	}
}

// emptyDatabase returns the URL of a database of its own, as PostgreSQL's programs understand it.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	base, err := url.Parse(storetest.NewPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	query := base.Query()
	query.Del("search_path") // a schema is for the other tests, and not known to libpq
	base.RawQuery = query.Encode()
	db, err := sql.Open("pgx", base.String())
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(ulid.Make().String())
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)); err != nil {
			t.Error(err)
		}
		_ = db.Close() // nothing waits for it
	})
	base.Path = "/" + name
	return base.String()
}

func TestTheWayBackOfPostgreSQLIsAsThePageSays(t *testing.T) {
	from, to := emptyDatabase(t), emptyDatabase(t)
	for _, program := range []string{"pg_dump", "pg_restore", "psql", "age"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv(storetest.RequirePostgresVariable) == "1" {
				t.Fatalf("%s is not in the path and %s=1", program, storetest.RequirePostgresVariable)
			}
			t.Skipf("%s is not in the path: the way back of PostgreSQL is not tried", program)
		}
	}
	back := blockWith(t, "../../docs/backup.md", "pg_dump")
	back = strings.ReplaceAll(strings.ReplaceAll(back, "age1…", `"$recipient"`), "PUBLIC", `"$public"`)
	lines := strings.Split(strings.TrimSpace(back), "\n")
	out, err := shell(t, `
sopd keys generate --origin sopd.example.com/ledger --out ledger.key >public
export public="$(cat public)" SOPD_LEDGER_KEY_FILE=$PWD/ledger.key
sopd run --once || [ $? = 4 ]
sopd evidence export --from 2020-01-01 --to 2100-01-01 --ledger-only --out sealed.zip
age-keygen -o backup.key
recipient="$(age-keygen -y backup.key)"
`+back+`
psql --quiet "$RESTORED_URL" -c 'DELETE FROM ledger WHERE seq = 1'
`+lines[len(lines)-1]+` && exit 1 || [ $? = 5 ]
`, "SOPD_DATABASE_URL="+from, "RESTORED_URL="+to)
	if err != nil || !strings.Contains(out, "\nverified: ") || !strings.Contains(out, "verification failed") {
		t.Errorf("%v\n%s", err, out)
	}
}
