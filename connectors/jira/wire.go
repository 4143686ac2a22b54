package jira

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// malformed is an answer that cannot be understood; what is a closed phrase.
func malformed(what string) error { return fmt.Errorf("%s: %w", what, access.ErrMalformed) }

// wireIssue is an issue with its fields still raw, so that one that cannot be read spoils nothing else.
type wireIssue struct {
	ID        string                     `json:"id"`
	Key       string                     `json:"key"`
	Fields    map[string]json.RawMessage `json:"fields"`
	Changelog *wireChangelog             `json:"changelog"`
}

type wireChangelog struct {
	Total     *int          `json:"total"`
	Histories []wireHistory `json:"histories"`
}

type wireHistory struct {
	ID      string     `json:"id"`
	Author  *wireUser  `json:"author"`
	Created wireTime   `json:"created"`
	Items   []wireItem `json:"items"`
}

type wireItem struct {
	Field      string `json:"field"`
	FieldID    string `json:"fieldId"`
	FieldType  string `json:"fieldtype"` // "jira" for its own fields, "custom"
	From       string `json:"from"`
	FromString string `json:"fromString"`
	To         string `json:"to"`
	ToString   string `json:"toString"`
}

type wireNamed struct {
	Name string `json:"name"`
}

type wireStatus struct {
	Name     string `json:"name"`
	Category struct {
		Key string `json:"key"`
	} `json:"statusCategory"`
}

// wireUser is a person as the platform and the service desk show them, on Cloud and on Data Center.
type wireUser struct {
	AccountID    string `json:"accountId"`
	Key          string `json:"key"`
	Name         string `json:"name"`
	DisplayName  string `json:"displayName"`
	EmailAddress string `json:"emailAddress"`
	Active       bool   `json:"active"`
}

// account is the account ID on Cloud, the user key on Data Center, and the name on versions that show no key.
func (u wireUser) account() ticket.AccountID {
	return ticket.AccountID(cmp.Or(u.AccountID, u.Key, u.Name))
}

func (u wireUser) person() (ticket.Person, error) {
	if u.account() == "" {
		return ticket.Person{}, malformed("person without an account")
	}
	return ticket.Person{Account: u.account(), Name: u.DisplayName, Email: u.EmailAddress, Active: u.Active}, nil
}

// wireTime is an instant. Jira writes it with a zone without a colon; bulk histories have milliseconds since 1970.
//
// Source: mattermost-plugin-jira, server/testdata; Jira Cloud platform REST API v3, changelog/bulkfetch.
type wireTime struct{ time.Time }

// UnmarshalJSON reads any of the forms that Jira writes. Null is the zero time.
func (t *wireTime) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	if ms, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		t.Time = time.UnixMilli(ms).UTC()
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return malformed("time")
	}
	parsed, err := parseTime(text)
	t.Time = parsed
	return err
}

func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, malformed("time")
}

// wireDate is an instant as the service desk API writes it.
type wireDate struct {
	ISO8601     string `json:"iso8601"`
	EpochMillis int64  `json:"epochMillis"`
}

// time returns the instant; zero for a date that is not there.
func (d *wireDate) time() (time.Time, error) {
	switch {
	case d == nil:
		return time.Time{}, nil
	case d.EpochMillis > 0:
		return time.UnixMilli(d.EpochMillis).UTC(), nil
	}
	return parseTime(d.ISO8601)
}

// text returns what stands in rich text: a string on version 2 paths, an Atlassian document on some sites even there.
func richText(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return "", nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var document node
	if err := json.Unmarshal(raw, &document); err != nil || document.Type != "doc" {
		return "", malformed("rich text")
	}
	return document.plain(0), nil
}

// node is a part of an Atlassian document.
type node struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Content []node `json:"content"`
	Attrs   struct {
		Text string `json:"text"` // of mentions and emoji
	} `json:"attrs"`
}

// maxDepth bounds the nesting of documents; editors make a few levels.
const maxDepth = 50

// plain returns the text, with a line break between blocks.
func (n node) plain(depth int) string {
	if n.Type == "hardBreak" {
		return "\n"
	}
	out := n.Text + n.Attrs.Text
	if depth > maxDepth {
		return out
	}
	for i, child := range n.Content {
		if i > 0 && child.block() {
			out += "\n"
		}
		out += child.plain(depth + 1)
	}
	return out
}

func (n node) block() bool {
	switch n.Type {
	case "text", "mention", "emoji", "hardBreak", "inlineCard", "date", "status":
		return false
	}
	return true
}
