package dashboards

func daemon() board {
	return board{
		uid: "sopd-daemon", title: "The daemon itself",
		about: "Is the control alive: does sopd see, may it write, does its work get done, is its ledger signed. When something here is red, the other boards cannot be believed.",
		rows: []row{
			{"Now", []panel{lastGoodPass(4), lastAttempt(), storeUp(), writes(), guardsOff(), anchorAge(), replicas(), lastBackup(), lastRestore(), restoreTime()}},
			{"Passes", []panel{passes(), passTime()}},
			{"Vendors", []panel{requests(), budgets(), lastAnswer(), requestTime(), polls(), webhooks()}},
			{"Work and ledger", []panel{queue(), oldestWork(), records()}},
		},
	}
}

// ages turns red at the limit of its alert and orange at half of it.
func ages(limit float64) []step { return []step{{limit / 2, "orange"}, {limit, "red"}} }

const (
	blindSeconds      = 600    // SopdBlind and SopdLoopStopped
	queueSeconds      = 900    // SopdQueueOld
	unanchoredSeconds = 90000  // SopdLedgerUnanchored: a day and an hour
	pollSeconds       = 1800   // SopdPollBehind
	backupSeconds     = 3600   // SopdBackupOverdue
	restoreSeconds    = 691200 // SopdRestoreTestOverdue: eight days
	recoverySeconds   = 14400  // SopdRestoreTooSlow: what is promised for a recovery
)

func lastGoodPass(width uint32) panel {
	return panel{
		kind: number, title: "Last time everything was read", unit: "s", width: width, steps: ages(blindSeconds), alert: "SopdBlind",
		about:   "Since then sopd is blind: nobody is granted or loses access and no figure here moves. Look which vendor gives no answer.",
		queries: []query{{expr: since("sopd_pass_last_success_timestamp_seconds")}},
	}
}

func lastAttempt() panel {
	return panel{
		kind: number, title: "Last pass began", unit: "s", width: 4, steps: ages(blindSeconds), alert: "SopdLoopStopped",
		about:   "When this grows the loop stands still: a pass hangs, or no replica leads. Read the log's last lines, then restart.",
		queries: []query{{expr: since("sopd_pass_last_attempt_timestamp_seconds")}},
	}
}

func storeUp() panel {
	return panel{
		kind: number, title: "Store", unit: count, width: 4, steps: []step{{0, "red"}, {1, "green"}}, alert: "SopdStoreDown",
		about: "Whether every replica can read its store. Without it nothing is changed. Look at the disk, or at PostgreSQL.",
		words: map[string]string{"0": "cannot be read", "1": "answers"}, queries: []query{{expr: `min(sopd_store_up{job="$job"})`}},
	}
}

func writes() panel {
	return panel{
		kind: number, title: "Writes", unit: count, width: 4, steps: []step{{0, "orange"}, {1, "green"}}, alert: "SopdWritesOff",
		about: "Off means that sopd records what it would do and changes nothing: right while you adopt it, wrong afterwards. SOPD_WRITE sets it.",
		words: map[string]string{"0": "only watches", "1": "on"}, queries: []query{{expr: `max(sopd_writes_enabled{job="$job"})`}},
	}
}

func guardsOff() panel {
	return panel{
		kind: number, title: "Guards switched off", unit: count, width: 4, steps: none("red"), alert: "SopdGuardOff",
		about:   "Limits that a policy has switched off: a mistake is then carried out whatever its size. sopd check names them; switch them on again.",
		queries: []query{{expr: `sum(max by (guard) (sopd_guard_disabled{job="$job"}))`}},
	}
}

func anchorAge() panel {
	return panel{
		kind: number, title: "Ledger last signed", unit: "s", width: 4, steps: ages(unanchoredSeconds), alert: "SopdLedgerUnanchored",
		about:   "Records since then could be cut off unseen. Expected once a day; never means that there is no signing key: sopd keys generate makes one.",
		queries: []query{{expr: since("sopd_ledger_last_anchor_timestamp_seconds")}},
	}
}

func replicas() panel {
	return panel{
		kind: number, title: "Replicas", unit: count, width: 6, steps: []step{{0, "red"}, {1, "green"}}, alert: "SopdReplicaDown",
		about:   "Processes that Prometheus reaches. One of them decides and writes, the others stand by; with a single one, nobody takes over.",
		queries: []query{{expr: `sum(up{job="$job"})`}},
	}
}

// backedUp keeps a figure only where sopd makes backups itself.
const backedUp = ` and on () max(sopd_backups_enabled{job="$job"}) == 1`

const noBackups = "not by sopd"

func lastBackup() panel {
	return panel{
		kind: number, title: "Last backup", unit: "s", width: 6, steps: ages(backupSeconds), alert: "SopdBackupOverdue", empty: noBackups,
		about:   "Since the newest backup that was read back whole; after a loss, sopd would know nothing newer. PostgreSQL is backed up by its own tools.",
		queries: []query{{expr: since("sopd_backup_last_success_timestamp_seconds") + backedUp}},
	}
}

func lastRestore() panel {
	return panel{
		kind: number, title: "Last restore test", unit: "s", width: 6, steps: ages(restoreSeconds), alert: "SopdRestoreTestOverdue", empty: noBackups,
		about:   "Since a backup was last restored to prove that it can be. Expected once a week; read why the last one failed in the log.",
		queries: []query{{expr: since("sopd_restore_test_last_success_timestamp_seconds") + backedUp}},
	}
}

func restoreTime() panel {
	return panel{
		kind: number, title: "A restore takes", unit: "s", width: 6, steps: ages(recoverySeconds), alert: "SopdRestoreTooSlow", empty: noBackups,
		about:   "What the last restore test took, from the file to a verified store. The promise for a recovery is four hours.",
		queries: []query{{expr: `max(sopd_restore_test_duration_seconds{job="$job"}) > 0` + backedUp}},
	}
}

func passes() panel {
	return panel{
		kind: lines, title: "Passes in five minutes, by result", unit: count, width: 12,
		hues:    []hue{{"succeeded", "green"}, {"partial", "yellow"}, {"held", "orange"}, {"failed", "red"}, {"standby", "text"}},
		alert:   "SopdPassesFail",
		about:   "Failed passes read too little to decide anything. Some are weather; none that succeed means blindness.",
		queries: []query{{expr: `sum by (result) (increase(sopd_passes_total{job="$job"}[5m]))`, legend: "{{result}}"}},
	}
}

func passTime() panel {
	return panel{
		kind: lines, title: "How long passes take", unit: "s", width: 12, steps: []step{{300, "orange"}}, alert: "SopdLoopStopped",
		about: "Median and slowest twentieth. Passes that take minutes are full reads or a vendor that is slow: compare with the vendors below.",
		queries: []query{
			{expr: `histogram_quantile(0.5, sum by (le) (rate(sopd_pass_duration_seconds_bucket{job="$job"}[5m])))`, legend: "median"},
			{expr: `histogram_quantile(0.95, sum by (le) (rate(sopd_pass_duration_seconds_bucket{job="$job"}[5m])))`, legend: "19 of 20"},
		},
	}
}

func requests() panel {
	return panel{
		kind: lines, title: "Requests to vendors, by how they ended", unit: "reqps", width: 12, alert: "SopdConnectorFails",
		about:   "unauthenticated and denied: a credential ended or lost a right. unavailable: the vendor. malformed: it answers what it should not.",
		queries: []query{{expr: `sum by (connector, outcome) (rate(sopd_connector_requests_total{job="$job"}[5m])) > 0`, legend: "{{connector}}, {{outcome}}"}},
	}
}

func budgets() panel {
	return panel{
		kind: lines, title: "Share of requests that were throttled", unit: "percentunit", width: 12, softTop: 0.3, steps: []step{{0.05, "orange"}, {0.25, "red"}}, alert: "SopdConnectorFails",
		about:   "The vendor's rate limit. sopd waits as it is told; when this stays up, somebody else uses the same budget, or the interval is too short.",
		queries: []query{{expr: `sum by (connector) (rate(sopd_connector_requests_total{job="$job",outcome="throttled"}[5m])) / sum by (connector) (rate(sopd_connector_requests_total{job="$job"}[5m]))`, legend: "{{connector}}"}},
	}
}

func lastAnswer() panel {
	return panel{
		kind: lines, title: "Since a vendor's last good answer", unit: "s", width: 12, steps: ages(blindSeconds), alert: "SopdConnectorFails",
		about:   "Okta and Jira are asked in every pass. The pager is asked only when there is something to say, so its line may climb in quiet times.",
		queries: []query{{expr: `time() - (max by (connector) (sopd_connector_last_success_timestamp_seconds{job="$job"}) > 0)`, legend: "{{connector}}"}},
	}
}

func polls() panel {
	return panel{
		kind: lines, title: "How far behind each poll is", unit: "s", width: 12, steps: ages(pollSeconds), alert: "SopdPollBehind",
		about:   "Since the time up to which each poll has read its vendor. A line that climbs alone: that poll fails in every pass, read why in the log.",
		queries: []query{{expr: `time() - (max by (poll) (sopd_poll_last_timestamp_seconds{job="$job"}) > 0)`, legend: "{{poll}}"}},
	}
}

func requestTime() panel {
	return panel{
		kind: lines, title: "How long a vendor takes to answer", unit: "s", width: 12, alert: "SopdConnectorFails",
		about:   "The slowest twentieth of requests, each attempt apart. Slow everywhere at once is this side of the line.",
		queries: []query{{expr: `histogram_quantile(0.95, sum by (le, connector) (rate(sopd_connector_request_duration_seconds_bucket{job="$job"}[5m])))`, legend: "{{connector}}, 19 of 20"}},
	}
}

func queue() panel {
	return panel{
		kind: lines, title: "Stored work that is not done", unit: count, width: 12, empty: "all work is done", hues: []hue{{"parked", "red"}}, alert: "SopdWorkParked",
		about:   "parked was tried as often as is allowed and waits for a person. The others drain by themselves within minutes.",
		queries: []query{{expr: seen("kind", `sopd_queue_depth{job="$job"}`), legend: "{{kind}}"}},
	}
}

func oldestWork() panel {
	return panel{
		kind: lines, title: "Age of the oldest work", unit: "s", width: 12, steps: ages(queueSeconds), alert: "SopdQueueOld",
		about:   "Comments, pages or webhooks that are late. Look at the vendor they go to, and at parked work.",
		queries: []query{{expr: `max(sopd_queue_oldest_seconds{job="$job"})`, legend: "oldest"}},
	}
}

func webhooks() panel {
	return panel{
		kind: lines, title: "Webhooks in the last hour", unit: count, width: 12, empty: "no webhook within this time", hues: []hue{{"/unauthenticated$/", "red"}}, alert: "SopdWebhooksRefused",
		about:   "unauthenticated: the secret was changed on one side only, or somebody tries the door. None at all: polling goes on, only slower.",
		queries: []query{{expr: `sum by (source, result) (increase(sopd_webhook_events_total{job="$job"}[1h])) > 0`, legend: "{{source}}, {{result}}"}},
	}
}

func records() panel {
	return panel{
		kind: lines, title: "Records in the ledger", unit: count, width: 24, alert: "SopdLedgerUnanchored",
		about:   "Only ever grows. A fall means that another store is read or the ledger was cut: stop, and run sopd evidence verify.",
		queries: []query{{expr: `max(sopd_ledger_records_total{job="$job"})`, legend: "records"}},
	}
}
