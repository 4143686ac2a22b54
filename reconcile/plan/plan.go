// Package plan computes, from a complete observation, which memberships have to change and why.
//
// It is pure: it takes the time as data, sorts what it returns and leaves its inputs alone. Whether the plan may be
// carried out is decided by [Clear]; nothing else can make a [Cleared] plan.
package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Observation is everything that a plan rests on. Groups must be complete reads; a group that could not be read
// completely is left out, and nothing is planned for it.
type Observation struct {
	Now     time.Time
	Catalog catalog.Catalog
	Groups  []GroupState                  // of the catalog, in any order
	Users   map[access.UserID]access.User // everybody whom anything below names
	// Grants are those that have not ended, those just proven included.
	Grants   []change.Grant
	Baseline map[access.Membership]bool // adopted without a ticket
	Leavers  []Leaver
	Revoked  []Revocation
	// RoleChanges are in effect.
	RoleChanges []RoleChange
	// Elsewhere tells of memberships in groups that are not among Groups whether they stand: what role changes look at.
	Elsewhere map[access.Membership]bool
	// Arriving are users who are to get something by their new profile in groups that are not among Groups.
	Arriving map[access.UserID]bool
	Actions  []Action
	// Pending are changes that are not settled: their memberships are left alone until they are.
	Pending   []change.Change
	Protected []access.UserID // and sopd's own account
	Policies  Policies
}

// Policies names the SOP and version that each kind of change is done under.
type Policies struct {
	Provisioning   string // SOP@version
	Deprovisioning string // SOP@version
	// LeaverMode is how far sopd may go with what is about a whole user: sessions and suspension.
	LeaverMode catalog.Mode
	// SuspendLeavers: an offboarded user is also suspended.
	SuspendLeavers bool
	// DeactivateLeavers: an offboarded user is also deactivated, after everything else.
	DeactivateLeavers bool
}

// GroupState is one managed group as it was completely read.
type GroupState struct {
	Group   access.Group
	Members []access.UserID // sorted
	// RuleFed: an active Okta rule feeds the group, so its members are not ours.
	RuleFed bool
}

// Leaver is the positive evidence that all managed access of a user has to go.
type Leaver struct {
	User   access.UserID
	Reason change.Reason // Offboarding or Deprovisioned
	Ticket ticket.Key    // empty for Deprovisioned
	// Since is when the access should have ended.
	Since time.Time
	// SignedOut: the sessions have been ended under this evidence already.
	SignedOut bool
}

// Revocation is the positive evidence that one membership has to go.
type Revocation struct {
	User   access.UserID
	Group  access.GroupID
	Reason change.Reason
	Ticket ticket.Key
	// Since is when it took effect; what was approved later stands.
	Since time.Time
	// Policy is the SOP@version of the procedure; empty: that of de-provisioning.
	Policy string
	// Undoes is the change that an Undo takes back.
	Undoes change.ID
	// Urgent: it waits for nothing else.
	Urgent bool
}

// RoleChange is the positive evidence that somebody leaves the old groups for the new ones. The grants for the new ones are
// among [Observation.Grants], with the same ticket.
type RoleChange struct {
	User   access.UserID
	Ticket ticket.Key
	Policy string // SOP@version
	// Since is when it took effect; what was approved later stands.
	Since time.Time
	New   []access.GroupID
	Old   []access.GroupID // none of New
	// ForbidOverlap: nobody may be in old and new groups at once, so the old go first. Otherwise the old go when the new
	// are there.
	ForbidOverlap bool
}

// Action is the positive evidence that something about a whole user has to be done once, such as a step of an incident's
// playbook. What is under way or done already is not given again.
type Action struct {
	Kind   change.Kind // one that is about a user: [change.ClearSessions] or [change.Suspend]
	User   access.UserID
	Reason change.Reason
	Ticket ticket.Key
	Policy string       // SOP@version
	Mode   catalog.Mode // how far sopd may go with it
}

// Plan is what has to change. All lists are sorted.
type Plan struct {
	// Changes are to be written: what is urgent first, then additions, then removals, then what is about whole users. They
	// have no ID and no state yet.
	Changes []change.Change
	// Proposed are changes in systems that are only observed.
	Proposed []change.Change
	// Ended are grants that end without a write: nobody is in the group, or another grant keeps them there.
	Ended []GrantEnd
	// Satisfied are live grants whose membership is there already.
	Satisfied []change.GrantID
	// Drift lists members without a grant, a baseline or a rule.
	Drift []access.Membership
	// Skipped lists what sopd may not or cannot do, with the reason.
	Skipped []Skipped
	// Counts is how many memberships stand in each state.
	Counts Counts
}

// Counts is the number of memberships of managed groups by state.
type Counts struct {
	Granted  int // a grant speaks for them
	Baseline int // adopted
	Drift    int // nothing speaks for them
	Foreign  int // a rule's, an application's or Okta's own
}

// GrantEnd ends a grant.
type GrantEnd struct {
	Grant  change.GrantID
	Reason change.Reason
	Ticket ticket.Key
}

// Skipped is a change that was due and is not made.
type Skipped struct {
	Change change.Change
	Why    string // for people
}

// Empty reports whether the plan has nothing to write.
func (p Plan) Empty() bool { return len(p.Changes) == 0 }

// Hash returns the SHA-256, in hex, of what the plan would write and on whose authority. Two plans with the same changes
// have the same hash, whenever they were made and in whatever order they hold them.
func (p Plan) Hash() string {
	if slices.IsSortedFunc(p.Changes, compareChanges) {
		return hash(p.Changes)
	}
	return hash(slices.SortedFunc(slices.Values(p.Changes), compareChanges))
}

func hash(changes []change.Change) string {
	type line struct {
		Kind, Reason, User, Group, Ticket, Grant, Policy string
		Undoes                                           string `json:",omitempty"`
		Urgent                                           bool   `json:",omitempty"`
	}
	lines := make([]line, len(changes))
	for i, c := range changes {
		lines[i] = line{
			string(c.Kind), string(c.Reason), string(c.User), string(c.Group), string(c.Ticket), string(c.Grant), c.Policy,
			string(c.Undoes), c.Urgent,
		}
	}
	// A slice of structs of strings always marshals.
	text, err := json.Marshal(lines)
	if err != nil {
		panic(fmt.Sprintf("plan: marshal of changes: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Split parts the changes in three, in the order in which they are cleared: additions; what takes access away on positive
// evidence; the removal of drift. A drift clean-up that a guard stops must not keep a leaver's access alive, and a mass
// departure that waits for a person must not keep anybody's new access waiting.
func (p Plan) Split() (additions, positive, drift Plan) {
	for _, c := range p.Changes {
		switch {
		case c.Kind == change.AddMember:
			additions.Changes = append(additions.Changes, c)
		case c.Reason == change.Drift:
			drift.Changes = append(drift.Changes, c)
		default:
			positive.Changes = append(positive.Changes, c)
		}
	}
	return additions, positive, drift
}

// Join returns one plan of several that were built apart, each for other groups. What is about a whole user is planned with
// every group that the user has to leave, and counts once.
func Join(parts ...Plan) Plan {
	var p Plan
	for _, part := range parts {
		p.Changes = append(p.Changes, part.Changes...)
		p.Proposed = append(p.Proposed, part.Proposed...)
		p.Ended = append(p.Ended, part.Ended...)
		p.Satisfied = append(p.Satisfied, part.Satisfied...)
		p.Drift = append(p.Drift, part.Drift...)
		p.Skipped = append(p.Skipped, part.Skipped...)
		p.Counts.Granted += part.Counts.Granted
		p.Counts.Baseline += part.Counts.Baseline
		p.Counts.Drift += part.Counts.Drift
		p.Counts.Foreign += part.Counts.Foreign
	}
	p.sort()
	slices.Sort(p.Satisfied)
	same := func(a, b change.Change) bool { return a.Group == "" && compareChanges(a, b) == 0 }
	p.Changes = slices.CompactFunc(p.Changes, same)
	p.Proposed = slices.CompactFunc(p.Proposed, same)
	p.Skipped = slices.CompactFunc(p.Skipped, func(a, b Skipped) bool { return same(a.Change, b.Change) && a.Why == b.Why })
	return p
}

// Withhold returns the plan without the changes for the reason; they are reported as skipped, and why.
func (p Plan) Withhold(reason change.Reason, why string) Plan {
	return p.WithholdFunc(func(c change.Change) string {
		if c.Reason != reason {
			return ""
		}
		return why
	})
}

// WithholdFunc returns the plan without the changes for which why gives a reason; they are reported as skipped with it.
func (p Plan) WithholdFunc(why func(change.Change) string) Plan {
	kept := p
	kept.Changes, kept.Skipped = nil, slices.Clone(p.Skipped)
	for _, c := range p.Changes {
		if reason := why(c); reason != "" {
			kept.Skipped = append(kept.Skipped, Skipped{Change: c, Why: reason})
			continue
		}
		kept.Changes = append(kept.Changes, c)
	}
	kept.sort()
	return kept
}

// Parts returns the plan in the parts in which it is cleared and made, the first one first: what is urgent, of that the
// removals before the emergencies, then the three of [Plan.Split]. A part that is held keeps none of the others waiting.
func (p Plan) Parts() []Plan {
	var urgent, emergency, rest Plan
	for _, c := range p.Changes {
		switch {
		case !c.Urgent:
			rest.Changes = append(rest.Changes, c)
		case c.Kind == change.AddMember:
			emergency.Changes = append(emergency.Changes, c)
		default:
			urgent.Changes = append(urgent.Changes, c)
		}
	}
	additions, positive, drift := rest.Split()
	return []Plan{urgent, emergency, additions, positive, drift}
}

var order = map[change.Kind]int{change.AddMember: 0, change.RemoveMember: 1, change.Suspend: 2, change.ClearSessions: 3, change.Deactivate: 4}

// rank is the place of a change in the order in which it is made.
func rank(c change.Change) int {
	switch {
	case c.Urgent && c.Kind == change.RemoveMember:
		return -2
	case c.Urgent:
		return -1
	default:
		return order[c.Kind]
	}
}

func compareChanges(a, b change.Change) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		cmp.Compare(a.Group, b.Group),
		cmp.Compare(a.User, b.User),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Ticket, b.Ticket),
		cmp.Compare(a.Grant, b.Grant),
		cmp.Compare(a.Policy, b.Policy),
		cmp.Compare(a.Undoes, b.Undoes),
	)
}

func (p *Plan) sort() {
	slices.SortFunc(p.Changes, compareChanges)
	slices.SortFunc(p.Proposed, compareChanges)
	slices.SortFunc(p.Skipped, func(a, b Skipped) int { return compareChanges(a.Change, b.Change) })
	slices.SortFunc(p.Ended, func(a, b GrantEnd) int { return cmp.Compare(a.Grant, b.Grant) })
	slices.SortFunc(p.Drift, access.Membership.Compare)
}
