package dashboards

// incident selects the figures of incident response.
const incident = `job="$job",sop="$incidents",severity=~"$severity"`

func incidentsBoard() board {
	return board{
		uid: "sopd-incidents", title: "Incidents",
		about: "How incidents are met, against what was promised: response, escalation, containment, resolution, updates, reviews. And whether somebody can be woken.",
		choices: []choice{
			{name: "incidents", title: "Incident response", label: "sop", chosen: "incident-response"},
			{name: "severity", title: "Severity", label: "severity"},
			{name: "window", title: "Kept over", values: []string{"30d", "90d", "365d"}},
		},
		rows: []row{
			{"Now", []panel{incidentLate(), incidentSoon(), incidentOpen(), oddIncidents(), reviewsLate(), pagersDiffer()}},
			{"Each promise", []panel{incidentPromises()}},
			{"Over time", []panel{incidentTime(), incidentStanding(), incidentKept()}},
			{"Containment", []panel{containments(), incidentFindings()}},
		},
	}
}

func incidentLate() panel {
	return panel{
		kind: number, title: "Past a promise", unit: count, width: 4, steps: none("red"), alert: "SopdUrgentPromiseBroken",
		about:   "Clocks of incidents that are past their promise and still run. Somebody has to act now: the list below says on which promise.",
		queries: []query{{expr: `sum(` + by + `(sopd_kpi_open{` + incident + `,state="breached"}))`}},
	}
}

func incidentSoon() panel {
	return panel{
		kind: number, title: "About to break one", unit: count, width: 4, steps: none("orange"), alert: "SopdPromiseAtRisk",
		about:   "There is still time. Take the alert, escalate, or write the update: sopd kpi names the incident.",
		queries: []query{{expr: `sum(` + by + `(sopd_kpi_open{` + incident + `,state="at_risk"}))`}},
	}
}

func incidentOpen() panel {
	return panel{
		kind: number, title: "Clocks that run", unit: count, width: 4,
		about:   "All clocks of open incidents and their reviews; one incident has several.",
		queries: []query{{expr: `sum(max by (sop, kpi, severity, state) (sopd_kpi_open{` + incident + `}))`}},
	}
}

func oddIncidents() panel {
	return panel{
		kind: number, title: "Does not add up", unit: count, width: 4, steps: none("orange"), alert: "SopdObjectsLeftAlone",
		about:   "A ticket that was deleted, a milestone before its start, an order that was refused. Each is an alert of its own that says which; what it is about is not counted.",
		queries: []query{{expr: `max(sopd_findings{job="$job",kind="incident"})`}},
	}
}

func reviewsLate() panel {
	return panel{
		kind: number, title: "Reviews overdue", unit: count, width: 4, steps: none("orange"), alert: "SopdUrgentPromiseBroken",
		about:   "Post-incident reviews after their last day. The ticket says what is missing: root cause, policy updates, follow-ups.",
		queries: []query{{expr: `max(sopd_findings{job="$job",kind="pir-overdue"})`}},
	}
}

func pagersDiffer() panel {
	return panel{
		kind: number, title: "Pagers disagree", unit: count, width: 4, steps: none("red"),
		about:   "While both pagers are read: what they say differently. Mend who is on call first; nobody counts as on call until both agree.",
		queries: []query{{expr: `sum(max by (kind) (sopd_paging_disagreements{job="$job"}))`}},
	}
}

func incidentPromises() panel {
	open := func(state string) string { return by + `(sopd_kpi_open{` + incident + `,state="` + state + `"})` }
	done := func(outcome string) string {
		return by + `(sopd_kpi_completed_total{` + incident + `,outcome="` + outcome + `"})`
	}
	return panel{
		kind: listed, title: "Promises of incident response", unit: count, width: 24, alert: "SopdUrgentPromiseBroken",
		about: "One line a promise and severity. Counts, not only ratios: a month has a handful of incidents. Times are hours:minutes:seconds.",
		queries: []query{
			{expr: open("at_risk"), legend: "About to break", steps: none("orange")},
			{expr: open("breached"), legend: "Broken, open", steps: none("red")},
			{expr: open("on_track"), legend: "On track"},
			{expr: by + `(sopd_kpi_oldest_open_seconds{` + incident + `} > 0)`, legend: "Oldest open", unit: clock},
			{expr: by + `(sopd_kpi_target_seconds{` + incident + `})`, legend: "Target", unit: clock},
			{expr: tenth(incident), legend: "9 of 10 took", unit: clock},
			{expr: by + `(sopd_kpi_attainment_ratio{` + incident + `,window="$window"})`, legend: "Kept", unit: "percentunit", steps: keptScale()},
			{expr: done("met"), legend: "Ever kept"},
			{expr: done("breached"), legend: "Ever broken"},
		},
	}
}

func incidentTime() panel {
	return panel{
		kind: lines, title: "How long each step takes", unit: "s", width: 24, alert: "SopdUrgentPromiseBroken", decades: true, empty: "no incident has ended a step within this time",
		about: "The time that nine of ten took; the broken lines are the promises. sopd kpi names the incidents. " +
			"The axis goes in steps of ten.",
		queries: measured(incident),
	}
}

func incidentStanding() panel {
	return panel{
		kind: lines, title: "Open clocks by promise", unit: count, width: 12, empty: "no incident is open", alert: "SopdPromiseAtRisk",
		about:   "Response should be near zero a few minutes after each alert. Updates run while a Sev 1 is open; reviews for days after it.",
		queries: []query{{expr: `sum by (kpi, state) (` + seen("sop, kpi, severity, state", `sopd_kpi_open{`+incident+`}`) + `)`, legend: "{{kpi}}, {{state}}"}},
	}
}

func incidentKept() panel {
	return panel{
		kind: lines, title: "Kept, of incident response", unit: "percentunit", width: 12, softTop: 1, empty: "no incident within the window", steps: keptScale(), alert: "SopdPromiseBroken",
		about:   "Share of promises kept in the chosen window, open breaches counted. With few incidents one late answer moves it far: read the counts above beside it.",
		queries: []query{{expr: by + `(sopd_kpi_attainment_ratio{` + incident + `,window="$window"})`, legend: "{{kpi}} {{severity}}"}},
	}
}

func containments() panel {
	return panel{
		kind: lines, title: "What containment has changed", unit: count, width: 12, empty: "no playbook has changed anything yet", hues: []hue{{"/: refused$/", "red"}}, alert: "SopdChangeRefused",
		about:   "Sessions ended, accounts suspended and memberships taken by confirmed playbooks. Refused: Okta said no, somebody has to do it by hand.",
		queries: []query{{expr: `sum by (kind, outcome) (max by (kind, reason, outcome) (sopd_changes_total{job="$job",reason="containment"}))`, legend: "{{kind}}: {{outcome}}"}},
	}
}

func incidentFindings() panel {
	return panel{
		kind: lines, title: "Findings about incidents and paging", unit: count, width: 12, empty: "nothing stands", alert: "SopdObjectsLeftAlone",
		about:   "What does not add up, reviews that are overdue, procedures that cannot read, passes that do not end. Each has one alert, which closes by itself.",
		queries: []query{{expr: seen("kind", `sopd_findings{job="$job",kind=~"incident|pir-overdue|blind|silent|guard-disabled"}`), legend: "{{kind}}"}},
	}
}
