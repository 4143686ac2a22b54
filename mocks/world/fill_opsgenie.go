package world

import (
	"time"

	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// The on-call schedules.
const (
	ScheduleSecurity = "Security Operations"
	SchedulePlatform = "Platform"
)

// pastAlert is an alert that people dealt with.
type pastAlert struct {
	daysAgo     int
	message     string
	priority    string
	schedule    string
	by          string // who acknowledged and closed it
	ack, closed time.Duration
}

var pastAlerts = []pastAlert{
	{118, "Payment provider answers slowly", "P2", SchedulePlatform, "yuki", 6 * time.Minute, 74 * time.Minute},
	{87, "Many failed sign-ins for one account", "P2", ScheduleSecurity, "tariq", 4 * time.Minute, 41 * time.Minute},
	{59, "Disk of the build pipeline almost full", "P3", SchedulePlatform, "marek", 19 * time.Minute, 3 * time.Hour},
	{41, "Administrator role granted at night", "P1", ScheduleSecurity, "noor", 3 * time.Minute, 52 * time.Minute},
	{16, "Backup of the ledger finished late", "P4", SchedulePlatform, "leila", 2 * time.Hour, 7 * time.Hour},
	{5, "Sign-in from an unusual country", "P3", ScheduleSecurity, "wen", 11 * time.Minute, 95 * time.Minute},
	{1, "Certificate of the test shop ends in three weeks", "P5", SchedulePlatform, "paula", 3 * time.Hour, 0}, // still open
}

func (w *World) fillOpsgenie() {
	ids := map[string]string{ScheduleSecurity: uuid(ScheduleSecurity), SchedulePlatform: uuid(SchedulePlatform)}
	w.Opsgenie.AddSchedule(opsgeniemock.Schedule{ID: ids[ScheduleSecurity], Name: ScheduleSecurity, Team: ScheduleSecurity, Timezone: paris, OnCall: []string{login("tariq")}})
	w.Opsgenie.AddSchedule(opsgeniemock.Schedule{ID: ids[SchedulePlatform], Name: SchedulePlatform, Team: SchedulePlatform, Timezone: paris, OnCall: []string{login("yuki")}})
	for n, a := range pastAlerts {
		w.Opsgenie.AddAlert(opsgeniemock.Alert{
			ID: a.alertID(n), Message: a.message, Priority: a.priority, Source: "monitoring",
			Tags: []string{"monitoring"}, Responders: []opsgeniemock.Responder{{Type: "schedule", ID: ids[a.schedule], Name: a.schedule}},
			Created:  w.alertBegan(n),
			AckAfter: a.ack, CloseAfter: a.closed, AcknowledgedBy: login(a.by), ClosedBy: closedBy(a),
		})
	}
}

// fillJSMOps fills the pager that Maison RMI is moving to: the same people are on call, and one old alert shows that the
// account sees something.
func (w *World) fillJSMOps() {
	for name, person := range map[string]string{ScheduleSecurity: "tariq", SchedulePlatform: "yuki"} {
		w.JSMOps.AddSchedule(jsmopsmock.Schedule{ID: uuid("jsm " + name), Name: name, Timezone: paris, OnCall: []string{string(account(person))}})
	}
	w.JSMOps.AddAlert(jsmopsmock.Alert{
		Message: "Trial of the new pager", Priority: "P5", Source: "trial", Created: w.start.AddDate(0, 0, -3), AckAfter: time.Minute, CloseAfter: time.Hour,
	})
}

// OnCall puts somebody on call in the pager that Maison RMI is moving to. Nothing changes in the old one.
//
// Errors: [ErrUnknown].
func (w *World) OnCall(schedule, person string) error {
	p, err := find(person)
	if err != nil {
		return err
	}
	w.JSMOps.SetOnCall(uuid("jsm "+schedule), string(p.Account))
	return nil
}

func closedBy(a pastAlert) string {
	if a.closed == 0 {
		return ""
	}
	return login(a.by)
}

// uuid makes an identifier in the shape of Opsgenie's out of a name.
func uuid(name string) string {
	h := string(account("opsgenie " + name))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:24] + h[:8]
}
