package jsmops

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// links name the next page; its path is not followed, only looked at.
type links struct {
	Next string `json:"next"`
}

// alertList is a page of alerts.
type alertList struct {
	Values *[]wireAlert `json:"values"`
	Links  links        `json:"links"`
}

// entryList is a page of notes or of a log.
//
// Source: JSM Operations API, schemas AlertNote and AlertLog.
type entryList struct {
	Values *[]wireEntry `json:"values"`
	Links  links        `json:"links"`
}

// wireEntry is a note, or an entry of a log.
type wireEntry struct {
	Note      string `json:"note"`
	Log       string `json:"log"`
	Owner     string `json:"owner"`
	CreatedAt moment `json:"createdAt"` // of a note
	LogTime   moment `json:"logTime"`   // of an entry of a log
}

// wireSchedule is an on-call schedule.
type wireSchedule struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

// scheduleList is a page of schedules.
type scheduleList struct {
	Values *[]wireSchedule `json:"values"`
	Links  links           `json:"links"`
}

// onCallAnswer is who is on call: account IDs as asked for, or participants should the vendor not flatten them.
type onCallAnswer struct {
	Users        *[]string      `json:"onCallUsers"`
	Participants *[]participant `json:"onCallParticipants"`
}

// participant is somebody on call, or a team or escalation with those who stand for it.
type participant struct {
	ID    string        `json:"id"`
	Type  string        `json:"type"`
	Below []participant `json:"onCallParticipants"`
}

// accepted is the answer to a write.
type accepted struct {
	ID string `json:"requestId"`
}

// statusAnswer is the state of a write.
//
// Source: field evidence, the Zabbix media type for JSM Operations: inside "data", as Opsgenie has it.
type statusAnswer struct {
	Data *struct {
		IsSuccess *bool  `json:"isSuccess"`
		AlertID   string `json:"alertId"`
	} `json:"data"`
}

// wireAlert is an alert, of a list or by itself.
//
// Source: JSM Operations API, schema AlertResponse. ackTime and closeTime are moments here, durations in Opsgenie.
type wireAlert struct {
	ID              string            `json:"id"`
	TinyID          string            `json:"tinyId"`
	Alias           string            `json:"alias"`
	Message         string            `json:"message"`
	Description     string            `json:"description"`
	Status          string            `json:"status"`
	Acknowledged    bool              `json:"acknowledged"`
	Tags            []string          `json:"tags"`
	Source          string            `json:"source"`
	Priority        string            `json:"priority"`
	CreatedAt       moment            `json:"createdAt"`
	UpdatedAt       moment            `json:"updatedAt"`
	AckTime         moment            `json:"ackTime"`
	CloseTime       moment            `json:"closeTime"`
	ExtraProperties map[string]string `json:"extraProperties"`
}

// alert translates w.
//
// Errors: [access.ErrMalformed] without an ID or with a status that is none.
func (w wireAlert) alert() (paging.Alert, error) {
	open, known := w.open()
	if w.ID == "" || !known {
		return paging.Alert{}, fmt.Errorf("jsmops: alert without ID or status: %w", access.ErrMalformed)
	}
	created := time.Time(w.CreatedAt)
	return paging.Alert{
		ID: paging.AlertID(w.ID), TinyID: w.TinyID, Alias: paging.Alias(w.Alias), Message: w.Message, Description: w.Description,
		Priority: priority(w.Priority), Open: open, Acknowledged: w.Acknowledged || w.Status == "acked", Tags: w.Tags, Source: w.Source,
		Created: created, Updated: time.Time(w.UpdatedAt), Details: w.ExtraProperties,
		AckAfter: since(created, w.AckTime), CloseAfter: since(created, w.CloseTime),
	}, nil
}

// open tells whether the alert still stands. Opsgenie has two statuses, here there are five.
func (w wireAlert) open() (open, known bool) {
	switch w.Status {
	case "open", "acked", "snoozed":
		return true, true
	case "resolved", "closed":
		return false, true
	default:
		return false, false
	}
}

// since returns the time from created to at; zero when either is not known.
func since(created time.Time, at moment) time.Duration {
	if created.IsZero() || time.Time(at).IsZero() {
		return 0
	}
	return max(time.Time(at).Sub(created), 0)
}

// priority reads "P1" to "P5"; 0 for anything else.
func priority(text string) paging.Priority {
	n, err := strconv.Atoi(strings.TrimPrefix(text, "P"))
	if err != nil || n < 1 || n > 5 {
		return 0
	}
	return paging.Priority(n)
}

// moment is a time that may be missing. It is then zero.
type moment time.Time

// UnmarshalJSON reads RFC 3339; anything else is the zero time. The error is always nil: one bad time must not hide a
// page of alerts.
func (m *moment) UnmarshalJSON(text []byte) error {
	*m = moment{}
	if at, err := time.Parse(time.RFC3339Nano, string(bytes.Trim(text, `"`))); err == nil {
		*m = moment(at.UTC())
	}
	return nil
}
