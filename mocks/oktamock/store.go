package oktamock

import (
	"container/heap"
	"maps"
	"slices"
	"strings"
	"time"
)

// set is a sorted set of sequence numbers: small, and a page of it is found by bisection.
type set []int32

func (l *set) add(n int32) bool {
	i, found := slices.BinarySearch(*l, n)
	if !found {
		*l = slices.Insert(*l, i, n)
	}
	return !found
}

func (l *set) remove(n int32) bool {
	i, found := slices.BinarySearch(*l, n)
	if found {
		*l = slices.Delete(*l, i, i+1)
	}
	return found
}

func (l set) has(n int32) bool {
	_, found := slices.BinarySearch(l, n)
	return found
}

// user is a user as it is and as lists show it.
type user struct {
	seq    int32
	truth  *userRecord
	seen   *userRecord // nil before lists know the user
	groups set         // as it is
	listed set         // as GET /users/{id}/groups shows it
	roles  []string
	gone   bool
}

// userRecord is one version of a user. It is never changed after it was stored.
type userRecord struct {
	id, status, transitioning                  string
	created, activated, statusChanged, updated time.Time
	passwordChanged, lastLogin                 time.Time
	login, email, firstName, lastName          string
	profile                                    map[string]any // further attributes
}

func (r *userRecord) name() string { return strings.TrimSpace(r.firstName + " " + r.lastName) }

type userStore struct {
	byID    map[string]*user
	byLogin map[string]*user // lower case
	all     []*user          // by sequence number
}

// find returns the user with an ID or login, nil when there is none.
func (st *userStore) find(key string) *user {
	if u := st.byID[key]; u != nil && !u.gone {
		return u
	}
	if u := st.byLogin[strings.ToLower(key)]; u != nil && !u.gone {
		return u
	}
	return nil
}

// group is a group as it is and as lists show it.
type group struct {
	seq     int32
	truth   *groupRecord
	seen    *groupRecord // nil before lists know the group
	members set
	listed  set // as GET /groups/{id}/users shows it
	gone    bool
}

// groupRecord is one version of a group. It is never changed after it was stored.
type groupRecord struct {
	id, name, description, kind, source string
	created, updated, membersUpdated    time.Time
}

type membership struct{ group, user int32 }

type groupStore struct {
	byID  map[string]*group
	all   []*group
	ruled map[membership]*rule // memberships that a rule made
}

func (st *groupStore) find(id string) *group {
	if g := st.byID[id]; g != nil && !g.gone {
		return g
	}
	return nil
}

// change stores a new version of u, made from the old one, and lets lists see it after the lag.
func (s *Server) change(u *user, edit func(*userRecord)) {
	next := *u.truth
	next.profile = maps.Clone(u.truth.profile)
	edit(&next)
	u.truth = &next
	s.later(s.config.Lag, func() { u.seen = &next })
}

// regroup stores a new version of g, made from the old one, and lets lists see it after the lag.
func (s *Server) regroup(g *group, edit func(*groupRecord)) {
	next := *g.truth
	edit(&next)
	g.truth = &next
	s.later(s.config.Lag, func() { g.seen = &next })
}

// schedule is what will happen at a later time, soonest first; what is due at the same time happens in the order asked for.
type schedule struct {
	tasks []task
	count int
}

type task struct {
	at  time.Time
	n   int
	run func()
}

// Len implements [heap.Interface].
func (d *schedule) Len() int { return len(d.tasks) }

// Less implements [heap.Interface].
func (d *schedule) Less(i, j int) bool {
	if c := d.tasks[i].at.Compare(d.tasks[j].at); c != 0 {
		return c < 0
	}
	return d.tasks[i].n < d.tasks[j].n
}

// Swap implements [heap.Interface].
func (d *schedule) Swap(i, j int) { d.tasks[i], d.tasks[j] = d.tasks[j], d.tasks[i] }

// Push implements [heap.Interface].
func (d *schedule) Push(x any) { d.tasks = append(d.tasks, x.(task)) }

// Pop implements [heap.Interface].
func (d *schedule) Pop() any {
	last := d.tasks[len(d.tasks)-1]
	d.tasks = d.tasks[:len(d.tasks)-1]
	return last
}

// later runs f after the delay, at once when there is none. The caller holds the lock.
func (s *Server) later(delay time.Duration, f func()) {
	if delay <= 0 {
		f()
		return
	}
	s.due.count++
	heap.Push(&s.due, task{at: s.now().Add(delay), n: s.due.count, run: f})
}

// settle runs what has become due. The caller holds the lock. It is called at the start of every request and script call:
// the org has no life of its own between them.
func (s *Server) settle() {
	now := s.now()
	for s.due.Len() > 0 && !s.due.tasks[0].at.After(now) {
		heap.Pop(&s.due).(task).run()
	}
}

// seconds cuts t to whole seconds. Okta's users and groups are stamped so, with ".000Z".
//
// Source: recorded answers, terraform-provider-okta and okta-sdk-python cassettes.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// mint returns the next identifier with a prefix, in the shape of Okta's: twenty letters and digits, growing.
func (s *Server) mint(prefix string) string {
	s.sequence[prefix]++
	n := s.sequence[prefix]
	digits := [8]byte{}
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i], n = base62[n%62], n/62
	}
	return prefix + "mock0" + string(digits[:]) + "5d70"[:20-len(prefix)-13]
}
