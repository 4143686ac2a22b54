package original

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
)

// Redacted stands in the place of a text or number that a redacted original does not show.
const Redacted = "[redacted]"

// maxDepth bounds the nesting of an original; vendors nest a dozen levels.
const maxDepth = 100

// Redactor redacts originals. Make it with [NewRedactor]; it is safe for concurrent use.
type Redactor struct{ kinds map[Kind]harmless }

// NewRedactor returns a redactor of every kind.
func NewRedactor() *Redactor {
	r := &Redactor{kinds: make(map[Kind]harmless)}
	for _, kind := range Kinds() {
		r.kinds[kind] = compile(paths(kind))
	}
	return r
}

// Redact returns the original as JSON without what may name or describe a person: of texts and numbers only those stay that
// are listed as harmless (accounts, identifiers, statuses, times, the names of fields), in place of the others stands
// [Redacted]. Keys, truth values, nulls and the shape stay. What is not listed is not shown, so a field that a vendor adds
// is hidden until somebody has judged it.
//
// Errors: [access.ErrMalformed] for bytes that are no JSON value.
func (r *Redactor) Redact(kind Kind, text []byte) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("original is no JSON: %w", access.ErrMalformed)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("original is more than one JSON value: %w", access.ErrMalformed)
	}
	shown, known := r.kinds[kind]
	if !known {
		shown = compile("") // of a kind that nobody knows, nothing
	}
	w := walk{everywhere: shown.everywhere}
	out, err := json.Marshal(w.redacted(value, []*step{shown.first}, false))
	if err != nil {
		return nil, fmt.Errorf("redacted original has no JSON form: %w", access.ErrMalformed)
	}
	return out, nil
}

// walk is a way through one original.
type walk struct {
	everywhere map[string]bool
	depth      int
}

// redacted returns a value as it is shown. at are the steps of harmless paths that have led here; shown says that one ends here.
func (w walk) redacted(value any, at []*step, shown bool) any {
	if w.depth++; w.depth > maxDepth {
		return Redacted
	}
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = w.redacted(v[i], at, shown)
		}
		return v
	case map[string]any:
		item := harmlessItem(v)
		for key, each := range v {
			if item && itemTexts(key) {
				continue
			}
			next, ends := follow(at, key)
			v[key] = w.redacted(each, next, ends || w.everywhere[key])
		}
		return v
	case string, json.Number:
		if !shown {
			return Redacted
		}
		return value
	default:
		return value
	}
}

// step is a place on harmless paths.
type step struct {
	keys map[string]*step
	any  *step // whatever the key
	ends bool  // a path ends here: what stands here is shown
}

func follow(at []*step, key string) (next []*step, ends bool) {
	for _, s := range at {
		for _, to := range []*step{s.keys[key], s.any} {
			if to != nil {
				next = append(next, to)
				ends = ends || to.ends
			}
		}
	}
	return next, ends
}

// harmless is what is shown of a kind.
type harmless struct {
	first      *step
	everywhere map[string]bool // keys whose texts are shown wherever they stand
}

// compile reads paths, separated by spaces: keys with dots between them, a star for any one key, and two stars at the
// beginning for any number of keys before a single one.
func compile(paths string) harmless {
	h := harmless{first: &step{}, everywhere: make(map[string]bool)}
	for path := range strings.FieldsSeq(paths) {
		if key, found := strings.CutPrefix(path, "**."); found {
			h.everywhere[key] = true
			continue
		}
		at := h.first
		for key := range strings.SplitSeq(path, ".") {
			at = at.to(key)
		}
		at.ends = true
	}
	return h
}

// to returns the step behind a key, making it where there is none.
func (s *step) to(key string) *step {
	if key == "*" {
		if s.any == nil {
			s.any = &step{}
		}
		return s.any
	}
	if s.keys == nil {
		s.keys = make(map[string]*step)
	}
	if s.keys[key] == nil {
		s.keys[key] = &step{}
	}
	return s.keys[key]
}

// itemTexts reports whether the key holds a value of an edit in a history.
func itemTexts(key string) bool {
	return key == "from" || key == "fromString" || key == "to" || key == "toString"
}

// harmlessItem reports whether an edit is of a field whose values are words of the site's configuration.
//
// Source: Jira Cloud platform REST API v3, schema ChangeDetails.
func harmlessItem(v map[string]any) bool {
	if field, ok := v["fieldId"].(string); ok && field != "" {
		return field == "status" || field == "resolution" || field == "priority" || field == "issuetype"
	}
	field, _ := v["field"].(string)
	return field == "status" && v["fieldtype"] == "jira"
}

// paths lists what is shown of a kind.
func paths(kind Kind) string {
	switch kind {
	case Issue:
		return issuePaths + prefixed("changelog.histories.", historyPaths)
	case History:
		return historyPaths
	case Approvals:
		return approvalPaths
	case Comment:
		return commentPaths
	case Event:
		return eventPaths
	case User:
		return userPaths
	default:
		return ""
	}
}

func prefixed(prefix, paths string) string {
	var b strings.Builder
	for path := range strings.FieldsSeq(paths) {
		b.WriteString(prefix + path + " ")
	}
	return b.String()
}

// What is shown. A person is their account; on Data Center, where there is none, their user key.
//
// Source: Jira Cloud platform REST API v3, schemas IssueBean, Changelog, Comment; Jira Service Management Cloud REST API, schema
// ApprovalDTO; Okta Management API 2026.06, schemas LogEvent, User.
const (
	issuePaths = `id key **.accountId **.accountType
		fields.issuetype.id fields.issuetype.name fields.project.id fields.project.key fields.status.id fields.status.name
		fields.status.statusCategory.id fields.status.statusCategory.key fields.priority.id fields.priority.name
		fields.resolution.id fields.resolution.name fields.created fields.updated fields.resolutiondate
		fields.reporter.key fields.assignee.key fields.creator.key fields.*.requestType.id fields.*.requestType.name
		fields.issuelinks.id fields.issuelinks.type.name fields.issuelinks.inwardIssue.key fields.issuelinks.outwardIssue.key
		fields.attachment.id fields.attachment.created fields.attachment.size
		changelog.startAt changelog.maxResults changelog.total `
	historyPaths = `id created author.accountId author.key items.field items.fieldId items.fieldtype `
	// The name of an approval is a step's of the workflow.
	approvalPaths = `id name finalDecision createdDate.iso8601 createdDate.epochMillis completedDate.iso8601 completedDate.epochMillis
		approvers.approver.accountId approvers.approver.key approvers.approverDecision`
	commentPaths = `id created updated author.accountId author.key updateAuthor.accountId updateAuthor.key jsdPublic`
	eventPaths   = `uuid eventType published severity version legacyEventType displayMessage outcome.result
		actor.id actor.type target.id target.type transaction.id transaction.type`
	userPaths = `id status created activated statusChanged lastLogin lastUpdated passwordChanged transitioningToStatus type.id`
)
