// Package anchor signs checkpoints of the ledger on a timer and puts them where the machine of the ledger cannot take them
// back: whoever rewrites the ledger afterwards would have to rewrite these places too.
package anchor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Anchor is a place off the ledger.
type Anchor interface {
	// Name tells the place from others, such as "file" or "ticket SEC-1". It stands in the ledger and never changes.
	Name() string
	// Put makes the checkpoint durable in the place. Putting it twice does no harm.
	Put(ctx context.Context, c store.Checkpoint) error
}

// File appends signed notes to a file, best one on another machine's disk or on one that can only be appended to.
type File struct {
	// Path is the file. It is made when it is not there; its folder must be.
	Path string
}

// Name returns "file".
func (f File) Name() string { return "file" }

// Put appends the note and an empty line, and returns when the disk has it. A crash in between can leave a note twice or
// cut; the next one begins on a line of its own.
//
// Errors: [access.ErrUnavailable].
func (f File) Put(_ context.Context, c store.Checkpoint) error {
	_, err := os.Lstat(f.Path)
	fresh := os.IsNotExist(err)
	file, err := os.OpenFile(f.Path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o640) //nolint:gosec // the notes are public
	if err != nil {
		return fmt.Errorf("anchor file cannot be opened: %w", access.ErrUnavailable)
	}
	text, err := begin(file)
	if err == nil {
		_, err = file.Write(append(text, c.Note+"\n"...))
	}
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil && fresh {
		err = syncDir(filepath.Dir(f.Path))
	}
	if err != nil {
		return fmt.Errorf("anchor file cannot be written: %w", access.ErrUnavailable)
	}
	return nil
}

// begin returns the line ends that are missing after a note that was cut.
func begin(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	end := make([]byte, min(2, info.Size()))
	if _, err := file.ReadAt(end, info.Size()-int64(len(end))); err != nil {
		return nil, err
	}
	if bytes.Equal(end, []byte("\n\n")) {
		return nil, nil
	}
	return []byte("\n\n"), nil
}

// syncDir makes a new file's name durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if closed := dir.Close(); err == nil {
		err = closed
	}
	return err
}

// Log writes checkpoints to the log, which most organisations ship off the machine at once.
type Log struct {
	// Logger takes one line for each checkpoint, at level Info.
	Logger *slog.Logger
}

// Name returns "log".
func (l Log) Name() string { return "log" }

// Put writes the note. A log cannot say whether it was kept. The error is always nil.
func (l Log) Put(ctx context.Context, c store.Checkpoint) error {
	l.Logger.LogAttrs(ctx, slog.LevelInfo, "ledger checkpoint", slog.Int64("size", c.Size), slog.String("note", c.Note))
	return nil
}

// Commenter puts comments on tickets.
type Commenter interface {
	// Comment adds a comment.
	//
	// Errors: the causes of package access.
	Comment(ctx context.Context, key ticket.Key, c ticket.Comment) error
}

// Ticket comments on one ticket that is kept for that, where people without access to the machine see it.
type Ticket struct {
	// Key is the ticket.
	Key ticket.Key
	// Desk writes the comments.
	Desk Commenter
}

// Name returns "ticket" and the key.
func (t Ticket) Name() string { return "ticket " + string(t.Key) }

// Put adds a comment that holds the note. A comment whose answer was lost is made again: it does no harm.
//
// Errors: the causes of package access.
func (t Ticket) Put(ctx context.Context, c store.Checkpoint) error {
	body := fmt.Sprintf("Checkpoint of the ledger %s. Keep this comment: sopd's evidence is checked against it.\n\n{noformat}\n%s{noformat}", originOf(c), c.Note)
	if err := t.Desk.Comment(ctx, t.Key, ticket.Comment{Body: body}); err != nil {
		return fmt.Errorf("anchor comment on %s: %w", t.Key, err)
	}
	return nil
}

func originOf(c store.Checkpoint) string {
	parsed, err := ledger.ParseCheckpoint(c.Note)
	if err != nil {
		return ""
	}
	return parsed.Origin
}
