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

// Redact returns the original as JSON without what may name or describe a person: of texts and numbers only those stay that
// are listed as harmless (accounts, identifiers, statuses, times, the names of fields), in place of the others stands
// [Redacted]. Keys, truth values, nulls and the shape stay. What is not listed is not shown, so a field that a vendor adds
// is hidden until somebody has judged it.
//
// Errors: [access.ErrMalformed] for bytes that are no JSON value.
func Redact(kind Kind, text []byte) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("original is no JSON: %w", access.ErrMalformed)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("original is more than one JSON value: %w", access.ErrMalformed)
	}
	out, err := json.Marshal(redacted(value, nil, harmless(kind)))
	if err != nil {
		return nil, fmt.Errorf("redacted original has no JSON form: %w", access.ErrMalformed)
	}
	return out, nil
}

// redacted walks through a value. path holds the keys that lead to it, lists left out.
func redacted(value any, path []string, shown []pattern) any {
	if len(path) > maxDepth {
		return Redacted
	}
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = redacted(v[i], path, shown)
		}
		return v
	case map[string]any:
		item := harmlessItem(v)
		for key, each := range v {
			if item && itemTexts[key] {
				continue
			}
			v[key] = redacted(each, append(path[:len(path):len(path)], key), shown)
		}
		return v
	case string, json.Number:
		for _, p := range shown {
			if p.matches(path) {
				return value
			}
		}
		return Redacted
	default:
		return value
	}
}

// itemTexts are the values of an edit in a history.
var itemTexts = map[string]bool{"from": true, "fromString": true, "to": true, "toString": true}

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

// pattern is a path of keys; a star stands for any one key, and a leading double star for any number of them.
type pattern []string

func (p pattern) matches(path []string) bool {
	if len(p) > 0 && p[0] == "**" {
		p = p[1:]
		if len(path) < len(p) {
			return false
		}
		path = path[len(path)-len(p):]
	}
	if len(p) != len(path) {
		return false
	}
	for i, key := range p {
		if key != "*" && key != path[i] {
			return false
		}
	}
	return true
}

// harmless lists what is shown of a kind.
func harmless(kind Kind) []pattern {
	var paths string
	switch kind {
	case Issue:
		paths = issuePaths + prefixed("changelog.histories.", historyPaths)
	case History:
		paths = historyPaths
	case Approvals:
		paths = approvalPaths
	case Comment:
		paths = commentPaths
	case Event:
		paths = eventPaths
	case User:
		paths = userPaths
	}
	fields := strings.Fields(paths)
	all := make([]pattern, len(fields))
	for i, path := range fields {
		all[i] = strings.Split(path, ".")
	}
	return all
}

func prefixed(prefix, paths string) string {
	var b strings.Builder
	for path := range strings.FieldsSeq(paths) {
		if !strings.HasPrefix(path, "**") {
			b.WriteString(prefix)
		}
		b.WriteString(path + " ")
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
