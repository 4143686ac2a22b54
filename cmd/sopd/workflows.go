package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/policies"
)

// checkProofs says loudly where something weaker than an approval object counts.
func (d *daemon) checkProofs() []checked {
	var lines []checked
	for _, p := range d.policies.SOPs {
		if len(p.Rules.Transitions) == 0 {
			continue
		}
		var names []string
		for _, t := range p.Rules.Transitions {
			names = append(names, t.String())
		}
		lines = append(lines, checked{
			What: fmt.Sprintf("policy %s: a transition counts as an approval, by whoever may approve and takes it: %s", p.Name, strings.Join(names, ", ")), Warning: true,
			Fix: "that is weaker than an approval in Jira Service Management; ask for those where you can, and leave proof: transition out",
		})
	}
	return lines
}

// checkWorkflows looks for ways into the statuses in which sopd acts that pass an approval by. sopd gives nothing on a
// ticket that came by one; people who look at the status may believe that it was approved.
func (d *daemon) checkWorkflows(ctx context.Context) []checked {
	var lines []checked
	for _, p := range d.policies.SOPs {
		if len(p.Tickets.Fulfil) == 0 || p.BreakGlass != nil {
			continue // no status of its tickets says that something was approved before
		}
		for _, project := range p.Tickets.Projects {
			for _, line := range d.checkWorkflow(ctx, p, project) {
				if !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

func (d *daemon) checkWorkflow(ctx context.Context, p policies.SOP, project string) []checked {
	ways, err := d.jira.Ways(ctx, project, p.Tickets.Types)
	if err != nil {
		return d.lookAtWorkflow(ctx, p, project)
	}
	lines := passing(p, project, ways)
	if len(lines) == 0 {
		lines = []checked{{What: fmt.Sprintf("Jira: the workflows of %s lead to %s only by an approval", project, quotedList(p.Tickets.Fulfil)), OK: true}}
	}
	return lines
}

// lookAtWorkflow is what can be told without seeing the workflow: what its tickets offer, and what to look at by hand.
func (d *daemon) lookAtWorkflow(ctx context.Context, p policies.SOP, project string) []checked {
	unread := checked{
		What: "Jira: the workflows of " + project + " cannot be read, so a way past the approval may go unseen", Warning: true,
		Fix: fmt.Sprintf("give the account the project permission View (read-only) workflow, or look by hand at every transition into %s: "+
			"it should leave %s and be taken by the approval alone", quotedList(p.Tickets.Fulfil), quotedList(p.Tickets.Waiting)),
	}
	ways, err := d.jira.WaysSeen(ctx, project, p.Tickets.Types)
	if err != nil {
		return []checked{unread}
	}
	// Whether an approval takes a transition is not seen there, and what leaves a waiting status may be its own.
	ways = slices.DeleteFunc(ways, func(w jira.Way) bool { return slices.Contains(p.Tickets.Waiting, w.From[0]) })
	return append([]checked{unread}, passing(p, project, ways)...)
}

// passing returns a warning for each way that passes the approval by.
func passing(p policies.SOP, project string, ways []jira.Way) []checked {
	var lines []checked
	for _, w := range ways {
		why := passes(p, w)
		if why == "" {
			continue
		}
		where := ""
		if w.Workflow != "" {
			where = fmt.Sprintf(" of workflow %q", w.Workflow)
		}
		lines = append(lines, checked{
			What: fmt.Sprintf("Jira: in %s the transition %q%s into %q passes the approval by: %s", project, w.Name, where, w.To, why), Warning: true,
			Fix: "sopd gives nothing on it without an approval; take the transition out, or let nobody take it, so that the status says what it seems to",
		})
	}
	return lines
}

// passes says how the transition leads into a status in which sopd acts without an approval, empty when it does not.
func passes(p policies.SOP, w jira.Way) string {
	if !slices.Contains(p.Tickets.Fulfil, w.To) || w.Decision {
		return ""
	}
	var others, pending []string
	for _, from := range w.From {
		switch {
		case slices.Contains(p.Rules.Transitions, authority.Transition{From: from, To: w.To}):
		case slices.Contains(p.Tickets.Waiting, from):
			pending = append(pending, from)
		default:
			others = append(others, from)
		}
	}
	switch {
	case w.Initial:
		return "tickets are created there"
	case len(w.From) == 0:
		return "it leads there from every status, also while the approval is pending"
	case len(others) > 0:
		return "it leaves " + quotedList(others) + ", where nobody is asked"
	case len(pending) > 0:
		return "people can take it from " + quotedList(pending) + " while the approval is pending"
	default:
		return ""
	}
}

func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
