// Package review is access reviews: who has to look at which memberships, what their answers on a ticket mean, and when a
// campaign is through.
//
// It is pure. A membership is only taken away on the word of somebody who owns its system, is active, and is not the one
// whose access it is; whatever cannot be understood decides nothing and is said.
package review

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Policy is how access is reviewed.
type Policy struct {
	Name     string // short and stable, such as "access-reviews"
	Policy   string // SOP@version
	Schedule agenda.Schedule
	Within   kpi.Target  // how long an owner may take, on the schedule's calendar
	Remind   kpi.Warning // zero: nobody is reminded
	Project  string      // in which the tickets are opened
	Type     string      // of the tickets
	Close    string      // the status of a review that is through
	// Risks and Systems limit what is reviewed; empty: everything.
	Risks   []catalog.Risk
	Systems []string // the catalog's IDs
	// Fallback answers where no owner may: owners who left, or who would have to answer for themselves.
	Fallback catalog.People
	// Keep is how long a membership that was adopted without a ticket is good for once it was certified.
	Keep     time.Duration
	Owner    string // the role that is asked when nobody can review
	Escalate string // the role that is told when a review is overdue; empty: Owner
}

// The suffixes of the facts of a review; see [Policy.Fact].
const (
	Opened   = "opened"   // its owner was asked
	Answered = "answered" // every membership was decided about
)

// Fact returns the name of a fact of the policy's reviews.
func (p Policy) Fact(suffix string) string { return p.Name + "." + suffix }

// Covers reports whether the system is reviewed.
func (p Policy) Covers(s catalog.System) bool {
	return (len(p.Risks) == 0 || slices.Contains(p.Risks, s.Risk)) && (len(p.Systems) == 0 || slices.Contains(p.Systems, s.ID))
}

// Decision is what was decided about a membership.
type Decision string

// The decisions. A membership that ended or was approved anew while it was reviewed needs no word of the owner.
const (
	Undecided Decision = ""
	Certified Decision = "certified"
	Revoked   Decision = "revoked"
	Gone      Decision = "gone"    // it had ended before anybody decided
	Renewed   Decision = "renewed" // a ticket approved since gave it anew
)

// Item is one membership of a review.
type Item struct {
	Number   int            `json:"number"` // from 1, as the owner names it
	System   string         `json:"system"` // the catalog's ID
	Group    access.GroupID `json:"group"`
	User     access.UserID  `json:"user"`
	Basis    string         `json:"basis"` // what speaks for it: a ticket's key, "adopted", or "none"
	Decision Decision       `json:"decision,omitempty"`
	Decided  time.Time      `json:"decided,omitzero"`
	By       access.UserID  `json:"by,omitempty"`
	Comment  string         `json:"comment,omitempty"` // ID of the comment that decided
	Removed  bool           `json:"removed,omitempty"` // a revoked one was seen to be gone
}

// Membership returns the membership that the item is about.
func (i Item) Membership() access.Membership { return access.Membership{Group: i.Group, User: i.User} }

// State is how far a review has come.
type State string

// The states of a review.
const (
	Open    State = "open"
	Through State = "through" // everything is decided and done
)

// Review is what one person has to look at in a campaign.
type Review struct {
	ID       string        `json:"id"`     // policy, period and reviewer
	Policy   string        `json:"policy"` // SOP@version
	Name     string        `json:"name"`   // of the policy
	Period   string        `json:"period"` // such as "2026-Q4"
	Reviewer access.UserID `json:"reviewer"`
	Opened   time.Time     `json:"opened"`
	Due      time.Time     `json:"due"`
	Ticket   ticket.Key    `json:"ticket,omitempty"` // empty until it is there
	State    State         `json:"state"`
	Items    []Item        `json:"items"`
	Read     []string      `json:"read,omitempty"` // IDs of the comments that were read
	// Altered are the comments that had decided something and were changed or deleted afterwards. What they decided stands.
	Altered []Alteration `json:"altered,omitempty"`
}

// Alteration is a change to a comment that had decided something.
type Alteration struct {
	Comment string    `json:"comment"` // its ID
	At      time.Time `json:"at"`      // when it was changed; of one that was deleted, when that was noticed
	// Deleted: it is not there any more.
	Deleted bool `json:"deleted,omitempty"`
}

// Heard reports whether the comment was read before, and whether it was read as it is now.
func (r Review) Heard(c ticket.Comment) (before, asItIs bool) {
	before = slices.Contains(r.Read, c.ID)
	return before, before && (c.Edited.IsZero() || slices.Contains(r.Read, version(c)))
}

// Listen notes that the comment was read as it is now.
func (r *Review) Listen(c ticket.Comment) {
	for _, id := range []string{c.ID, version(c)} {
		if !slices.Contains(r.Read, id) {
			r.Read = append(r.Read, id)
		}
	}
}

// version tells a text of a comment from its others.
func version(c ticket.Comment) string {
	if c.Edited.IsZero() {
		return c.ID
	}
	return c.ID + "@" + c.Edited.UTC().Format(time.RFC3339Nano)
}

// By returns the numbers that the comment decided.
func (r Review) By(comment string) []int {
	var all []int
	for _, i := range r.Items {
		if i.Comment == comment && comment != "" {
			all = append(all, i.Number)
		}
	}
	return all
}

// Missing notes the comments that had decided something and are not among all that the ticket has now, each once, and
// returns them.
func (r *Review) Missing(all []ticket.Comment, now time.Time) []Alteration {
	var gone []Alteration
	for _, i := range r.Items {
		there := slices.ContainsFunc(all, func(c ticket.Comment) bool { return c.ID == i.Comment })
		known := slices.ContainsFunc(r.Altered, func(a Alteration) bool { return a.Deleted && a.Comment == i.Comment })
		if i.Comment == "" || there || known {
			continue
		}
		a := Alteration{Comment: i.Comment, At: now.UTC(), Deleted: true}
		r.Altered, gone = append(r.Altered, a), append(gone, a)
	}
	return gone
}

// Membership is one membership to be reviewed, and what speaks for it.
type Membership struct {
	access.Membership
	Basis string // as in an [Item]
}

// Campaign is what a new campaign is made of.
type Campaign struct {
	Policy      Policy
	Occurrence  agenda.Occurrence
	Catalog     catalog.Catalog
	People      *people.Directory
	Memberships []Membership // of complete reads only
}

// Reviews deals the memberships out: each to the first owner of its system who is active and not the one whose access it
// is, or else to the first such person of the fallback. unassigned are those that nobody may review.
func (c Campaign) Reviews() (reviews []Review, unassigned []Membership) {
	byReviewer := make(map[access.UserID][]Item)
	for _, m := range c.Memberships {
		group, ours := c.Catalog.Group(m.Group)
		if !ours {
			continue
		}
		i := slices.IndexFunc(c.Catalog.Systems, func(s catalog.System) bool { return s.ID == group.System })
		if i < 0 || !c.Policy.Covers(c.Catalog.Systems[i]) {
			continue
		}
		reviewer, ok := c.reviewer(c.Catalog.Systems[i], m.User)
		if !ok {
			unassigned = append(unassigned, m)
			continue
		}
		byReviewer[reviewer] = append(byReviewer[reviewer], Item{System: group.System, Group: m.Group, User: m.User, Basis: m.Basis})
	}
	for reviewer, items := range byReviewer {
		slices.SortFunc(items, func(a, b Item) int {
			return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Group, b.Group), cmp.Compare(a.User, b.User))
		})
		for i := range items {
			items[i].Number = i + 1
		}
		reviews = append(reviews, Review{
			ID: c.Policy.Name + "@" + c.Occurrence.Period + "/" + string(reviewer), Policy: c.Policy.Policy, Name: c.Policy.Name,
			Period: c.Occurrence.Period, Reviewer: reviewer, Opened: c.Occurrence.Opens,
			Due: c.Policy.Within.Due(c.Policy.Schedule.Calendar, c.Occurrence.Opens).UTC(), State: Open, Items: items,
		})
	}
	slices.SortFunc(reviews, func(a, b Review) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(unassigned, func(a, b Membership) int { return a.Membership.Compare(b.Membership) })
	return reviews, unassigned
}

func (c Campaign) reviewer(s catalog.System, subject access.UserID) (access.UserID, bool) {
	for _, named := range []catalog.People{s.Owners, c.Policy.Fallback} {
		for _, id := range candidates(named, c.People) {
			if May(id, subject, named, c.People) {
				return id, true
			}
		}
	}
	return "", false
}

// candidates lists those who are named, in order, then the members of the groups.
func candidates(named catalog.People, d *people.Directory) []access.UserID {
	all := slices.Clone(named.Users)
	for _, g := range named.Groups {
		all = append(all, d.MembersOf(g)...)
	}
	return all
}

// May reports whether the person may decide about a subject's access: named, active, and somebody else.
func May(id, subject access.UserID, named catalog.People, d *people.Directory) bool {
	user, known := d.User(id)
	return known && user.Status == access.Active && id != subject && slices.Contains(candidates(named, d), id)
}

// Decided reports whether nothing is left to decide.
func (r Review) Decided() bool {
	return !slices.ContainsFunc(r.Items, func(i Item) bool { return i.Decision == Undecided })
}

// Done reports whether nothing is left to decide or to take away.
func (r Review) Done() bool {
	return r.Decided() && !slices.ContainsFunc(r.Items, func(i Item) bool { return i.Decision == Revoked && !i.Removed })
}

// Open lists the numbers that are not decided.
func (r Review) Open() []int {
	var open []int
	for _, i := range r.Items {
		if i.Decision == Undecided {
			open = append(open, i.Number)
		}
	}
	return open
}

// Names gives what people read in the place of identifiers.
type Names interface {
	// Person names a user.
	Person(id access.UserID) string
	// Group names a group.
	Group(id access.GroupID) string
}

// CSV lists the review for a spreadsheet, with the decisions there are. A text that a spreadsheet would compute is quoted
// by an apostrophe.
func (r Review) CSV(n Names) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"number", "system", "group", "person", "user", "basis", "decision", "decided", "by"}}
	for _, i := range r.Items {
		decided := ""
		if !i.Decided.IsZero() {
			decided = i.Decided.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{
			strconv.Itoa(i.Number), i.System, n.Group(i.Group), n.Person(i.User), string(i.User), i.Basis, string(i.Decision), decided, string(i.By),
		})
	}
	for _, row := range rows {
		for j := range row {
			if strings.ContainsAny(row[j][:min(1, len(row[j]))], "=+-@") {
				row[j] = "'" + row[j]
			}
		}
		_ = w.Write(row) // a strings.Builder takes everything
	}
	w.Flush()
	return b.String()
}

// Table lists the review in Jira's wiki markup.
func (r Review) Table(n Names) string {
	var b strings.Builder
	b.WriteString("||no.||system||group||person||basis||\n")
	for _, i := range r.Items {
		fmt.Fprintf(&b, "|%d|%s|%s|%s|%s|\n", i.Number, i.System, plain(n.Group(i.Group)), plain(n.Person(i.User)), i.Basis)
	}
	return b.String()
}

// plain keeps a name from ending its cell.
func plain(s string) string { return strings.NewReplacer("|", "/", "\n", " ").Replace(s) }

// Fact returns a fact about the review, as it is to be recorded.
func (r Review) Fact(name, suffix string, at, recorded time.Time) kpi.Fact {
	return kpi.Fact{ID: r.ID + "/" + suffix, Subject: r.ID, Name: name, At: at.UTC(), Recorded: recorded, Source: "review"}
}

// Last returns when the last decision was made.
func (r Review) Last() time.Time {
	last := r.Opened
	for _, i := range r.Items {
		if i.Decided.After(last) {
			last = i.Decided
		}
	}
	return last
}
