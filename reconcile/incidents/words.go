package incidents

import (
	"fmt"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/reconcile"
)

// What is said on incidents' tickets and alerts stands in this file. No line begins as an order does: what sopd writes is
// read by sopd again.

func calendarOf(d kpi.Definition) *calendar.Calendar {
	if d.Calendar == nil {
		return calendar.Always()
	}
	return d.Calendar
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// named is how people find an incident: its ticket, else its own ID.
func named(r incident.Record) string {
	if r.Ticket != "" {
		return string(r.Ticket)
	}
	return string(r.ID)
}

// ordersText says how to speak to sopd.
func (s *Stage) ordersText() string {
	lines := []string{
		`"sopd: update" and a sentence: those with a stake were told how it stands`,
		`"sopd: escalated", "sopd: informed", "sopd: contained", "sopd: resolved": the milestone was reached; behind "at" may stand when, such as "at 2026-01-31T10:05Z"`,
	}
	if len(s.policy.Containment.Playbooks) > 0 {
		lines = append(lines, fmt.Sprintf(`"sopd: contain" and a playbook (%s): run it for the user or group that the alert names; only on the word of who is authorised`,
			names(s.policy.Containment.Playbooks)))
	}
	return "A comment that begins with one of these is understood:" + reconcile.Bullets(lines)
}

func (s *Stage) ticketText(r incident.Record, sight incident.Sight) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Incident %s, detected at %s.\n\nSeverity: %s (Sev %d): %s.\n", r.ID, stamp(r.Milestones[incident.Detected].At), r.Severity,
		r.Severity.Level(), r.Reason)
	for _, a := range sight.Alerts {
		fmt.Fprintf(&b, "\nAlert %s %s: %s", a.TinyID, a.ID, a.Message)
	}
	return b.String()
}

func (s *Stage) keptText(r incident.Record) string {
	return fmt.Sprintf("Incident %s, detected at %s. Severity: %s (Sev %d): %s.\n\n%s", r.ID, stamp(r.Milestones[incident.Detected].At), r.Severity,
		r.Severity.Level(), r.Reason, s.ordersText())
}

func (s *Stage) pageText(r incident.Record) string {
	text := fmt.Sprintf("Incident %s. Severity: %s: %s.", r.ID, r.Severity, r.Reason)
	if r.Ticket != "" {
		text += " Its ticket in Jira is " + string(r.Ticket) + "."
	}
	return text
}

func remindText(r incident.Record, due time.Time) string {
	return fmt.Sprintf(`The next update on %s is due at %s. Tell those with a stake how it stands, and write "sopd: update" with a sentence.`, named(r), stamp(due))
}

func (s *Stage) confirmedText(r incident.Record, run incident.Run) string {
	lines := make([]string, 0, len(run.Steps))
	for _, step := range run.Steps {
		line := s.sentence(step)
		switch {
		case step.Left != "":
			line = "left to people: " + line + ": " + step.Left
		case step.Done && step.Change == "":
			line += ": is so already"
		default:
			line = "to be done: " + line
		}
		lines = append(lines, line)
	}
	return fmt.Sprintf("Playbook %s was confirmed for incident %s at %s.%s", run.Playbook, r.ID, stamp(run.At), reconcile.Bullets(lines))
}

func (s *Stage) finishedText(r incident.Record, run incident.Run) string {
	lines := make([]string, 0, len(run.Steps))
	for _, step := range run.Steps {
		switch {
		case step.Left != "":
			lines = append(lines, "left to people: "+s.sentence(step)+": "+step.Left)
		case step.Change != "":
			lines = append(lines, fmt.Sprintf("%s: %s", step.Change, s.sentence(step)))
		default:
			lines = append(lines, s.sentence(step)+": was so already")
		}
	}
	return fmt.Sprintf("Playbook %s is finished; incident %s counts as contained since %s, read back from Okta:%s\n\n%s", run.Playbook, r.ID,
		stamp(run.Finished), reconcile.Bullets(lines), "Sessions inside applications that were open before do not end by this; end them there.")
}

func (s *Stage) reviewText(r incident.Record) string {
	review := s.policy.Engine.Review
	return fmt.Sprintf("Review of incident %s (%s, Sev %d), closed at %s. Due on %s.\n\nIt is complete when this ticket is done and has:%s", named(r), r.ID,
		r.Severity.Level(), stamp(r.Review.Opened), r.Review.Due.Format(time.DateOnly),
		reconcile.Bullets([]string{review.RootCause, review.PolicyUpdates, incident.FollowUps}))
}

func completeText(r incident.Record) string {
	return fmt.Sprintf("This review of incident %s is complete since %s.", r.ID, stamp(r.Review.Completed))
}

func missingText(missing []string) string {
	return "This review is closed and does not count as complete yet. It lacks:" + reconcile.Bullets(missing)
}
