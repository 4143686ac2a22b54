package reconcile

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// A change that Okta refuses is planned anew for as long as the evidence for it stands. When the no is about the change
// itself, asking every minute brings nothing but records: the pauses double, and a person is told.

const (
	firstPause   = time.Minute
	longestPause = 6 * time.Hour
)

// pause returns how long a change rests after so many refusals in a row.
func pause(refusals int) time.Duration {
	p := firstPause
	for range refusals - 1 {
		if p *= 2; p >= longestPause {
			return longestPause
		}
	}
	return p
}

// Standoff is a change that Okta keeps refusing and that rests until its next attempt.
type Standoff struct {
	Change   change.Change // the last attempt
	Refusals int           // in a row
	Until    time.Time     // when it is tried again
}

// aboutItself reports whether the change was refused for what it is. A vendor that does not serve, or a credential that is
// not accepted, says nothing of the change.
func aboutItself(c change.Change) bool {
	if c.State != change.Refused {
		return false
	}
	return slices.ContainsFunc([]error{
		access.ErrDenied, access.ErrNotFound, access.ErrInvalid, access.ErrConflict, access.ErrMalformed,
	}, func(cause error) bool { return cause.Error() == c.Error })
}

// same reports whether two attempts are of one change: what it does, why and on whose word.
func same(a, b change.Change) bool {
	return a.Kind == b.Kind && a.Membership() == b.Membership() && a.Reason == b.Reason && a.Ticket == b.Ticket && a.Grant == b.Grant
}

// standoffOf returns the refusals in a row with which the attempts at a change end, the attempts being in their order. ok is
// false when the last one that was answered was not a refusal of the change itself.
func standoffOf(c change.Change, attempts []change.Change) (s Standoff, ok bool) {
	for _, a := range slices.Backward(attempts) {
		if !same(a, c) {
			continue
		}
		if aboutItself(a) {
			if s.Refusals++; s.Refusals == 1 {
				s.Change = a
			}
		} else if a.State != change.Refused { // it was made once: what was refused before that is another matter
			break
		}
	}
	s.Until = s.Change.Settled.Add(pause(max(s.Refusals, 1)))
	return s, s.Refusals > 0
}

// rest takes out of the plan what was refused so lately that it is not to be tried again yet.
func (l *loader) rest(tx *store.Tx) error {
	refused, err := tx.RefusedSince(l.now.Add(-longestPause))
	if err != nil || len(refused) == 0 {
		return err
	}
	for _, c := range l.view.built.Changes {
		if !slices.ContainsFunc(refused, func(r change.Change) bool { return same(r, c) && aboutItself(r) }) {
			continue
		}
		s, err := l.standoff(tx, c)
		if err != nil {
			return err
		}
		if l.now.Before(s.Until) {
			l.view.standoffs = append(l.view.standoffs, s)
		}
	}
	if len(l.view.standoffs) > 0 {
		l.view.built = l.view.built.WithholdFunc(func(c change.Change) string {
			if s, rests := l.view.rests(c); rests {
				return s.why()
			}
			return ""
		})
	}
	return nil
}

// standoff returns how the change stands. It rests until the zero time, that is not at all, when its group has changed since
// or a person wants it tried.
func (l *loader) standoff(tx *store.Tx, c change.Change) (Standoff, error) {
	attempts, err := tx.ChangesByUser(c.User)
	if err != nil {
		return Standoff{}, err
	}
	s, ok := standoffOf(c, attempts)
	last := s.Change.Settled
	if !ok || last.After(l.now) { // a clock was set back; what it had said is no reason to wait
		return Standoff{}, nil
	}
	touched, err := tx.GroupTouched(c.Group)
	if err != nil {
		return Standoff{}, err
	}
	wanted, err := tx.ChangeRetried(c.Kind, c.Membership())
	if err != nil || touched.After(last) || wanted.After(last) {
		return Standoff{}, err
	}
	return s, nil
}

// rests returns how a change stands that is not tried in this pass.
func (v view) rests(c change.Change) (Standoff, bool) {
	i := slices.IndexFunc(v.standoffs, func(s Standoff) bool { return same(s.Change, c) })
	if i < 0 {
		return Standoff{}, false
	}
	return v.standoffs[i], true
}

// why says it in words that stay the same from attempt to attempt.
func (s Standoff) why() string {
	return fmt.Sprintf("Okta refuses it (%s); it is tried again with growing pauses, or at once with sopd parked retry", s.Change.Error)
}

// finding points the standoff out.
func (s Standoff) finding(now time.Time) finding.Finding {
	c := s.Change
	return finding.Finding{
		Key:  finding.Key("refused/" + fingerprint(string(c.Kind)+string(c.Group)+string(c.User)+string(c.Ticket)+string(c.Reason))),
		Kind: FindingRefused, Change: c.ID, User: c.User, Group: c.Group, Ticket: c.Ticket,
		Title: "Okta refuses a change; it is tried again with growing pauses", Raised: now,
		Detail: map[string]string{
			"cause": c.Error, "refusals": strconv.Itoa(s.Refusals), "next": s.Until.UTC().Format(time.RFC3339),
		},
	}
}

// Standoffs returns the changes that rest now after a refusal, from what is stored alone: whether their evidence still stands
// is for the next pass to say.
func Standoffs(tx *store.Tx, now time.Time) ([]Standoff, error) {
	refused, err := tx.RefusedSince(now.Add(-longestPause))
	if err != nil {
		return nil, err
	}
	var all []Standoff
	l := loader{now: now}
	for i, c := range refused {
		later := slices.ContainsFunc(refused[i+1:], func(r change.Change) bool { return same(r, c) })
		if later || !aboutItself(c) {
			continue
		}
		s, err := l.standoff(tx, c)
		if err != nil {
			return nil, err
		}
		if now.Before(s.Until) {
			all = append(all, s)
		}
	}
	return all, nil
}

// standstill says on a ticket which of its removals Okta refuses. The ticket stays open: the access is still there.
func (c *conclusion) standstill(tx *store.Tx, key ticket.Key) error {
	var why []string
	for _, s := range c.view.standoffs {
		if s.Change.Ticket == key {
			why = append(why, c.r.what(s.Change)+": "+s.why())
		}
	}
	if len(why) == 0 {
		return nil
	}
	text := standstillText(why)
	return c.r.say(tx, key, remark{purpose: "standstill/" + fingerprint(text), text: text, at: c.view.observation.Now})
}

// unconfirmed points out the changes that Okta does not show in their time. However often one is given up and made anew, it is
// one finding: told by what it does, and standing between two attempts.
func (c *conclusion) unconfirmed(tx *store.Tx) ([]finding.Finding, error) {
	now := c.view.observation.Now
	var all []finding.Finding
	for _, ch := range c.view.observation.Pending {
		late := now.Sub(ch.Intended) >= unconfirmedAfter
		if !late {
			attempts, err := tx.ChangesByUser(ch.User)
			if err != nil {
				return nil, err
			}
			late = givenUpBefore(ch, attempts)
		}
		if !late {
			continue
		}
		all = append(all, finding.Finding{
			Key:  finding.Key("unconfirmed/" + fingerprint(string(ch.Kind)+string(ch.Group)+string(ch.User)+string(ch.Ticket))),
			Kind: FindingUnconfirmed, Change: ch.ID, User: ch.User, Group: ch.Group, Title: "Okta does not show a change that was made", Raised: now,
		})
	}
	return all, nil
}

// givenUpBefore reports whether the attempt at the same change before this one was given up because Okta did not show it.
func givenUpBefore(c change.Change, attempts []change.Change) bool {
	var last change.Change
	for _, a := range attempts {
		if same(a, c) && a.Intended.Before(c.Intended) && a.Intended.After(last.Intended) {
			last = a
		}
	}
	return last.State == change.Refused && (last.Error == notShown || last.Error == access.ErrUnconfirmed.Error())
}
