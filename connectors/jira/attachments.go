package jira

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// MaxAttachment is the largest file, in bytes, that [Tickets.Attach] sends: Jira's own default limit.
//
// Source: Atlassian support, "Configuring file attachments": 10 MB by default on Data Center; Cloud takes more.
const MaxAttachment = 10 << 20

// Attachment is a file on a ticket.
type Attachment struct {
	ID      string // Jira's number, as text
	Name    string // of the file, not unique on a ticket
	Size    int64  // bytes
	Author  ticket.AccountID
	Created time.Time
}

type wireAttachment struct {
	ID       string    `json:"id"`
	Filename string    `json:"filename"`
	Size     int64     `json:"size"`
	Author   *wireUser `json:"author"`
	Created  wireTime  `json:"created"`
}

func (w wireAttachment) attachment() (Attachment, error) {
	if w.ID == "" || w.Filename == "" {
		return Attachment{}, malformed("attachment")
	}
	out := Attachment{ID: w.ID, Name: w.Filename, Size: w.Size, Created: w.Created.Time}
	if w.Author != nil {
		out.Author = w.Author.account()
	}
	return out, nil
}

// Attachments lists the files on a ticket, in Jira's order.
//
// Errors: [access.ErrNotFound], [access.ErrMalformed].
func (t *Tickets) Attachments(ctx context.Context, key ticket.Key) ([]Attachment, error) {
	out, err := t.readAttachments(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read attachments of %s: %w", key, err)
	}
	return out, nil
}

func (t *Tickets) readAttachments(ctx context.Context, key ticket.Key) ([]Attachment, error) {
	path, err := issuePath(key, "")
	if err != nil {
		return nil, err
	}
	var issue struct {
		Fields *struct {
			Attachment []wireAttachment `json:"attachment"`
		} `json:"fields"`
	}
	query := map[string][]string{"fields": {"attachment"}}
	if err := t.do(ctx, request{method: http.MethodGet, path: path, query: query}, &issue); err != nil {
		return nil, err
	}
	if issue.Fields == nil {
		return nil, malformed("issue without fields")
	}
	var out []Attachment
	for _, w := range issue.Fields.Attachment {
		a, err := w.attachment()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Attach puts a file on a ticket. It is sent once: after [access.ErrUnconfirmed] look for it with [Tickets.Attachments]
// before trying again; Jira keeps files of the same name side by side.
//
// Errors: [access.ErrUnconfirmed], [access.ErrDenied], [access.ErrInvalid] for a name with a path or a file over
// [MaxAttachment].
func (t *Tickets) Attach(ctx context.Context, key ticket.Key, name string, content io.Reader) error {
	if err := t.attach(ctx, key, name, content); err != nil {
		return fmt.Errorf("attach a file to %s: %w", key, err)
	}
	return nil
}

func (t *Tickets) attach(ctx context.Context, key ticket.Key, name string, content io.Reader) error {
	path, err := issuePath(key, "/attachments")
	if err != nil {
		return err
	}
	if name == "" || strings.ContainsAny(name, "/\\\r\n\x00") || strings.HasPrefix(name, ".") {
		return fmt.Errorf("file name must be plain: %w", access.ErrInvalid)
	}
	form, kind, err := multipartForm(name, content)
	if err != nil {
		return err
	}
	watched, seen := transport.Watch(ctx)
	req, err := t.sdk.NewMultiPartRequestWithContext(watched, http.MethodPost, path, form)
	if err != nil {
		return fmt.Errorf("request not built: %w", access.ErrInvalid)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Atlassian-Token", "no-check") // go-jira's "nocheck" is the form that Atlassian withdrew
	var made []wireAttachment
	return t.send(req, seen, http.MethodPost, &made)
}

// multipartForm writes the file as the form that Jira takes, and returns its content type.
func multipartForm(name string, content io.Reader) (*bytes.Buffer, string, error) {
	data, err := io.ReadAll(io.LimitReader(content, MaxAttachment+1))
	if err != nil {
		return nil, "", fmt.Errorf("file could not be read: %w", access.ErrInvalid)
	}
	if len(data) > MaxAttachment {
		return nil, "", fmt.Errorf("file is over %d bytes: %w", MaxAttachment, access.ErrInvalid)
	}
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return nil, "", fmt.Errorf("form could not be written: %w", access.ErrInvalid)
	}
	return &out, form.FormDataContentType(), nil
}
