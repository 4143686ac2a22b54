package policies

// incidentFile is the incident response procedure.
type incidentFile struct {
	SOP         sop                 `yaml:",inline"`
	Alerts      alertsYAML          `yaml:"alerts"`
	Severity    []branchYAML        `yaml:"severity"` // in order; the first that holds decides
	Milestones  map[string][]string `yaml:"milestones"`
	OnCall      onCallYAML          `yaml:"onCall"`
	Updates     updatesYAML         `yaml:"updates"`
	Containment containmentYAML     `yaml:"containment"`
	Review      reviewYAML          `yaml:"review"`
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
	Severity string `yaml:"severity"`
	When     string `yaml:"when"` // CEL; empty: always
	Reason   string `yaml:"reason"`
}

// onCallYAML says who is paged for Sev 1 and 2.
type onCallYAML struct {
	Teams []string `yaml:"teams"` // names of teams in the pager
	After string   `yaml:"after"` // how long an alert that pages by itself may wait for somebody first, such as 5m
}

type updatesYAML struct {
	Remind string `yaml:"remind"` // how long before an update is due somebody is reminded, such as 10m
}

type containmentYAML struct {
	Authorised peopleYAML     `yaml:"authorised"`
	Notes      bool           `yaml:"notes"`  // whether a note on an alert confirms too
	Within     string         `yaml:"within"` // how old a confirmation may be when it is read, such as 1h
	Mode       string         `yaml:"mode"`
	Playbooks  []playbookYAML `yaml:"playbooks"` // the first is the one that is run when no name is given
}

type playbookYAML struct {
	Name  string   `yaml:"name"`
	Steps []string `yaml:"steps"`
}

// reviewYAML is the post-incident review of Sev 1 and 2.
type reviewYAML struct {
	Type          string `yaml:"type"` // the issue type
	Within        string `yaml:"within"`
	Calendar      string `yaml:"calendar"`
	RootCause     string `yaml:"rootCause"`     // the field
	PolicyUpdates string `yaml:"policyUpdates"` // the field
	Due           string `yaml:"due"`           // the field for the due date; empty: it only stands in the text
}
