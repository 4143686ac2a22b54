package reconcile

import (
	"fmt"

	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// What is said on tickets about the life of access: its end, its extension, a change of role, an emergency.

func expiresSoonText(g change.Grant) string {
	return "The access of this ticket ends at " + stamp(g.Expires) + ". If it is needed longer, raise a new request for the same system and " +
		"role with a later date before then: once that is approved, the access goes on without a gap. Otherwise nothing has to be done."
}

func extensionText(before, g change.Grant) string {
	text := fmt.Sprintf("This is an extension: the access of %s was there already, so nothing had to be written in Okta. It would have ended at %s",
		before.Ticket, stamp(before.Expires))
	if g.Expires.IsZero() {
		return text + " and now has no end."
	}
	return text + " and now ends at " + stamp(g.Expires) + "."
}

func scheduledRoleText(j judged) string {
	return "Approved. The role changes at " + stamp(j.effective()) + "; nothing is changed before."
}

func (r *Reconciler) movedText(changes []change.Change, skipped []plan.Skipped) string {
	text := "The role has changed, read back from Okta:" + bullets(r.changeLines(changes))
	if len(r.changeLines(changes)) == 0 {
		text = "The access of the new role was there already, and there was none of the old role left; nothing had to be changed."
	}
	if len(skipped) == 0 {
		return text
	}
	var left []string
	for _, s := range skipped {
		left = append(left, r.groupName(s.Change)+": "+s.Why)
	}
	return text + "\n\nWhat sopd may not touch and somebody has to look at:" + bullets(left)
}

func rotaUnknownText() string {
	return "Whether you are on call cannot be read just now, so nothing was given yet. It is tried again by itself. Somebody whom the " +
		"procedure names can raise the ticket instead."
}

func noEmergencyText(problems []authority.Problem) string {
	return "No emergency access was given on this ticket." + bullets(problemLines(problems))
}

func (r *Reconciler) emergencyText(e emergency, changes []change.Change) string {
	text := "Emergency access is there, read back from Okta:" + bullets(r.changeLines(changes))
	if len(r.changeLines(changes)) == 0 {
		text = "The access of this emergency was there already; nothing had to be changed."
	}
	return text + fmt.Sprintf("\n\nIt ends at %s, whatever happens. It was given without the approvals that it takes otherwise (%s): "+
		"whoever holds these roles, please look at it. The review of this ticket (%s) is due by %s; without it the access is taken away and "+
		"the breach is reported.", stamp(e.grants[0].Expires), skippedApprovers(r.Policies, e), e.reviewers(), stamp(e.due()))
}

func reviewedText(e emergency) string {
	return "The emergency access was reviewed at " + stamp(e.reviewed) + " and found justified. It ends at " + stamp(e.grants[0].Expires) +
		" as agreed; then this ticket is closed with its evidence."
}

func (r *Reconciler) unreviewedText(e emergency, changes []change.Change) string {
	why := "was not reviewed by " + stamp(e.due())
	if e.verdict.Outcome == authority.Declined {
		why = "was found not to be justified by its review"
	}
	text := "The emergency access " + why + "; that is reported as a breach. No access of this ticket is left."
	if lines := r.changeLines(changes); len(lines) > 0 {
		text += bullets(lines)
	}
	return text
}
