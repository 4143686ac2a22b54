package store

import (
	"maps"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
)

// Quiet is a group in which there was nothing to do, when it was last looked at.
type Quiet struct {
	Revision int  // of the group, see [Tx.GroupRevisions]; what follows holds while it stands
	Fed      bool // by an active group rule
	// Granted, Baseline and Foreign are how many memberships stand in each state.
	Granted, Baseline, Foreign int
}

// PutQuiet keeps what a program found of the groups, replacing what was kept of them.
func (t *Tx) PutQuiet(program string, groups map[access.GroupID]Quiet) error {
	rows := make([][]any, 0, len(groups))
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		text, err := toDoc(groups[id])
		if err != nil {
			return err
		}
		rows = append(rows, []any{string(id), groups[id].Revision, program, text})
	}
	return t.insertMany("INSERT INTO quiet_groups (group_id, revision, program, doc) VALUES ", rows,
		" ON CONFLICT (group_id) DO UPDATE SET revision = excluded.revision, program = excluded.program, doc = excluded.doc")
}

// QuietGroups returns what the same program has kept of each group that has not changed since.
func (t *Tx) QuietGroups(program string) (map[access.GroupID]Quiet, error) {
	groups := make(map[access.GroupID]Quiet)
	err := t.rows(func(scan func(...any) error) error {
		var id access.GroupID
		var text string
		if err := scan(&id, &text); err != nil {
			return t.store.cause("read", err)
		}
		var q Quiet
		if err := fromDoc(text, &q); err != nil {
			return err
		}
		groups[id] = q
		return nil
	}, `SELECT q.group_id, q.doc FROM quiet_groups q JOIN group_revisions r ON r.group_id = q.group_id AND r.revision = q.revision
		WHERE q.program = $1`, program)
	return groups, err
}
