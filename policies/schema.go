package policies

// The types in this file are what policy files look like. Every field is described for the reference and for editors'
// schemas; unknown fields are errors.

// APIVersion is what every policy file has to name.
const APIVersion = "sopd/v1"

// The kinds of policy file.
const (
	KindCatalog            = "Catalog"
	KindPeople             = "People"
	KindGuards             = "Guards"
	KindCalendar           = "Calendar"
	KindAccessProvisioning = "AccessProvisioning"
	KindDeprovisioning     = "Deprovisioning"
	KindRevocation         = "Revocation"
	KindSeparationOfDuties = "SeparationOfDuties"
	KindIncidentResponse   = "IncidentResponse"
	KindRouting            = "Routing"
)

// header begins every file.
type header struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
}

// catalogFile is the systems, their groups and their owners.
type catalogFile struct {
	Header  header       `yaml:",inline"`
	Systems []systemYAML `yaml:"systems"`
}

type systemYAML struct {
	ID     string      `yaml:"id"`
	Name   string      `yaml:"name"`
	Risk   string      `yaml:"risk"`
	Mode   string      `yaml:"mode"`
	Owners peopleYAML  `yaml:"owners"`
	Groups []groupYAML `yaml:"groups"`
	Roles  []roleYAML  `yaml:"roles"`
}

// peopleYAML names users and groups by their Okta ID. Names are written as comments beside them: IDs are never used again
// and names are.
type peopleYAML struct {
	Users  []string `yaml:"users"`
	Groups []string `yaml:"groups"`
}

type groupYAML struct {
	ID        string `yaml:"id"`
	Name      string `yaml:"name"`
	Floor     int    `yaml:"floor"`
	Protected bool   `yaml:"protected"`
	// Administrative: the group decides about Okta itself, and somebody who can sign in has to stay in it.
	Administrative bool `yaml:"administrative"`
}

type roleYAML struct {
	Name   string   `yaml:"name"`
	Groups []string `yaml:"groups"` // names of groups of the same system
}

// peopleFile is how persons in tickets are matched with Okta users.
type peopleFile struct {
	Header    header            `yaml:",inline"`
	Email     bool              `yaml:"email"`
	Attribute string            `yaml:"attribute"`
	Mapping   map[string]string `yaml:"mapping"`
}

// guardsFile is what a plan may do without a person's word. A limit is a number, or "off".
type guardsFile struct {
	Header              header `yaml:",inline"`
	RemovalPercent      string `yaml:"removalPercent"`
	Removals            string `yaml:"removals"`
	RemovalsPerHour     string `yaml:"removalsPerHour"`
	GroupRemovalPercent string `yaml:"groupRemovalPercent"`
	Additions           string `yaml:"additions"`
	People              string `yaml:"people"`
	SmallGroupFloor     string `yaml:"smallGroupFloor"`
	// ApprovedRemovals is "hold" or "pass": whether the guards of single groups stop what somebody has approved one by one.
	ApprovedRemovals string             `yaml:"approvedRemovals"`
	ProtectedUsers   []string           `yaml:"protectedUsers"`
	HoldApprovers    []holdApproverYAML `yaml:"holdApprovers"`
	DriftTickets     driftTicketsYAML   `yaml:"driftTickets"`
	// Undo is how long an undone removal keeps the access without a ticket.
	Undo     string       `yaml:"undo"`
	Canaries canariesYAML `yaml:"canaries"`
}

// holdApproverYAML is somebody who may let a held plan through, by the account with which they work on sopd's machine.
type holdApproverYAML struct {
	Account string `yaml:"account"`
	User    string `yaml:"user"` // their Okta ID: nobody decides on what they have caused themselves
}

// driftTicketsYAML is where tickets are opened for access that nothing speaks for and that sopd does not remove.
type driftTicketsYAML struct {
	Project string `yaml:"project"`
	Type    string `yaml:"type"`
}

type canariesYAML struct {
	User   string `yaml:"user"`
	Group  string `yaml:"group"`
	Ticket string `yaml:"ticket"`
}

// sop is what every procedure says about itself.
type sop struct {
	Header     header      `yaml:",inline"`
	Name       string      `yaml:"name"`
	Title      string      `yaml:"title"`
	Version    string      `yaml:"version"`
	Effective  string      `yaml:"effective"`
	Owner      string      `yaml:"owner"`
	Reviewer   string      `yaml:"reviewer"`
	NextReview string      `yaml:"nextReview"`
	RACI       raciYAML    `yaml:"raci"`
	Controls   []string    `yaml:"controls"`
	Backfill   string      `yaml:"backfill"` // how far back clocks are filled from the vendors' history at the first start
	Tickets    ticketsYAML `yaml:"tickets"`
	Clocks     []clockYAML `yaml:"clocks"`
}

type raciYAML struct {
	Responsible string `yaml:"responsible"`
	Accountable string `yaml:"accountable"`
	Consulted   string `yaml:"consulted"`
	Informed    string `yaml:"informed"`
}

type ticketsYAML struct {
	Projects     []string     `yaml:"projects"`
	Types        []string     `yaml:"types"`
	RequestTypes []string     `yaml:"requestTypes"`
	Statuses     statusesYAML `yaml:"statuses"`
	Fields       fieldsYAML   `yaml:"fields"`
}

type statusesYAML struct {
	Waiting   []string `yaml:"waiting"`
	Fulfil    []string `yaml:"fulfil"`
	Validate  string   `yaml:"validate"`
	Validated []string `yaml:"validated"`
	Close     string   `yaml:"close"`
	Review    string   `yaml:"review"` // of emergency access, once it is there
}

type fieldsYAML struct {
	Beneficiary   string `yaml:"beneficiary"`
	System        string `yaml:"system"`
	Role          string `yaml:"role"`
	Justification string `yaml:"justification"`
	Expires       string `yaml:"expires"`
	Effective     string `yaml:"effective"`
	OldSystem     string `yaml:"oldSystem"` // of a role change: the system whose role goes
	OldRole       string `yaml:"oldRole"`   // of a role change: the role that goes
}

type approvalYAML struct {
	Role   string   `yaml:"role"`
	Owners bool     `yaml:"owners"`
	Users  []string `yaml:"users"`
	Groups []string `yaml:"groups"`
	When   string   `yaml:"when"`
	// Deputies may answer in the place of somebody who may give the approval.
	Deputies []deputyYAML `yaml:"deputies"`
	// Absent may answer when everybody else is suspended or deactivated in Okta.
	Absent absentYAML `yaml:"absent"`
	// StillEligible: whoever has left the group since does not count.
	StillEligible bool `yaml:"stillEligible"`
}

// deputyYAML is who stands in for one person: between two days, both included, or without days while that person is
// suspended or deactivated in Okta.
type deputyYAML struct {
	For    string   `yaml:"for"`
	Users  []string `yaml:"users"`
	Groups []string `yaml:"groups"`
	From   string   `yaml:"from"`
	Until  string   `yaml:"until"`
}

type absentYAML struct {
	Role   string   `yaml:"role"`
	Users  []string `yaml:"users"`
	Groups []string `yaml:"groups"`
}

// proofYAML says what counts as a consent: approval objects, or besides them the transitions named.
type proofYAML struct {
	Approvals   []approvalYAML   `yaml:"approvals"`
	Proof       string           `yaml:"proof"`
	Transitions []transitionYAML `yaml:"transitions"`
}

// transitionYAML names every way from one of the statuses to one of the others.
type transitionYAML struct {
	From []string `yaml:"from"`
	To   []string `yaml:"to"`
}

type clockYAML struct {
	KPI      string            `yaml:"kpi"`
	Subject  string            `yaml:"subject"`
	Start    []string          `yaml:"start"`
	Pause    []string          `yaml:"pause"`
	Resume   []string          `yaml:"resume"`
	Stop     []string          `yaml:"stop"`
	Cancel   []string          `yaml:"cancel"`
	Reopen   []string          `yaml:"reopen"`
	Target   map[string]string `yaml:"target"` // by severity or risk; "default" for all others
	Calendar string            `yaml:"calendar"`
	Warn     []string          `yaml:"warn"` // "75%" used up, or "30m" left
	Owner    string            `yaml:"owner"`
	Escalate string            `yaml:"escalate"`
	// Page says when somebody is paged: "at-risk", "breached". Left out: breached.
	Page     []string          `yaml:"page"`
	Priority map[string]string `yaml:"priority"` // of the page: {breached: P2, at-risk: P4}
}

// accessFile is the access provisioning procedure.
type accessFile struct {
	SOP            sop       `yaml:",inline"`
	Proof          proofYAML `yaml:",inline"`
	ExpiryRequired []string  `yaml:"expiryRequired"`
	LongestGrant   string    `yaml:"longestGrant"`
	ExpiryWarnings []string  `yaml:"expiryWarnings"` // how long before the end the ticket is told
}

// leaverFile is the de-provisioning procedure.
type leaverFile struct {
	SOP     sop       `yaml:",inline"`
	Proof   proofYAML `yaml:",inline"`
	Mode    string    `yaml:"mode"`
	Suspend bool      `yaml:"suspend"`
	// Account is what becomes of the leaver's Okta account: keep, suspend or deactivate. It replaces suspend.
	Account string `yaml:"account"`
}

// revocationFile is the procedure for taking single accesses away.
type revocationFile struct {
	SOP    sop         `yaml:",inline"`
	Proof  proofYAML   `yaml:",inline"`
	Urgent urgencyYAML `yaml:"urgent"` // which tickets wait for nothing else
}

// dutiesFile is the rules that keep duties apart.
type dutiesFile struct {
	Header header           `yaml:",inline"`
	Rules  []separationYAML `yaml:"rules"`
}

type separationYAML struct {
	Name   string       `yaml:"name"`
	Reason string       `yaml:"reason"` // stands on the ticket
	Sides  [][]dutyYAML `yaml:"sides"`  // nobody has duties of two of them
	// Exemptions are people for whom the rule does not hold until a day, which is included.
	Exemptions []exemptionYAML `yaml:"exemptions"`
	// Exception is the approval that lets a single request through; without it none does.
	Exception *approvalYAML `yaml:"exception"`
}

type dutyYAML struct {
	System string `yaml:"system"`
	Role   string `yaml:"role"`
}

type exemptionYAML struct {
	User     string `yaml:"user"`
	Reason   string `yaml:"reason"`
	Approved string `yaml:"approved"` // the role that approved it
	Until    string `yaml:"until"`
}

// calendarFile is when people work: hours, holidays and further days without work, each from a day on.
type calendarFile struct {
	Header   header            `yaml:",inline"`
	Name     string            `yaml:"name"`
	Zone     string            `yaml:"zone"`
	Versions []calendarVersion `yaml:"versions"`
}

// calendarVersion is the hours and holidays from a day on. The first version may leave effective out.
type calendarVersion struct {
	Effective string              `yaml:"effective"`
	Hours     map[string][]string `yaml:"hours"`    // "monday": ["09:00-12:30", "13:30-18:00"]
	Holidays  []string            `yaml:"holidays"` // regions, such as fr
	Closed    []string            `yaml:"closed"`
}
