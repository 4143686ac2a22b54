package dashboards

// The choices of the boards about promises.
func promiseChoices(sop choice) []choice {
	return []choice{
		sop,
		{name: "severity", title: "Severity", label: "severity"},
		{name: "window", title: "Kept over", values: []string{"30d", "90d", "365d"}},
	}
}

// promise selects the figures of the chosen promises.
const promise = `job="$job",sop=~"$sop",severity=~"$severity"`

// by joins replicas, which export the same figures.
const by = `max by (sop, kpi, severity) `

func overview() board {
	return board{
		uid: "sopd-overview", title: "SOP overview",
		about:   "Each promise of the SOPs: kept, open, about to break, broken. Begin at the top left: what is red needs somebody now.",
		choices: promiseChoices(choice{name: "sop", title: "SOP", label: "sop"}),
		rows: []row{
			{"Now", []panel{brokenNow(), soonBroken(), openNow(), worstKept(), lastGoodPass(6)}},
			{"Each promise", []panel{promises()}},
			{"Over time", []panel{kept(), standing(), howLong("How long it takes", promise), oldestOpen(), ended(), coverage()}},
		},
	}
}

func brokenNow() panel {
	return panel{
		kind: number, title: "Broken and still open", unit: count, width: 6, steps: none("red"), alert: "SopdPromiseBroken",
		about:   "Work that is past its promise and not done. Find it with sopd kpi, finish it, and write down why it was late.",
		queries: []query{{expr: `sum(` + by + `(sopd_kpi_open{` + promise + `,state="breached"}))`}},
	}
}

func soonBroken() panel {
	return panel{
		kind: number, title: "About to break", unit: count, width: 4, steps: none("orange"), alert: "SopdPromiseAtRisk",
		about:   "Work that will soon be late. There is still time: sopd kpi names the ticket and for whom it waits; ask them.",
		queries: []query{{expr: `sum(` + by + `(sopd_kpi_open{` + promise + `,state="at_risk"}))`}},
	}
}

func openNow() panel {
	return panel{
		kind: number, title: "Open", unit: count, width: 4,
		about:   "All work whose clock runs. Nothing to do by itself; a steady climb means that more comes in than gets done.",
		queries: []query{{expr: `sum(max by (sop, kpi, severity, state) (sopd_kpi_open{` + promise + `}))`}},
	}
}

func worstKept() panel {
	return panel{
		kind: number, title: "Worst-kept promise", unit: "percentunit", width: 4, steps: keptScale(), alert: "SopdPromiseBroken",
		about:   "The promise that was kept least often in the chosen window, open breaches counted. The table below says which it is.",
		queries: []query{{expr: `min(sopd_kpi_attainment_ratio{` + promise + `,window="$window"})`}},
	}
}

// keptScale is green only when every promise was kept; below 19 of 20 it is red.
func keptScale() []step { return []step{{0, "red"}, {0.95, "orange"}, {1, "green"}} }

// clock writes seconds as hours, minutes and seconds: 40 hours of work are not to be read as a day and two thirds.
const clock = "dthms"

// tenth is the time that nine of ten took, of the promises that were measured at all within what is shown.
func tenth(selector string) string {
	return `histogram_quantile(0.9, max by (le, sop, kpi, severity) (increase(sopd_kpi_duration_seconds_bucket{` + selector + `}[$__range]))) >= 0`
}

// measured are the two lines of how long something takes: what nine of ten took, and what was promised for the same.
func measured(selector string) []query {
	return []query{
		{expr: tenth(selector), legend: "{{kpi}} {{severity}}"},
		{expr: by + `(sopd_kpi_target_seconds{` + selector + `}) and ` + tenth(selector), legend: "{{kpi}} {{severity}}" + promised},
	}
}

// withDots adds a dot with its change ID for each piece of work that changed access.
func withDots(lines []query) []query {
	lines[0].exemplars = true
	return lines
}

func promises() panel {
	open := func(state string) string {
		return by + `(sopd_kpi_open{` + promise + `,state="` + state + `"})`
	}
	done := func(outcome string) string {
		return by + `(sopd_kpi_completed_total{` + promise + `,outcome="` + outcome + `"})`
	}
	return panel{
		kind: listed, title: "Promises, next to break first", unit: count, width: 24, alert: "SopdPromiseAtRisk",
		about: "One line a promise. Work from the top: about to break, then broken. A target of business days is shown in working time; " +
			"the oldest is shown in time on the wall, so compare the two only where the promise counts nights and weekends. Times are hours:minutes:seconds.",
		queries: []query{
			{expr: open("at_risk"), legend: "About to break", steps: none("orange")},
			{expr: open("breached"), legend: "Broken, open", steps: none("red")},
			{expr: open("on_track"), legend: "On track"},
			{expr: by + `(sopd_kpi_oldest_open_seconds{` + promise + `} > 0)`, legend: "Oldest open", unit: clock},
			{expr: by + `(sopd_kpi_target_seconds{` + promise + `})`, legend: "Target", unit: clock},
			{expr: tenth(promise), legend: "9 of 10 took", unit: clock},
			{expr: by + `(sopd_kpi_attainment_ratio{` + promise + `,window="$window"})`, legend: "Kept", unit: "percentunit", steps: keptScale()},
			{expr: done("met"), legend: "Ever kept"},
			{expr: done("breached"), legend: "Ever broken"},
		},
	}
}

func kept() panel {
	return panel{
		kind: lines, title: "Kept", unit: "percentunit", width: 12, softTop: 1, empty: "nothing has ended within the window", steps: keptScale(), alert: "SopdPromiseBroken",
		about:   "Share of promises kept in the chosen window. A fall that does not come back is a habit, not an accident: bring it to the SOP's owner.",
		queries: []query{{expr: by + `(sopd_kpi_attainment_ratio{` + promise + `,window="$window"})`, legend: "{{sop}} {{kpi}} {{severity}}"}},
	}
}

func standing() panel {
	return panel{
		kind: lines, title: "Open work by how it stands", unit: count, width: 12, hues: standings(), alert: "SopdPromiseAtRisk",
		about:   "Work whose clock runs. At risk that turns into breached again and again: the warning comes too late, set it earlier in the policy.",
		queries: []query{{expr: `sum by (state) (max by (sop, kpi, severity, state) (sopd_kpi_open{` + promise + `}))`, legend: "{{state}}"}},
	}
}

// howLong draws the slowest tenth against the target. The promise is the line to stay under.
func howLong(title, selector string) panel {
	return panel{
		kind: lines, title: title, unit: "s", width: 24, alert: "SopdPromiseBroken", decades: true, empty: "nothing has ended within this time",
		about: "The time that nine of ten took, in the promise's own time (business days stand still at night); the broken lines are the promises. " +
			"Each dot is one piece of work: its change_id goes into sopd explain, which tells its whole story. The axis goes in steps of ten.",
		queries: withDots(measured(selector)),
	}
}

func oldestOpen() panel {
	return panel{
		kind: lines, title: "Age of the oldest open work", unit: "s", width: 12, empty: "nothing is open", alert: "SopdPromiseBroken",
		about:   "On the wall clock, whatever the promise's calendar. A line that climbs for days is work that nobody owns: sopd kpi names it.",
		queries: []query{{expr: by + `(sopd_kpi_oldest_open_seconds{` + promise + `} > 0)`, legend: "{{sop}} {{kpi}} {{severity}}"}},
	}
}

func ended() panel {
	return panel{
		kind: lines, title: "Ended in the last hour", unit: count, width: 12, hues: standings(),
		about:   "Work that was finished, in time or late. Nothing for a long time while work is open: look whether sopd still sees the tickets.",
		queries: []query{{expr: `sum by (outcome) (max by (sop, kpi, severity, outcome) (increase(sopd_kpi_completed_total{` + promise + `}[1h])))`, legend: "{{outcome}}"}},
	}
}

// coverage draws the shares that have no clock: what is complete of all that has come to where it has to be.
func coverage() panel {
	return panel{
		kind: lines, title: "Complete tickets", unit: "percentunit", width: 24, steps: keptScale(), softTop: 1, alert: "SopdCoverageIncomplete",
		empty: "no ticket has come to where it has to be complete",
		about: "Share of tickets that have everything their procedure asks for, such as vendors with all of the due diligence. " +
			"Below all of them: sopd kpi lists the tickets and what each lacks; ask their owners for it.",
		queries: []query{{expr: `max by (sop, kpi) (sopd_kpi_coverage_ratio{job="$job",sop=~"$sop"})`, legend: "{{sop}} {{kpi}}"}},
	}
}
