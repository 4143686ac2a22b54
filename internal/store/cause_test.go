package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/maisonrmi/sopd/internal/access"
)

func TestEachAnswerOfPostgreSQLHasACause(t *testing.T) {
	s := &Store{engine: Postgres}
	for code, want := range map[string]error{
		"40001": errLost, "40P01": errLost, "55P03": errLost,
		"28P01": access.ErrUnauthenticated, "42501": access.ErrDenied, "3D000": access.ErrInvalid,
		"23505": access.ErrInvalid, "22P02": access.ErrInvalid, "25006": access.ErrInvalid,
		"53300": access.ErrUnavailable, "57P01": access.ErrUnavailable, "42P01": access.ErrUnavailable, "X": access.ErrUnavailable,
	} {
		err := s.cause("write", &pgconn.PgError{Code: code, Message: "row of anna@example.com", Detail: "secret"})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", code, err, want)
		}
		if strings.Contains(err.Error(), "anna") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s shows the server's text: %v", code, err)
		}
	}
}

func TestALostAnswerToACommitIsUnconfirmed(t *testing.T) {
	s := &Store{engine: Postgres}
	for _, err := range []error{io.ErrUnexpectedEOF, driver.ErrBadConn, context.DeadlineExceeded} {
		if got := s.commitCause(err); !errors.Is(got, access.ErrUnconfirmed) {
			t.Errorf("%v: %v", err, got)
		}
	}
	if got := s.commitCause(&pgconn.PgError{Code: "40001"}); !retryable(got) {
		t.Errorf("a refused commit: %v", got)
	}
}

func TestTheCallersEndIsNotTheDatabases(t *testing.T) {
	s := &Store{}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if got := s.cause("read", end); !errors.Is(got, end) || errors.Is(got, access.ErrUnavailable) {
			t.Errorf("%v: %v", end, got)
		}
	}
	if got := s.cause("write", sql.ErrTxDone); !errors.Is(got, context.Canceled) { // the context's end has ended the transaction
		t.Error(got)
	}
	if got := s.cause("read", io.EOF); !errors.Is(got, access.ErrUnavailable) {
		t.Error(got)
	}
}

func TestATransactionThatLosesIsRunAgainAndNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{}
		runs := 0
		err := s.retry(t.Context(), func() error {
			if runs++; runs < 4 {
				return errLost
			}
			return nil
		})
		if err != nil || runs != 4 {
			t.Errorf("%d runs, %v", runs, err)
		}
		runs = 0
		err = s.retry(t.Context(), func() error { runs++; return errLost })
		if !errors.Is(err, access.ErrUnavailable) || runs != writeAttempts {
			t.Errorf("%d runs, %v", runs, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err = s.retry(ctx, func() error { cancel(); return errLost })
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestAnotherProcessThatWritesIsWaitedFor(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "sopd.db")
	options := Options{URL: url, Logger: slog.New(slog.DiscardHandler)}
	ours, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := Open(t.Context(), options) // as the command line beside the daemon
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	holding, let := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- theirs.Write(t.Context(), func(tx *Tx) error {
			close(holding)
			<-let
			return tx.PutGroup(access.Group{ID: "theirs"})
		})
	}()
	<-holding
	time.AfterFunc(100*time.Millisecond, func() { close(let) })
	if err := ours.Write(t.Context(), func(tx *Tx) error {
		_, found, err := tx.Group("theirs")
		if !found {
			t.Error("did not wait")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBackoffGrowsToAnHour(t *testing.T) {
	var last, sum time.Duration
	for attempts := range int64(MaxAttempts) {
		wait := backoff(attempts)
		if wait < last || wait > time.Hour {
			t.Errorf("%s after %d attempts", wait, attempts)
		}
		last, sum = wait, sum+wait
	}
	if sum < time.Hour || sum > 6*time.Hour {
		t.Errorf("parked after %s", sum)
	}
}
