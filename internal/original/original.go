// Package original is about objects as a vendor sent them, byte by byte: what a decision rested on, before sopd understood it.
//
// The store keeps the bytes, the ledger their SHA-256. Whoever has the bytes can prove with the ledger alone that they are
// what sopd had read when it decided; an export shows them redacted unless it was asked for them whole.
package original

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Kind is what an original is, and of which vendor.
type Kind string

// The kinds.
const (
	Issue     Kind = "jira.issue"     // an issue, as Jira's search or the issue itself showed it
	History   Kind = "jira.history"   // the histories of an issue, where Jira sent them apart: see [Join]
	Approvals Kind = "jira.approvals" // the approvals of a request: see [Join]
	Comment   Kind = "jira.comment"   // a comment that decides something, such as an owner's in an access review
	Event     Kind = "okta.event"     // an event of the System Log
	User      Kind = "okta.user"      // a user, read by ID
)

// Kinds returns every kind.
func Kinds() []Kind { return []Kind{Issue, History, Approvals, Comment, Event, User} }

// Ref names an original. It stands in the ledger.
type Ref struct {
	ID     string    `json:"id"`   // ticket key, of its comments too; event ID, or user ID
	Kind   Kind      `json:"kind"` // see the constants
	ReadAt time.Time `json:"readAt"`
	SHA256 string    `json:"sha256"` // of the bytes, in hex
}

// Body is the body of the ledger record original.kept: the originals that the records beside it rest on.
type Body struct {
	Originals []Ref `json:"originals"`
}

// Sum returns the SHA-256 of the bytes, in hex.
func Sum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Join puts elements of a list that a vendor sent, perhaps over several pages, into one JSON array: every element as it
// was sent, with brackets around and commas between them.
func Join(elements [][]byte) []byte {
	return bytes.Join([][]byte{[]byte("["), bytes.Join(elements, []byte(",")), []byte("]")}, nil)
}
