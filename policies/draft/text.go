package draft

// The files as templates: q quotes a scalar, list a list, say keeps a vendor's text on its line, group refers to a group.

const catalogText = `# The systems of the organisation, the Okta groups that give access to them, and who owns them.
#
# Drafted on {{.Day}} from the names of the groups. A mark "guess" is a conclusion from a name: correct it or take the mark
# away. A mark "open" is yours to answer. Every system is only observed: sopd changes nothing in it.
apiVersion: sopd/v1
kind: Catalog
systems:{{if not .Systems}} [] # open: no group was found that sopd could manage; see below{{end}}
{{- $d := .}}
{{- range .Systems}}
  - id: {{q .ID}}
    name: {{q .Name}} # guess: write it as tickets do
    risk: {{.Risk}} # {{.RiskWhy}}
    mode: observe
    owners: # open: who owns it?{{if $d.Approvers}} Until that is answered these may approve{{if not $d.Chosen}} (guess){{end}}
      groups: [{{$d.Approvers.ID}}] # {{say $d.Approvers.Name}}{{else}} Name users or groups by their Okta IDs
      groups: []{{end}}
    groups:
{{- range .Groups}}
      - id: {{.ID}}
        name: {{q .Name}} # {{.Type}}, {{.Size}}
{{- end}}
    roles:
{{- range .Groups}}
      - name: {{q .Role}} # guess
        groups: [{{q .Name}}]
{{- end}}
{{- end}}
{{- with .Foreign}}

# Groups that sopd would only report, because a rule, an application or Okta puts the members there:
#
{{- range .}}
#   {{.Key}}  {{say .Value}}: {{say .Comment}}
{{- end}}
{{- end}}
`

const calendarText = `# Working hours, for promises that are counted in business days.
apiVersion: sopd/v1
kind: Calendar
name: office
zone: UTC # open: your office's time zone, such as Europe/Paris
versions:
  - hours: # guess: usual office hours
      monday: ["09:00-18:00"]
      tuesday: ["09:00-18:00"]
      wednesday: ["09:00-18:00"]
      thursday: ["09:00-18:00"]
      friday: ["09:00-18:00"]
    holidays: [] # open: regions whose holidays are free, such as fr
`

const guardsText = `# What sopd may do without a person's word. A plan that would do more is stopped whole and waits: sopd holds list.
# The numbers are those that sopd ships with.
apiVersion: sopd/v1
kind: Guards
removals: 25 # in one plan
removalPercent: 5 # of all managed memberships
removalsPerHour: 50
groupRemovalPercent: 25 # of one group; one removal is always allowed
additions: 100
people: 5 # signed out or suspended in one plan
protectedUsers: [{{.Self}}] # open: the Okta IDs of break-glass and administrator accounts{{if .Self}}; the one here is sopd's own{{end}}
# open: canaries: {user: ID, group: ID, ticket: KEY}, a user who is known to stay in a group, and a ticket that stays; a list without them is not believed
# open: holdApprovers: [{account: NAME, user: ID}], accounts on sopd's machine that may let held plans through, and whose they are
`

const peopleText = `# How a person in a ticket is matched with an Okta user. The first way that knows the person decides; nobody and more than
# one are errors, and then nothing is granted.
apiVersion: sopd/v1
kind: People
{{- with .Attribute}}
attribute: {{q .}} # guess: by its name, the profile attribute that holds the Jira account ID
{{- end}}
email: true # guess: the e-mail address that Jira shows is the one in Okta
`

const procedureText = `# {{.Title}}. Drafted on {{.Day}} from request type "{{say .Chosen.Name}}" of project {{.Chosen.Project}}.
{{- range .Others}}
# guess: request type "{{say .Name}}" of project {{.Project}} looks like it too; add it to tickets if it is
{{- end}}
apiVersion: sopd/v1
kind: {{.Kind}}
name: {{.Name}}
title: {{.Title}}
version: 0.1.0
effective: {{.Day}} # open: the day from which it holds
owner: to be named # open: the role that answers for the procedure
reviewer: to be named # open: the role that reviews it
nextReview: {{.NextReview}} # guess: a year from the draft
# open: raci: {responsible: …, accountable: …, consulted: …, informed: …}
{{.Head}}tickets:
  projects: [{{.Chosen.Project}}]
  requestTypes: [{{q .Chosen.Name}}] # guess: by its name
  statuses: # seen: {{range $i, $s := .Statuses}}{{if $i}}, {{end}}{{say $s}}{{end}}
{{- if not .Reviewed}}
    waiting: {{list .Waiting}} # {{if .Waiting}}guess: approval is asked for{{else}}open: the statuses in which approval is asked for{{end}}
{{- end}}
    fulfil: {{list .Fulfil}} # {{if .Fulfil}}guess: approved, and sopd's to do{{else}}open: the statuses in which an approved ticket waits for sopd{{end}}
{{- if .Validate}}
    validate: {{q .Validate}} # guess: the requester is asked whether it works
    validated: {{list .Validated}} # guess: the requester said yes
{{- else if .Asks}}
    # open: validate: the status in which the requester is asked whether it works; validated: the statuses of a yes
{{- end}}
{{- if .Review}}
    review: {{q .Review}} # guess: the access has ended and waits for its review
{{- else if .Reviewed}}
    review: "" # open: the status in which the access has ended and waits for its review
{{- end}}
    close: {{if .Close}}{{q .Close}} # guess: done{{else}}"" # open: the status of a ticket that is done{{end}}
  fields: # as Jira shows them
{{- range .Fields}}
    {{.Key}}: {{q .Value}} # {{.Comment}}
{{- end}}
approvals: # {{if .Reviewed}}the review, afterwards; {{end}}each by another active person, who is neither requester nor beneficiary
{{- if not .ByOwners}}
  - role: {{.ApproverRole}}
{{- if .Approver}}
    groups: {{group .Approver}}
{{- else}}
    groups: [] # open: the Okta ID of the group whose members approve it
{{- end}}
{{- else}}
  - role: system-owner
    owners: true
{{- end}}`

const routingText = `# Whom alerts of sopd go to. A guess here is the team that the pager names with an on-call schedule, or
# the name of the schedule where the pager names none.
apiVersion: sopd/v1
kind: Routing
{{- if .Routes}}
owners: # teams in the pager, by the role that owns what is wrong
{{- range .Routes}}
  {{.Key}}: [{{q .Value}}] # guess: {{.Comment}}
{{- end}}
{{- else}}
# open: owners: {security-operations: [name of a team], it-operations: [name of a team]}
{{- end}}
# open: default: [name of a team]; without it other alerts go where the integration's own rules send them
# open: quietHours: {calendar: office, urgent: P2}; without them no alert waits for working hours
silence: 15m # guess: how long no pass may succeed before somebody is paged
`

// escalateText is whom a late promise goes to.
const escalateText = `{{with .Escalate}}
    escalate: {{q .}} # guess: the on-call schedule of that name{{else}}
    # open: escalate: the role that is told when it is late{{end}}`

const accessTail = `{{if .Security}}
  - role: security-operations
    groups: {{group .Security}}
    when: system.risk == "high"{{else}}
  # open: for high-risk systems a second approval: {role: security-operations, groups: [ID], when: 'system.risk == "high"'}{{end}}
{{- if .Expires}}
expiryRequired: [high]
{{- end}}
longestGrant: 365d
clocks: # the promises that sopd ships with; guess: that they are yours
  - kpi: fulfilment
    subject: ticket
    start: [request.requested]
    stop: [request.provisioned]
    target: {default: 2bd}
    calendar: office
    warn: ["75%"]
    owner: it-operations # guess` + escalateText + `
  - kpi: approval
    subject: ticket
    start: [request.requested]
    stop: [request.approved]
    target: {default: 1bd}
    calendar: office
    owner: system-owner
  - kpi: provisioning
    subject: ticket
    start: [request.approved]
    stop: [request.provisioned]
    target: {default: 1h}
    owner: it-operations # guess
  - kpi: validation
    subject: ticket
    start: [request.provisioned]
    stop: [request.validated]
    target: {default: 24h}
    owner: requester`

const breakGlassTail = `
{{- if .OnCall}}
onCall: # guess: whoever is on call for one of these may
{{- range .OnCall}}
  - {{q .ID}} # {{say .Name}}
{{- end}}
{{- else}}
people:
  groups: [] # open: the Okta ID of the group whose members may
{{- end}}
roles:{{if not .Risky}} [] # open: what may be asked for: {system: ID, role: name}{{else}} # guess: every role of the systems whose risk looks high{{end}}
{{- range .Risky}}
{{- $id := .ID}}
{{- range .Groups}}
  - {system: {{$id}}, role: {{q .Role}}}
{{- end}}
{{- end}}
clocks: # the promise that sopd ships with; guess: that it is yours
  - kpi: review
    subject: emergency
    start: [break-glass.granted]
    stop: [break-glass.reviewed]
    target: {default: 24h}
    owner: security-operations # guess` + escalateText

const leaverClocks = `
clocks: # the promise that sopd ships with; guess: that it is yours
  - kpi: leaver-revocation
    subject: leaver
    start: [leaver.left]
    stop: [leaver.removed]
    target: {default: 24h}
    warn: ["50%"]
    owner: it-operations # guess` + escalateText

const readmeText = `# A draft

Written by sopd init on {{.Day}}. Nothing in it lets sopd change anybody's access: every system is only observed, and
incidents are contained by nobody. Before you set SOPD_WRITE=true, read the procedures that are not commented out: sopd then
comments on their tickets, and opens tickets of incidents.

1. Answer what is marked "open", and confirm or correct what is marked "guess": take the mark away when it is right.
   ` + "`sopd check`" + ` lists what is left.
2. ` + "`sopd policy lint`" + ` says whether the files are sound, ` + "`sopd plan`" + ` what sopd would do.
{{- if .Missing}}

Not drafted, because no request type is called like it:
{{range .Missing}}
- {{.Title}} (kind {{.Kind}})
{{- end}}
{{- end}}
{{- if .Unused}}

Request types that no procedure took:
{{range .Unused}}
- {{.Project}}: {{say .Name}}
{{- end}}
{{- end}}
{{- if .Pager}}

{{if .Schedules}}On-call schedules of {{.Pager}}, for the owner and escalate of each clock:
{{range .Schedules}}
- {{say .Name}}
{{- end}}{{else}}{{.Pager}} shows no on-call schedule that is enabled.{{end}}
{{- else}}

No paging system was asked: set SOPD_PAGING.
{{- end}}

Commented out are the policies of which not everything was seen, and those that make work for people from the first day:
access reviews, recurring tasks, the control of procedures, watch rules, duties that are kept apart. Each says in its first
lines what it waits for; without the comment signs it is in force. Never drafted, because no name tells: what people get by
their profile (kind Birthright). docs/policies.md has every kind, policies/example an example of each.
`
