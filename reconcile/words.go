package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// What is said on tickets stands in this file, so that it can be read in one go by whoever has to live with it.

// remark is a comment to be made once for its purpose.
type remark struct {
	purpose string
	text    string
	// marker is looked for before the comment is posted again; empty: the effect's key.
	marker string
	at     time.Time
	after  string
}

// purposeProvisioned is the purpose of telling a request that its access is there.
const purposeProvisioned = "provisioned"

func (m remark) effect(key ticket.Key) change.Effect {
	e := change.Effect{
		Key: string(key) + "/" + m.purpose, Ticket: key, Kind: change.Comment, Body: m.text, Marker: m.marker,
		Public: true, Created: m.at, After: m.after,
	}
	if e.Marker == "" {
		e.Marker = "Reference: " + fingerprint(e.Key)
		e.Body += "\n\n" + e.Marker
	}
	return e
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}

func bullets(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "\n* %s", line)
	}
	return b.String()
}

func problemLines(problems []authority.Problem) []string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return lines
}

func incompleteText(j judged) string {
	return "This request cannot be judged yet. Please mend the following, and it goes on by itself:" +
		bullets(problemLines(j.verdict.Problems))
}

func unprovenText(j judged) string {
	switch j.verdict.Outcome {
	case authority.Declined:
		return "This ticket stands as approved, but its approval was declined. Nothing was changed. Ask for approval again, or close the ticket."
	case authority.Waiting:
		return "This ticket stands as approved, but its approval has not been given. Nothing was changed. Still waiting for: " +
			strings.Join(j.verdict.WaitingFor, ", ") + "." + bullets(problemLines(j.verdict.Absences))
	case authority.Conflicting:
		return "This request goes against the separation of duties. Nothing was changed." + bullets(problemLines(j.verdict.Problems))
	default:
		return "The approval of this ticket was not accepted. Nothing was changed." +
			bullets(problemLines(slices.Concat(j.verdict.Problems, j.verdict.Absences)))
	}
}

// absentText tells whoever waits that nobody is there to answer.
func absentText(j judged) string {
	return "The approval of this ticket cannot be given as things are:" + bullets(problemLines(j.verdict.Absences)) +
		"\n\nNothing is given because nobody answers."
}

func movedText(was ticket.Key) string {
	return "This ticket was " + string(was) + " and has moved to where sopd does not act on it. Nothing is given or taken on it any more; " +
		"what it gave before stays as it is until somebody decides about it. Move it back and have it approved again, or raise a new request."
}

func ungivableText(why []string) string {
	return "Approved, but sopd cannot give all of the access. An administrator has to look at it:" + bullets(why)
}

func standstillText(why []string) string {
	return "Approved and due, but Okta refuses it. The access is still there, and this ticket stays open. An administrator has to look at it:" + bullets(why)
}

func validatedEarlyText() string {
	return "This ticket stands as validated, but sopd has given no access on it. Nothing was changed. Move it back to be approved, or close it."
}

func scheduledText(j judged) string {
	return "Approved. The access ends at " + stamp(j.effective()) + "; nothing is changed before."
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// changeLines lists changes for a person: what, where, and the change ID.
func (r *Reconciler) changeLines(changes []change.Change) []string {
	var lines []string
	for _, c := range changes {
		if c.State == change.Confirmed {
			lines = append(lines, fmt.Sprintf("%s: %s", c.ID, r.sentence(c)))
		}
	}
	return lines
}

func (r *Reconciler) sentence(c change.Change) string {
	group := string(c.Group)
	if known, ok := r.Policies.Catalog.Group(c.Group); ok {
		group = known.Name
	}
	switch c.Kind {
	case change.AddMember:
		return "added to " + group
	case change.RemoveMember:
		return "removed from " + group
	case change.ClearSessions:
		return "ended all Okta sessions"
	case change.Deactivate:
		return "deactivated the Okta account"
	case change.Suspend:
		return "suspended the Okta account"
	default:
		return string(c.Kind)
	}
}

func (r *Reconciler) provisionedText(j judged, changes []change.Change) string {
	lines := r.changeLines(changes)
	if len(lines) == 0 {
		return "The access that this ticket asks for was there already; nothing had to be changed."
	}
	text := "The access is there, read back from Okta:" + bullets(lines)
	if j.sop.Tickets.Validate != "" {
		text += "\n\nPlease check that it works, and validate this ticket."
	}
	if expires := j.verdict.Request.Expires; !expires.IsZero() {
		text += "\n\nIt ends at " + stamp(expires) + "."
	}
	return text
}

func (r *Reconciler) removedText(changes []change.Change, skipped []plan.Skipped) string {
	lines := r.changeLines(changes)
	text := "All access that sopd manages is gone, read back from Okta:" + bullets(lines)
	if len(lines) == 0 {
		text = "There was no access left that sopd manages."
	}
	if len(skipped) > 0 {
		var left []string
		for _, s := range skipped {
			left = append(left, fmt.Sprintf("%s: %s", r.groupName(s.Change), s.Why))
		}
		text += "\n\nWhat sopd may not touch and somebody has to look at:" + bullets(left)
	}
	return text + "\n\nSessions inside applications that were open before do not end by this."
}

func (r *Reconciler) groupName(c change.Change) string {
	if known, ok := r.Policies.Catalog.Group(c.Group); ok {
		return known.Name
	}
	return string(c.Group)
}

// what names a change that is not made: the group, or what is done to the whole account.
func (r *Reconciler) what(c change.Change) string {
	if c.Group == "" {
		return string(c.Kind)
	}
	return r.groupName(c)
}

// byHandText asks for what sopd may only observe.
func byHandText(groups []string) string {
	return "This access is in systems that sopd only observes. Somebody has to take it away by hand; the ticket stays open until it is gone:" +
		bullets(groups)
}

func (r *Reconciler) expiredText(changes []change.Change) string {
	return "The access of this ticket has ended as agreed, read back from Okta:" + bullets(r.changeLines(changes))
}
