package store_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// TestConnectionsThatTheServerEndsAreReplaced ends every connection of the store between two writes and inside one.
func TestConnectionsThatTheServerEndsAreReplaced(t *testing.T) {
	base := storetest.NewPostgres(t)
	const name = "sopd_test_victim"
	s := storetest.OpenURL(t, base+"&application_name="+name, nil)
	end := func() {
		t.Helper()
		db, err := sql.Open("pgx", base)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name); err != nil {
			t.Fatal(err)
		}
	}
	put := func(id access.GroupID, between func()) error {
		return s.Write(t.Context(), func(tx *store.Tx) error {
			if err := tx.PutGroup(access.Group{ID: id}); err != nil {
				return err
			}
			between()
			return tx.PutGroup(access.Group{ID: id + "2"})
		})
	}
	if err := put("before", func() {}); err != nil {
		t.Fatal(err)
	}
	if err := put("during", end); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("a write whose connection was ended: %v", err)
	}
	for s.Ping(t.Context()) != nil { // the pools find out one connection at a time
		if t.Context().Err() != nil {
			t.Fatal("never comes back")
		}
	}
	if err := put("after", func() {}); err != nil {
		t.Errorf("after the end of the connections: %v", err)
	}
	storetest.Read(t, s, func(tx *store.Tx) error {
		groups, err := tx.Groups()
		if len(groups) != 4 || groups[0].ID != "after" || groups[2].ID != "before" {
			t.Errorf("%v", groups)
		}
		return err
	})
}
