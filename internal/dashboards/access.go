package dashboards

// request selects the figures of requests. The variable has a name of its own: links carry the choices of one board to the
// next, and the overview's choice of every SOP is none of one.
const request = `job="$job",sop="$requests",severity=~"$severity"`

func accessBoard() board {
	return board{
		uid: "sopd-access", title: "Access",
		about: "Who has access and what speaks for it: requests and their stages, leavers, drift, the baseline left to review, plans that wait, changes by reason.",
		choices: append(promiseChoices(choice{name: "requests", title: "Requests", label: "sop", chosen: "access-provisioning"}),
			choice{name: "leavers", title: "Leavers", label: "sop", chosen: "de-provisioning"}),
		rows: []row{
			{"Now", []panel{drift(), holds(), unconfirmed(), leftAlone(), leaversLate(), baselineLeft()}},
			{"Requests", []panel{stages(), howLong("How long each stage takes", request)}},
			{"Leavers", []panel{leaversOpen(), leaversTime()}},
			{"Memberships and changes", []panel{memberships(), findings(), changes(), waiting()}},
		},
	}
}

func drift() panel {
	return panel{
		kind: number, title: "Access without a ticket", unit: count, width: 4, steps: none("orange"), alert: "SopdDriftStands",
		about:   "Memberships of managed groups that neither a ticket nor the baseline speaks for. Ask who gave it, then get a ticket or take it away.",
		queries: []query{{expr: `max(sopd_memberships{job="$job",state="drift"})`}},
	}
}

func holds() panel {
	return panel{
		kind: number, title: "Plans that wait", unit: count, width: 4, steps: none("red"), alert: "SopdHoldWaits",
		about:   "A guard stopped a plan and nothing of it was written. Read it with sopd holds show; a second person approves exactly that plan, or cancels it.",
		queries: []query{{expr: `max(sopd_findings{job="$job",kind="hold"})`}},
	}
}

func unconfirmed() panel {
	return panel{
		kind: number, title: "Not confirmed", unit: count, width: 4, steps: none("red"), alert: "SopdChangeUnconfirmed",
		about:   "Changes that Okta was asked for and has not been seen to show. Look the change up with sopd explain, and the group in Okta.",
		queries: []query{{expr: `max(sopd_findings{job="$job",kind="unconfirmed"})`}},
	}
}

func leftAlone() panel {
	return panel{
		kind: number, title: "Left alone", unit: count, width: 4, steps: none("orange"), alert: "SopdObjectsLeftAlone",
		about:   "Tickets, people or groups that sopd cannot read or may not touch. It does nothing about them: repair each, or take it out of the catalog.",
		queries: []query{{expr: `sum(max by (kind) (sopd_findings{job="$job",kind=~"unreadable|skipped|refused"}))`}},
	}
}

func leaversLate() panel {
	return panel{
		kind: number, title: "Leavers past the promise", unit: count, width: 4, steps: none("red"), alert: "SopdUrgentPromiseBroken",
		about:   "People who have left and still have access that should be gone. Take it away in Okta now if sopd cannot, then find out why.",
		queries: []query{{expr: `sum(` + by + `(sopd_kpi_open{job="$job",sop="$leavers",state="breached"}))`}},
	}
}

func baselineLeft() panel {
	return panel{
		kind: number, title: "Baseline left to review", unit: count, width: 4,
		about:   "Memberships that were there before sopd and were adopted as they were. Each one ends by a review: a ticket, or removal.",
		queries: []query{{expr: `max(sopd_memberships{job="$job",state="baseline"})`}},
	}
}

func stages() panel {
	return panel{
		kind: lines, title: "Where requests wait", unit: count, width: 24, empty: "no request is open", alert: "SopdPromiseAtRisk",
		about:   "Open clocks of each stage. Approval waits for the owner, validation for the requester, provisioning for sopd: the last should be near zero.",
		queries: []query{{expr: `sum by (kpi, state) (` + seen("sop, kpi, severity, state", `sopd_kpi_open{`+request+`}`) + `)`, legend: "{{kpi}}, {{state}}"}},
	}
}

func leaversOpen() panel {
	return panel{
		kind: lines, title: "Leavers whose access is not gone", unit: count, width: 12, hues: standings(), alert: "SopdUrgentPromiseBroken",
		about:   "Clocks that run from the effective time until Okta shows all managed access gone. Should fall to zero within a pass or two.",
		queries: []query{{expr: `sum by (state) (max by (sop, kpi, severity, state) (sopd_kpi_open{job="$job",sop="$leavers"}))`, legend: "{{state}}"}},
	}
}

func leaversTime() panel {
	return panel{
		kind: lines, title: "How long until a leaver's access is gone", unit: "s", width: 12, alert: "SopdUrgentPromiseBroken", decades: true, empty: "nobody has left within this time",
		about:   "The time that nine of ten took; the broken line is the promise. Each dot is one leaver's last change: sopd explain tells its story.",
		queries: withDots(measured(`job="$job",sop="$leavers"`)),
	}
}

func memberships() panel {
	return panel{
		kind: lines, title: "Memberships by what speaks for them", unit: count, width: 12,
		hues:    []hue{{"granted", "green"}, {"baseline", "blue"}, {"drift", "red"}, {"foreign", "text"}},
		alert:   "SopdDriftStands",
		about:   "Granted by a ticket, baseline from before, drift by nobody, foreign left to a rule or an application. Baseline should fall, drift stay at zero.",
		queries: []query{{expr: `max by (state) (sopd_memberships{job="$job"})`, legend: "{{state}}"}},
	}
}

func findings() panel {
	return panel{
		kind: lines, title: "Findings that stand", unit: count, width: 12, empty: "nothing stands", alert: "SopdObjectsLeftAlone",
		about:   "Things that a person should look at, by kind. A finding ends by itself when its cause is gone.",
		queries: []query{{expr: seen("kind", `sopd_findings{job="$job"}`), legend: "{{kind}}"}},
	}
}

func changes() panel {
	return panel{
		kind: lines, title: "Changes in the last hour, by reason", unit: count, width: 12, empty: "no change within this time", hues: []hue{{"/: refused$/", "red"}}, alert: "SopdChangeRefused",
		about:   "What sopd did in Okta and why. Refused changes are Okta's no: the entitlement and the access differ until somebody acts.",
		queries: []query{{expr: lastHour("kind, reason, outcome", `sopd_changes_total{job="$job"}`), legend: "{{kind}}, {{reason}}: {{outcome}}"}},
	}
}

func waiting() panel {
	return panel{
		kind: lines, title: "Plans that wait, by guard", unit: count, width: 12, empty: "no plan waits", alert: "SopdHoldWaits",
		about:   "Which guard stops plans; one plan may trip several. The same guard again and again: the limit is wrong, or somebody does by hand what a ticket should do.",
		queries: []query{{expr: seen("guard", `sopd_holds{job="$job"}`), legend: "{{guard}}"}},
	}
}
