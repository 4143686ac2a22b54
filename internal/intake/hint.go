package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Source is which vendor sent a delivery.
type Source string

// The sources. JSM Operations sends what Opsgenie sent, to the same endpoint.
const (
	Okta     Source = "okta"
	Jira     Source = "jira"
	Opsgenie Source = "opsgenie"
)

// Hint is what a delivery says where to look. Everything in it may be wrong, old or missing.
type Hint struct {
	Source Source
	// Kind is the vendor's word for what happened: an Okta event type, a Jira webhookEvent, an Opsgenie action.
	Kind string
	// Known tells that the kind is one that sopd looks after. Others are kept and counted, and wake nobody.
	Known    bool
	Ticket   ticket.Key       // empty when it names none
	TicketID ticket.ID        // empty when it names none
	Users    []access.UserID  // sorted
	Groups   []access.GroupID // sorted
	Alert    paging.AlertID   // empty when it names none
	Alias    paging.Alias     // empty when it names none
	Priority paging.Priority  // 0 when it names none
	At       time.Time        // when it happened; zero when it does not say
}

// Parse reads a delivery: one hint for each event in it.
//
// Errors: [access.ErrMalformed] for what is no JSON object, or an empty one. A kind that is not known is no error, and neither is one that is not
// named: whoever sent it has proven who they are, and what it meant is found by polling.
func Parse(source Source, body []byte) ([]Hint, error) {
	d, err := decode(source, body)
	return d.hints, err
}

// decoded is a delivery that was understood.
type decoded struct {
	id    string // the vendor's own key, empty when there is none
	hints []Hint
}

func decode(source Source, body []byte) (decoded, error) {
	switch source {
	case Okta:
		return decodeOkta(body)
	case Jira:
		return decodeJira(body)
	case Opsgenie:
		return decodeOpsgenie(body)
	default:
		return decoded{}, fmt.Errorf("webhook from an unknown source: %w", access.ErrInvalid)
	}
}

// byteOrderMark is put before texts by some proxies and by people's own senders, and is no JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

// object is a JSON object whose members are looked at one by one, so that one of an unexpected type hides no other.
type object map[string]json.RawMessage

func parseObject(text []byte) (object, error) {
	var o object
	if err := json.Unmarshal(bytes.TrimPrefix(text, byteOrderMark), &o); err != nil || len(o) == 0 {
		return nil, fmt.Errorf("webhook is no JSON object with anything in it: %w", access.ErrMalformed)
	}
	return o, nil
}

// sub returns the member as an object, empty when it is none.
func (o object) sub(name string) object {
	var member object
	if json.Unmarshal(o[name], &member) != nil {
		return nil
	}
	return member
}

// list returns the objects in the member, leaving out what is none.
func (o object) list(name string) []object {
	var members []json.RawMessage
	if json.Unmarshal(o[name], &members) != nil {
		return nil
	}
	var all []object
	for _, member := range members {
		var one object
		if json.Unmarshal(member, &one) == nil && one != nil {
			all = append(all, one)
		}
	}
	return all
}

// text returns the member when it is a string or a number, as text.
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(o[name], &n) == nil {
		return n.String()
	}
	return ""
}

// instant returns the member as a time. The vendors send milliseconds and nanoseconds since 1970, as numbers and as
// strings, and ISO 8601; which unit it is shows in the size, as all are about now. Zero when it is none of these.
//
// Source: docs.opsgenie.com/v1.0/docs/webhook-integration: createdAt is in ms, updatedAt and insertedAt in ns.
func (o object) instant(name string) time.Time {
	s := o.text(name)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return time.Time{}
		}
		return at.UTC()
	}
	switch {
	case n <= 0:
		return time.Time{}
	case n < 1e11: // seconds until the year 5138
		return time.Unix(n, 0).UTC()
	case n < 1e14: // milliseconds
		return time.UnixMilli(n).UTC()
	case n < 1e17: // microseconds
		return time.UnixMicro(n).UTC()
	default:
		return time.Unix(0, n).UTC()
	}
}

// priority returns the member as a priority: 2, "2" and "P2" are the same. 0 when it is none of these.
func (o object) priority(name string) paging.Priority {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(o.text(name)), "P"))
	if err != nil || n < 1 || n > 5 {
		return 0
	}
	return paging.Priority(n)
}

// decodeJira reads what Jira sends, and what people have its automation send: the issue alone, or its key under a name of
// their own. These name no event; whoever sends them wants the issue looked at.
//
// Source: developer.atlassian.com/cloud/jira/platform/webhooks; support.atlassian.com, automation action "Send web request".
func decodeJira(body []byte) (decoded, error) {
	o, err := parseObject(body)
	if err != nil {
		return decoded{}, err
	}
	issue, kind := o.sub("issue"), o.text("webhookEvent")
	hint := Hint{Source: Jira, Kind: kind, Known: jiraKnown(kind), At: o.instant("timestamp")}
	if key, err := ticket.ParseKey(firstText(issue.text("key"), o.text("issueKey"), o.text("issue_key"), o.text("key"))); err == nil {
		hint.Ticket = key
	}
	if id := firstText(issue.text("id"), o.text("issueId")); digits(id) {
		hint.TicketID = ticket.ID(id)
	}
	if kind == "" {
		hint.Kind = o.text("issue_event_type_name")
		hint.Known = hint.Ticket != ""
	}
	return decoded{hints: []Hint{hint}}, nil
}

func jiraKnown(kind string) bool {
	switch kind {
	case "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted",
		"issue_property_set", "issue_property_deleted":
		return true
	default:
		return false
	}
}

func digits(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}

func decodeOpsgenie(body []byte) (decoded, error) {
	o, err := parseObject(body)
	if err != nil {
		return decoded{}, err
	}
	action, alert := o.text("action"), o.sub("alert")
	id, named := alertIn(alert.text("alertId"), alert.text("id"), o.text("alertId"))
	if action == "" || !named { // of no alert, so of nothing that sopd looks after
		return decoded{hints: []Hint{{Source: Opsgenie, Kind: action, At: alert.instant("createdAt")}}}, nil
	}
	hint := Hint{Source: Opsgenie, Kind: action, Known: opsgenieKnown(action), Alert: id, Priority: alert.priority("priority")}
	if alias, err := paging.ParseAlias(alert.text("alias")); err == nil {
		hint.Alias = alias
	}
	d := decoded{}
	if updated := alert.text("updatedAt"); updated != "" {
		hint.At = alert.instant("updatedAt")
		d.id = digest(action, string(id), updated)
	}
	if hint.At.IsZero() {
		hint.At = alert.instant("createdAt")
	}
	d.hints = []Hint{hint}
	return d, nil
}

// alertIn returns the first of the texts that is not empty as an alert ID, when it is one.
func alertIn(texts ...string) (id paging.AlertID, ok bool) {
	id, err := paging.ParseAlertID(firstText(texts...))
	return id, err == nil
}

// firstText returns the first of the texts that is not empty.
func firstText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// opsgenieKnown reports whether the action is one of the vendor's own; the others are custom actions with free names.
func opsgenieKnown(action string) bool {
	switch action {
	case "Create", "Acknowledge", "UnAcknowledge", "AddNote", "AddTags", "RemoveTags", "AddDetails", "RemoveDetails",
		"AddRecipient", "AddTeam", "AddResponder", "AssignOwnership", "TakeOwnership", "Close", "Delete", "Escalate",
		"EscalateNext", "Snooze", "SnoozeEnded", "UpdatePriority", "UpdateMessage", "UpdateDescription":
		return true
	default:
		return false
	}
}

func sorted[S ~string](ids []S) []S {
	slices.Sort(ids)
	return slices.Compact(ids)
}
