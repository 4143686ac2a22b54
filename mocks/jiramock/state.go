package jiramock

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// requestTypeField is the custom field that holds the request type.
const requestTypeField = "customfield_10010"

// firstCustomField is the number of the first field that a story adds.
const firstCustomField = 10050

type rawJSON = json.RawMessage

type field struct {
	id      string
	name    string
	kind    FieldType
	options []string // empty: any text is an option
}

type requestType struct {
	RequestType
	id       string
	project  *project
	workflow *workflow
}

type issueType struct {
	id   string
	name string
}

type project struct {
	Project
	id           string
	desk         string // empty outside a service desk
	issueTypes   []issueType
	requestTypes []*requestType
	workflow     *workflow
	next         int
	denied       map[AccountID]map[string]bool
}

type workflow struct {
	Workflow
}

// edit is one history entry: what one person changed at one time.
type edit struct {
	id    int
	at    time.Time
	by    AccountID
	items []item
}

type item struct {
	field, fieldID, fieldType  string
	from, fromText, to, toText string
}

type comment struct {
	id      int
	at      time.Time
	updated time.Time
	by      AccountID
	editor  AccountID
	body    string
	public  bool
}

type attachment struct {
	id   int
	name string
	kind string
	at   time.Time
	by   AccountID
	data []byte
}

type approval struct {
	id        int
	step      ApprovalStep
	created   time.Time
	completed time.Time
	decision  string
	asked     []AccountID
	answers   map[AccountID]string
}

type remoteLink struct {
	id       int
	globalID string
	body     map[string]any
}

type issue struct {
	id          int
	key         Key
	project     *project
	kind        issueType
	request     *requestType // nil outside a service desk
	status      Status
	statusSince time.Time
	summary     string
	description string
	priority    string
	labels      []string
	reporter    AccountID
	creator     AccountID
	assignee    AccountID
	created     time.Time
	updated     time.Time
	resolved    time.Time
	values      map[string]any
	raw         map[string]rawJSON
	history     []edit
	comments    []*comment
	attachments []*attachment
	approvals   []*approval
	properties  map[string]rawJSON
	links       []*remoteLink
	related     []*issue // linked issues, each way
	deleted     bool
	writes      []time.Time
	indexed     []version
}

// version is the issue as search sees it from an instant on.
type version struct {
	from  time.Time
	issue *issue
}

func (i *issue) clone() *issue {
	c := *i
	c.labels = slices.Clone(i.labels)
	c.values = maps.Clone(i.values)
	c.raw = maps.Clone(i.raw)
	c.history = slices.Clone(i.history)
	c.comments = slices.Clone(i.comments)
	c.attachments = slices.Clone(i.attachments)
	c.indexed = nil
	return &c
}

func (i *issue) workflow() *workflow {
	if i.request != nil {
		return i.request.workflow
	}
	return i.project.workflow
}

func (w *workflow) status(name string) (Status, bool) {
	n := slices.IndexFunc(w.Statuses, func(s Status) bool { return s.Name == name })
	if n < 0 {
		return Status{}, false
	}
	return w.Statuses[n], true
}

// available lists the transitions out of a status. Those of an approval step are not among them: only a decision
// takes them.
func (w *workflow) available(status string) []Transition {
	var out []Transition
	for _, t := range w.Transitions {
		if t.To != status && (len(t.From) == 0 || slices.Contains(t.From, status)) {
			out = append(out, t)
		}
	}
	return out
}

// statusID is the same for a name wherever it occurs, as statuses are shared between workflows.
func (s *Server) statusID(name string) string {
	n := slices.Index(s.statuses, name)
	if n < 0 {
		s.statuses = append(s.statuses, name)
		n = len(s.statuses) - 1
	}
	return strconv.Itoa(10000 + n)
}

func (s *Server) mint() int {
	s.lastID++
	return s.lastID
}

func (s *Server) field(nameOrID string) *field {
	for _, f := range s.fields {
		if f.id == nameOrID || f.name == nameOrID {
			return f
		}
	}
	return nil
}

// find returns the issue by its key, a former key, or its number. Deleted issues are not found.
func (s *Server) find(keyOrID string) *issue {
	for _, i := range s.issues {
		if !i.deleted && (string(i.key) == keyOrID || strconv.Itoa(i.id) == keyOrID) {
			return i
		}
	}
	if i := s.formerKeys[Key(keyOrID)]; i != nil && !i.deleted {
		return i
	}
	return nil
}

func (s *Server) project(key string) *project {
	for _, p := range s.projects {
		if strings.EqualFold(p.Key, key) || p.id == key {
			return p
		}
	}
	return nil
}

func (p *project) requestType(nameOrID string) *requestType {
	for _, r := range p.requestTypes {
		if r.Name == nameOrID || r.id == nameOrID {
			return r
		}
	}
	return nil
}

func (p *project) issueType(nameOrID string) (issueType, bool) {
	for _, t := range p.issueTypes {
		if strings.EqualFold(t.name, nameOrID) || t.id == nameOrID {
			return t, true
		}
	}
	return issueType{}, false
}

// may reports whether the account has the permission in the project. Everyone with an account has every permission
// that was not denied.
func (p *project) may(account AccountID, permission string) bool {
	return account != "" && !p.denied[account][permission] && !p.denied[account]["BROWSE_PROJECTS"]
}

// touch makes the change at the instant visible to search, now or after the lag.
func (s *Server) touch(i *issue, at time.Time, lag time.Duration) {
	if at.After(i.updated) {
		i.updated = at
	}
	if s.config.IndexLag == 0 {
		return
	}
	i.indexed = append(i.indexed, version{from: at.Add(lag), issue: i.clone()})
	slices.SortStableFunc(i.indexed, func(a, b version) int { return a.from.Compare(b.from) })
}

// inIndex returns the issue as search sees it now, nil when search does not know it yet.
func (s *Server) inIndex(i *issue) *issue {
	if s.config.IndexLag == 0 {
		if i.deleted {
			return nil
		}
		return i
	}
	now := s.now()
	for n := len(i.indexed) - 1; n >= 0; n-- {
		if v := i.indexed[n]; !v.from.After(now) {
			i.indexed = i.indexed[n:]
			if v.issue.deleted {
				return nil
			}
			return v.issue
		}
	}
	return nil
}

// record adds a history entry in the order of time.
func (s *Server) record(i *issue, e edit) {
	e.id = s.mint()
	i.history = append(i.history, e)
	slices.SortStableFunc(i.history, func(a, b edit) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id))
	})
}

func (s *Server) name(account AccountID) string {
	if u := s.users[account]; u != nil {
		return u.Name
	}
	return ""
}

func unknown(what, name string) error { return fmt.Errorf("%w %s %q", ErrUnknown, what, name) }
func refused(why string) error        { return fmt.Errorf("%w: %s", ErrRefused, why) }
