package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// micros is a time as it is stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// toDoc encodes an object for a column doc.
func toDoc(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("object of type %T has no JSON form: %w", v, access.ErrInvalid)
	}
	return string(text), nil
}

func fromDoc(doc string, v any) error {
	if err := json.Unmarshal([]byte(doc), v); err != nil {
		return fmt.Errorf("stored object of type %T is not understood: %w", v, access.ErrMalformed)
	}
	return nil
}

// binary returns the column in an ORDER BY so that texts sort by their bytes: PostgreSQL would follow its locale.
func (t *Tx) binary(column string) string {
	if t.store.engine == Postgres {
		return column + ` COLLATE "C"`
	}
	return column
}

// chosen is [Tx.binary] where few rows are chosen by a column with an index. SQLite keeps no statistics here, and would walk the
// whole table in the order asked for to save itself the sorting of what it finds.
//
// Source: https://www.sqlite.org/optoverview.html, unary "+" disqualifies a term from the use of an index.
func (t *Tx) chosen(column string) string {
	if t.store.engine == SQLite {
		return "+" + column
	}
	return t.binary(column)
}

// exec runs a statement and returns how many rows it touched.
func (t *Tx) exec(query string, args ...any) (int64, error) {
	if t.mode == snapshot {
		return 0, fmt.Errorf("write inside a read: %w", access.ErrInvalid)
	}
	result, err := t.execute(query, args)
	if err != nil {
		return 0, t.store.cause("write", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, t.store.cause("write", err)
	}
	return n, nil
}

// longestPrepared bounds the statements that are kept: longer ones insert many rows, and come once.
const longestPrepared = 1000

// prepared returns the statement ready to run again within the transaction. SQLite compiles a statement each time it is asked
// by its text, which takes about as long as a small one runs. Nil where that is not worth it.
func (t *Tx) prepared(query string) (*sql.Stmt, error) {
	tx, ok := t.db.(*sql.Tx)
	if !ok || t.store.engine != SQLite || len(query) > longestPrepared {
		return nil, nil
	}
	if stmt, known := t.statements[query]; known {
		return stmt, nil
	}
	stmt, err := tx.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, err
	}
	if t.statements == nil {
		t.statements = make(map[string]*sql.Stmt)
	}
	t.statements[query] = stmt
	return stmt, nil
}

func (t *Tx) execute(query string, args []any) (sql.Result, error) {
	stmt, err := t.prepared(query) //nolint:sqlclosecheck // it is closed with its transaction
	switch {
	case err != nil:
		return nil, err
	case stmt != nil:
		return stmt.ExecContext(t.ctx, args...)
	default:
		return t.db.ExecContext(t.ctx, query, args...)
	}
}

func (t *Tx) query(query string, args []any) (*sql.Rows, error) {
	stmt, err := t.prepared(query) //nolint:sqlclosecheck // it is closed with its transaction
	switch {
	case err != nil:
		return nil, err
	case stmt != nil:
		return stmt.QueryContext(t.ctx, args...)
	default:
		return t.db.QueryContext(t.ctx, query, args...)
	}
}

// row reads one row. found is false when there is none.
func (t *Tx) row(dest []any, query string, args ...any) (found bool, err error) {
	stmt, err := t.prepared(query) //nolint:sqlclosecheck // it is closed with its transaction
	switch {
	case err != nil:
	case stmt != nil:
		err = stmt.QueryRowContext(t.ctx, args...).Scan(dest...)
	default:
		err = t.db.QueryRowContext(t.ctx, query, args...).Scan(dest...)
	}
	switch {
	case err == nil:
		return true, nil
	case isNoRows(err):
		return false, nil
	default:
		return false, t.store.cause("read", err)
	}
}

// rows calls each for every row. The connection is busy until it returns, so each must not use the transaction.
func (t *Tx) rows(each func(scan func(...any) error) error, query string, args ...any) error {
	found, err := t.query(query, args)
	if err != nil {
		return t.store.cause("read", err)
	}
	defer found.Close() //nolint:errcheck // its error is the one of Err below
	for found.Next() {
		if err := each(found.Scan); err != nil {
			return err
		}
	}
	if err := found.Err(); err != nil {
		return t.store.cause("read", err)
	}
	return nil
}

// doc reads the object in the column doc of one row.
func doc[T any](t *Tx, query string, args ...any) (value T, found bool, err error) {
	var text string
	found, err = t.row([]any{&text}, query, args...)
	if err != nil || !found {
		return value, false, err
	}
	return value, true, fromDoc(text, &value)
}

// docs reads the objects of every row of a query that selects the column doc.
func docs[T any](t *Tx, query string, args ...any) ([]T, error) {
	var all []T
	err := eachDoc(t, func(value T) error { all = append(all, value); return nil }, query, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// eachDoc is [docs] for more objects than should be in memory.
func eachDoc[T any](t *Tx, fn func(T) error, query string, args ...any) error {
	return t.rows(func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return t.store.cause("read", err)
		}
		var value T
		if err := fromDoc(text, &value); err != nil {
			return err
		}
		return fn(value)
	}, query, args...)
}

// column reads a query of one column.
func column[T any](t *Tx, query string, args ...any) ([]T, error) {
	var all []T
	err := t.rows(func(scan func(...any) error) error {
		var value T
		if err := scan(&value); err != nil {
			return t.store.cause("read", err)
		}
		all = append(all, value)
		return nil
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// maxArguments keeps one statement below SQLite's 32,766 parameters, PostgreSQL's 65,535, and a size that parses fast.
const maxArguments = 900

// insertMany runs "prefix (…),(…) suffix" in pieces. Every row has the same length.
func (t *Tx) insertMany(prefix string, rows [][]any, suffix string) error {
	for len(rows) > 0 {
		width := len(rows[0])
		n := min(len(rows), max(1, maxArguments/width))
		args := make([]any, 0, n*width)
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := t.exec(prefix+values(n, width)+suffix, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// values returns n groups of numbered placeholders: "($1,$2),($3,$4)".
func values(n, width int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(separator(i))
		b.WriteByte('(')
		for j := range width {
			b.WriteString(separator(j))
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i*width + j + 1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}
