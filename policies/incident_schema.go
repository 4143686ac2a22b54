package policies

// incidentFile is the incident response procedure.
type incidentFile struct {
	SOP         sop                 `yaml:",inline"`
	Alerts      alertsYAML          `yaml:"alerts"`      // which alerts are incidents, and what their details mean
	Severity    []branchYAML        `yaml:"severity"`    // in order; the first that holds decides
	Milestones  map[string][]string `yaml:"milestones"`  // the statuses of the ticket in which each is reached
	OnCall      onCallYAML          `yaml:"onCall"`      // who is paged for Sev 1 and 2
	Updates     updatesYAML         `yaml:"updates"`     // of those with a stake; how often is the clock that incident.updated stops
	Containment containmentYAML     `yaml:"containment"` // playbooks, and who may have them run
	Review      reviewYAML          `yaml:"review"`      // of Sev 1 and 2, after they are closed
}

// alertsYAML says which alerts are incidents, and how alerts and tickets name each other and what they are about.
type alertsYAML struct {
	When  string `yaml:"when"`  // CEL; empty: every alert but sopd's own
	Field string `yaml:"field"` // of the ticket, that names an alert by its ID or alias; empty: none
	User  string `yaml:"user"`  // the detail of an alert that names a user, by Okta ID or e-mail address
	Group string `yaml:"group"` // the detail that names a group, by Okta ID
	Link  string `yaml:"link"`  // where an alert is seen, with {id} for its ID; empty: tickets get no link
}

type branchYAML struct {
	Severity string `yaml:"severity"` // critical (Sev 1), high, medium or low
	When     string `yaml:"when"`     // CEL; empty: always
	Reason   string `yaml:"reason"`   // for people; it stands on the ticket
}

// onCallYAML says who is paged for Sev 1 and 2.
type onCallYAML struct {
	Teams     []string `yaml:"teams"`     // names of teams in the pager
	Schedules []string `yaml:"schedules"` // names of schedules in the pager, whose on-call people are paged
	After     string   `yaml:"after"`     // how long an alert that pages by itself may wait for somebody first, such as 5m
}

type updatesYAML struct {
	Remind string `yaml:"remind"` // how long before an update is due somebody is reminded, such as 10m
}

type containmentYAML struct {
	Authorised peopleYAML     `yaml:"authorised"` // who may confirm a playbook, set times and say that it is over
	Notes      bool           `yaml:"notes"`      // whether a note on an alert confirms too
	Within     string         `yaml:"within"`     // how old a confirmation may be when it is read, such as 1h
	Mode       string         `yaml:"mode"`       // observe, or enforce: sessions and suspensions are made
	Playbooks  []playbookYAML `yaml:"playbooks"`  // the first is the one that is run when no name is given
}

type playbookYAML struct {
	Name  string   `yaml:"name"`  // by which people ask for it
	Steps []string `yaml:"steps"` // clear-sessions, suspend, remove-from-groups, remove-from-named-group
}

// reviewYAML is the post-incident review of Sev 1 and 2.
type reviewYAML struct {
	Type          string `yaml:"type"`          // the issue type
	Within        string `yaml:"within"`        // from the close on, such as 5bd
	Calendar      string `yaml:"calendar"`      // of the business days
	RootCause     string `yaml:"rootCause"`     // the field
	PolicyUpdates string `yaml:"policyUpdates"` // the field
	Due           string `yaml:"due"`           // the field for the due date; empty: it only stands in the text
}
