package reference

import "strings"

// known describes fields that have no comment beside them in the source: "type.field" or, for words that mean the same
// wherever they stand, the field alone.
func known(field string) string {
	word := field[strings.LastIndex(field, ".")+1:]
	for _, all := range []map[string]string{described(), inTickets(), everywhere()} {
		if text, ok := all[field]; ok {
			return text
		}
		if text, ok := all[word]; ok {
			return text
		}
	}
	return ""
}

func described() map[string]string {
	return map[string]string{
		"header.apiVersion": "sopd/v1", "header.kind": "what the file is",
		"catalogFile.systems": "the systems, each with its groups and roles",
		"systemYAML.id":       "short and stable: small letters, digits and hyphens", "systemYAML.name": "as tickets write it",
		"systemYAML.risk":   "low, medium or high",
		"systemYAML.mode":   "observe changes nothing; grant follows tickets; enforce also removes members without one",
		"systemYAML.owners": "who approves access to it", "systemYAML.groups": "the Okta groups that give access to it",
		"systemYAML.roles": "what tickets may ask for", "peopleYAML.users": "Okta user IDs", "peopleYAML.groups": "Okta group IDs",
		"groupYAML.id": "the group's Okta ID", "groupYAML.name": "as Okta shows it; check compares it",
		"groupYAML.floor": "the least number of members that a removal may leave", "groupYAML.protected": "never written",
		"roleYAML.name":    "as tickets write it",
		"peopleFile.email": "match by the e-mail address that Jira shows", "peopleFile.attribute": "Okta profile attribute that holds the Jira account ID",
		"peopleFile.mapping":             "Okta user ID by Jira account ID, for those whom neither way finds",
		"guardsFile.removalPercent":      "removals of one plan as a share of all managed memberships",
		"guardsFile.removals":            "removals of one plan",
		"guardsFile.removalsPerHour":     "removals in a rolling hour",
		"guardsFile.groupRemovalPercent": "removals of one plan as a share of one group; one is always allowed",
		"guardsFile.additions":           "additions of one plan", "guardsFile.people": "people signed out or suspended in one plan",
		"guardsFile.protectedUsers": "Okta user IDs that nothing is taken from", "guardsFile.canaries": "objects that every complete read shows",
		"canariesYAML.user": "Okta ID of a member of the group", "canariesYAML.group": "Okta group ID",
		"sop.name": "short and stable, such as access-provisioning", "sop.title": "for people", "sop.version": "three numbers, such as 1.0.0",
		"sop.effective": "the day from which it holds", "sop.owner": "the role that answers for the text", "sop.reviewer": "the role that reviews it",
		"sop.nextReview": "a day after effective", "sop.raci": "who does what", "sop.controls": "controls of frameworks that it serves, such as SOC2:CC6.1",
		"sop.tickets": "which tickets it is about", "sop.clocks": "the promises that it makes",
		"raciYAML.responsible": "does it", "raciYAML.accountable": "answers for it", "raciYAML.consulted": "is asked", "raciYAML.informed": "is told",
		"ticketsYAML.projects": "keys of Jira projects", "ticketsYAML.types": "issue types; any when left out", "ticketsYAML.requestTypes": "request types; any when left out",
		"ticketsYAML.statuses": "what the statuses mean; they route and prove nothing", "ticketsYAML.fields": "the fields that are read, as Jira shows them or by ID",
		"statusesYAML.waiting": "approval is asked for", "statusesYAML.fulfil": "approved, and sopd's to do", "statusesYAML.validate": "the requester is asked whether it works; left out: closed at once",
		"statusesYAML.validated": "the requester said yes", "statusesYAML.close": "done",
		"fieldsYAML.beneficiary": "for whom; the reporter when left out", "fieldsYAML.system": "which system", "fieldsYAML.role": "which role", "fieldsYAML.justification": "why",
		"fieldsYAML.expires": "until when", "fieldsYAML.effective": "from when",
		"approvalYAML.role": "what the approval is called", "approvalYAML.owners": "the owners of the system may give it", "approvalYAML.users": "Okta user IDs who may give it",
		"approvalYAML.groups": "Okta groups whose members may give it", "approvalYAML.when": "a condition in CEL over system, role, beneficiary, requester and duration; always when left out",
		"clockYAML.kpi": "what the promise is called", "clockYAML.subject": "what it is about, such as ticket", "clockYAML.start": "facts that start it", "clockYAML.pause": "facts that pause it",
		"clockYAML.resume": "facts that resume it", "clockYAML.stop": "facts that end it", "clockYAML.cancel": "facts that void it", "clockYAML.reopen": "facts that start it again",
		"clockYAML.calendar": "name of a calendar; every hour counts when left out", "clockYAML.owner": "whose promise it is", "clockYAML.escalate": "who is told when it is late",
		"accessFile.approvals": "who has to approve; each by another person", "accessFile.expiryRequired": "risks at which a ticket has to say until when", "accessFile.longestGrant": "the longest time that is granted, such as 365d",
		"leaverFile.approvals": "who has to approve an offboarding ticket", "leaverFile.mode": "observe ends no sessions; enforce does", "leaverFile.suspend": "the account is suspended as well",
		"revocationFile.approvals": "who has to approve", "calendarFile.name": "as clocks name it", "calendarFile.zone": "an IANA time zone, such as Europe/Paris",
		"calendarFile.versions": "hours and holidays, each from a day on", "calendarVersion.effective": "the day from which it holds; the first may leave it out", "calendarVersion.closed": "further days without work",

		"fieldsYAML.oldSystem": "the system that is given up", "fieldsYAML.oldRole": "the role that is given up",
		"birthrightFile.grace": "how long access stays after the profile has changed, such as 7d", "birthrightFile.rules": "who gets what",
		"birthrightRuleYAML.name":  "short and stable; it is part of what it gives",
		"birthrightRuleYAML.when":  "a condition in CEL over the profile",
		"birthrightRuleYAML.roles": "what they get", "roleNameYAML.role": "the role's name in the catalog",
		"breakGlassFile.people": "who may", "breakGlassFile.roles": "what may be asked for", "breakGlassFile.maximum": "how long it lasts at most, such as 4h",
		"breakGlassFile.review": "within which it has to be reviewed", "breakGlassFile.approvals": "the review, afterwards",
		"revocationFile.urgent": "which tickets wait for nothing else", "urgencyYAML.priorities": "names of Jira priorities", "urgencyYAML.field": "a field that marks a ticket as urgent",
		"urgencyYAML.values":  "the values of the field that do",
		"triggerYAML.created": "when the ticket is raised", "triggerYAML.status": "when it comes into one of these statuses", "triggerYAML.field": "when this field is filled in",
		"triggerYAML.date": "at the time in this field", "triggerYAML.approval": "when this approval is given", "triggerYAML.linked": "when a ticket of this project is linked",
		"triggerYAML.complete":   "when everything that is required is there",
		"procedureFile.severity": "how urgent a ticket is", "procedureFile.facts": "when facts happen, by their names", "procedureFile.artefacts": "what has to be there",
		"procedureFile.limits": "numbers on tickets that have to stay below something", "procedureFile.reassess": "what is to be looked at again after a time",
		"guardsFile.smallGroupFloor": "the least number of members that groups of 3 to 15 keep over 30 days",
		"guardsFile.holdApprovers":   "who may decide about holds; whoever may run sopd on its machine when left out", "holdApproverYAML.account": "account on sopd's machine",
		"guardsFile.driftTickets": "where tickets are opened for access that nothing speaks for; nowhere when left out",
		"canariesYAML.ticket":     "key of a ticket that every search finds",
		"proofYAML.proof":         "approval or transition: what counts as a consent; approval objects alone when left out", "proofYAML.transitions": "the moves of a ticket that count as a consent besides approvals",
		"transitionYAML.from": "statuses that it is moved out of", "transitionYAML.to": "statuses that it is moved into",
		"absentYAML.role":  "what the approval of a substitute is called",
		"dutiesFile.rules": "which duties are kept apart", "separationYAML.name": "short and stable",
		"dutyYAML.system": "ID of the system", "dutyYAML.role": "the role's name in the catalog",
		"exemptionYAML.user": "Okta user ID", "exemptionYAML.until": "the last day",
		"deputyYAML.for": "Okta user ID of the person", "deputyYAML.from": "the first day", "deputyYAML.until": "the last day",
		"separationYAML.exemptions": "people for whom it does not hold, with a reason and an end", "separationYAML.exception": "the approval that allows it once",
	}
}

// inTickets describes the kinds about procedures in tickets, reviews, tasks and watchfulness.
func inTickets() map[string]string {
	return map[string]string{
		"reviewFile.schedule": "when a campaign begins", "reviewFile.close": "the status of a ticket that is done", "reviewFile.risks": "systems of these risks; all when left out",
		"reviewFile.systems": "IDs of these systems; all when left out", "reviewFile.fallback": "who reviews where an owner cannot",
		"severityYAML.map": "the severity by the field's value", "artefactsYAML.required": "what has to be there",
		"artefactYAML.name": "what it is called", "artefactYAML.field": "the field that has to be filled in", "artefactYAML.approval": "the approval that has to be given",
		"limitYAML.name": "what it is called", "limitYAML.field": "the field with the number", "limitYAML.most": "the most that it may be, such as 4h",
		"reassessYAML.after": "the fact from which the time counts", "reassessYAML.months": "from one time to the next", "reassessYAML.summary": "of the ticket that is opened",
		"tasksFile.tasks": "what is done again and again", "taskYAML.name": "short and stable", "controlFile.after": "what opens a review besides its day",
		"afterYAML.facts": "the facts that do", "watchFile.rules": "what makes a finding", "watchRuleYAML.events": "types of System Log events",
		"watchRuleYAML.count": "how many within the time; one when left out", "watchRuleYAML.by": "what is counted apart, such as actor",
		"watchRuleYAML.unless": "what excuses", "unlessYAML.procedure": "name of the procedure",
	}
}

// everywhere describes words that mean the same wherever they stand.
func everywhere() map[string]string {
	return map[string]string{
		"approvals": "who has to approve; each by another person", "users": "Okta user IDs", "groups": "Okta group IDs", "within": "in how much time, such as 24h or 5bd",
		"remind": "how long before that somebody is reminded", "escalate": "who is told when it is late", "owner": "whose it is", "project": "key of the Jira project",
		"type": "issue type", "done": "statuses that mean done", "labels": "of the ticket", "title": "for people", "description": "for people", "reason": "for people: why",
		"calendar": "name of a calendar", "severities": "only for these; for all when left out", "when": "a condition in CEL", "priority": "P1 to P5",
		"every": "daily, weekly, monthly, quarterly or yearly", "weekday": "monday to sunday", "day": "of the month", "month": "of the year",
		"keep": "how long it is kept", "mode": "how far sopd may go", "teams": "names of teams in the pager",
	}
}
