package authority

import (
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
)

// Deputy is somebody who may answer in another's place.
type Deputy struct {
	For    access.UserID  // who may give the approval in their own right
	People catalog.People // who may answer for them
	// From and Until bound the time in which they may, half-open. Both zero: only while For is absent.
	From, Until time.Time
}

// Substitute is who answers when everybody who may give an approval is absent.
type Substitute struct {
	Role   string // as the policy calls them, such as "security-operations"
	People catalog.People
}

// Groups returns the groups whose members may give the approval, in whosever place.
func (a Approval) Groups() []access.GroupID {
	groups := slices.Concat(a.People.Groups, a.Absent.People.Groups)
	for _, d := range a.Deputies {
		groups = append(groups, d.People.Groups...)
	}
	return groups
}

// entitlement is why somebody may give an approval.
type entitlement struct {
	why    string
	behalf []access.UserID
}

// candidate is somebody who may have given an approval.
type candidate struct {
	id     access.UserID
	system catalog.System
	rule   Approval
	consent
}

// eligible says why the candidate could give the approval all the time in which the consent may have been given: in their own
// right, as the deputy of somebody, or because everybody else was absent. Nobody acts for the requester or the
// beneficiary: that would be their own word again.
func (j *judge) eligible(c candidate) (entitlement, bool) {
	if why, ok := j.inOwnRight(c); ok {
		return entitlement{why: why}, true
	}
	for _, d := range c.rule.Deputies {
		if e, ok := j.asDeputy(c, d); ok {
			return e, true
		}
	}
	return j.asSubstitute(c)
}

func (j *judge) inOwnRight(c candidate) (string, bool) {
	if c.rule.Owners {
		if why, ok := j.among(c, c.system.Owners); ok {
			return "owner of " + c.system.ID + " " + why, true
		}
	}
	return j.among(c, c.rule.People)
}

// among says how the candidate was one of the named people.
func (j *judge) among(c candidate, named catalog.People) (why string, ok bool) {
	if slices.Contains(named.Users, c.id) {
		return "by name", true
	}
	for _, group := range named.Groups {
		m := access.Membership{Group: group, User: c.id}
		if j.world.People.MemberThroughout(m, c.from, c.at) && (!c.rule.StillEligible || j.world.People.Member(m)) {
			return "as member of " + string(group), true
		}
	}
	return "", false
}

// eligibleNow reports whether the candidate may give such approvals today, be it that they might not then.
func (j *judge) eligibleNow(c candidate) bool {
	c.from, c.at = j.world.Now, j.world.Now
	_, ok := j.inOwnRight(c)
	return ok
}

func (j *judge) asDeputy(c candidate, d Deputy) (entitlement, bool) {
	if j.concerned(d.For) {
		return entitlement{}, false
	}
	if !d.inTerm(c.from, c.at) || d.open() && !j.absent(d.For, c.from) {
		return entitlement{}, false
	}
	if _, ok := j.among(c, d.People); !ok {
		return entitlement{}, false
	}
	c.id = d.For
	right, ok := j.inOwnRight(c)
	if !ok {
		return entitlement{}, false
	}
	why := fmt.Sprintf("deputy of %s (%s) by %s %s", d.For, right, j.rules.Policy, d.term())
	return entitlement{why: why, behalf: []access.UserID{d.For}}, true
}

// open reports whether the deputy's term is no time but somebody's absence.
func (d Deputy) open() bool { return d.From.IsZero() && d.Until.IsZero() }

func (d Deputy) inTerm(from, to time.Time) bool {
	return !from.Before(d.From) && (d.Until.IsZero() || to.Before(d.Until))
}

// term says in words for how long.
func (d Deputy) term() string {
	switch {
	case d.open():
		return "while they are absent"
	case d.Until.IsZero():
		return "from " + d.From.UTC().Format(time.DateOnly)
	default:
		return "until " + d.Until.UTC().Add(-1).Format(time.DateOnly) // the last day is included
	}
}

func (j *judge) concerned(id access.UserID) bool {
	return id == j.request.Requester.ID || id == j.request.Beneficiary.ID
}

// asSubstitute lets those whom the policy names answer when nobody else can.
func (j *judge) asSubstitute(c candidate) (entitlement, bool) {
	rule := c.rule
	why, ok := j.among(c, rule.Absent.People)
	if !ok {
		return entitlement{}, false
	}
	all, gone := j.nobodyThere(c.system, rule, c.from)
	if !gone {
		return entitlement{}, false
	}
	if slices.ContainsFunc(all, j.concerned) {
		return entitlement{}, false
	}
	why = fmt.Sprintf("%s %s, as everybody who may approve as %s was absent, by %s", rule.Absent.Role, why, rule.Role, j.rules.Policy)
	return entitlement{why: why, behalf: all}, true
}

// nobodyThere returns everybody who may give the approval, their deputies included, sorted, and whether all of them were
// absent at the instant. A group whose members are not known may have somebody in it.
func (j *judge) nobodyThere(system catalog.System, rule Approval, at time.Time) (all []access.UserID, gone bool) {
	named := []catalog.People{rule.People}
	if rule.Owners {
		named = append(named, system.Owners)
	}
	all, known := j.everybody(named)
	var deputies []catalog.People
	for _, d := range rule.Deputies {
		if slices.Contains(all, d.For) && d.inTerm(at, at) {
			deputies = append(deputies, d.People)
		}
	}
	more, alsoKnown := j.everybody(deputies)
	all = append(all, more...)
	slices.Sort(all)
	all = slices.Compact(all)
	there := func(id access.UserID) bool { return !j.absent(id, at) }
	return all, known && alsoKnown && !slices.ContainsFunc(all, there)
}

// everybody returns the named people. known is false when the members of a group are not known.
func (j *judge) everybody(named []catalog.People) (all []access.UserID, known bool) {
	known = true
	for _, p := range named {
		all = append(all, p.Users...)
		for _, group := range p.Groups {
			members, read := j.world.People.Members(group)
			known = known && read
			all = append(all, members...)
		}
	}
	return all, known
}

// absent reports whether the user had been suspended or deactivated before the instant and is so still. Who is locked out,
// or not known, is not absent: nobody's silence passes their word on.
func (j *judge) absent(id access.UserID, at time.Time) bool {
	user, known := j.world.People.User(id)
	gone := user.Status == access.Suspended || user.Status == access.Deprovisioned
	return known && gone && !user.StatusChanged.IsZero() && user.StatusChanged.Before(at)
}
