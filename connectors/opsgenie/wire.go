package opsgenie

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/opsgenie/opsgenie-go-sdk-v2/client"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// The answers have our own types in place of the SDK's: those lack the paging of a list, cannot tell a missing list from
// an empty one, and fail on the whole page when one time in it is an empty string.

// alertList is a page of alerts.
type alertList struct {
	client.ResultMetadata
	Data   *[]wireAlert `json:"data"`
	Paging struct {
		Next string `json:"next"`
	} `json:"paging"`
}

// alertAnswer is one alert.
type alertAnswer struct {
	client.ResultMetadata
	Data *wireAlert `json:"data"`
}

// entryList is a page of notes or of a log.
//
// Source: opsgenie-oas, definitions AlertNote and AlertLog.
type entryList struct {
	client.ResultMetadata
	Data   *[]wireEntry `json:"data"`
	Paging struct {
		Next string `json:"next"`
	} `json:"paging"`
}

// wireEntry is a note, or an entry of a log.
type wireEntry struct {
	Note      string `json:"note"`
	Log       string `json:"log"`
	Owner     string `json:"owner"`
	CreatedAt moment `json:"createdAt"`
}

// accepted is the answer to a write. The SDK fills in RequestId from the header X-Request-Id when there is one.
type accepted struct {
	client.ResultMetadata
	Data   json.RawMessage `json:"data"`
	Result string          `json:"result"`
	ID     string          `json:"requestId"`
}

// statusAnswer is the state of a write.
type statusAnswer struct {
	client.ResultMetadata
	Data *struct {
		IsSuccess *bool  `json:"isSuccess"`
		AlertID   string `json:"alertId"`
	} `json:"data"`
}

// scheduleList is every schedule.
type scheduleList struct {
	client.ResultMetadata
	Data *[]struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Enabled bool   `json:"enabled"`
		// OwnerTeam is absent when the schedule belongs to nobody. Source: opsgenie-oas, definitions Schedule and TeamMeta.
		OwnerTeam struct {
			Name string `json:"name"`
		} `json:"ownerTeam"`
	} `json:"data"`
}

// onCallAnswer is who is on call, flat.
type onCallAnswer struct {
	client.ResultMetadata
	Data *struct {
		Parent struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"_parent"`
		Recipients []string `json:"onCallRecipients"`
	} `json:"data"`
}

// wireAlert is an alert, of a list or by itself.
//
// Source: docs.opsgenie.com/docs/alert-api; opsgenie-oas, definition Alert. That ackTime and closeTime are milliseconds is
// field evidence, no vendor's sentence says so.
type wireAlert struct {
	ID           string            `json:"id"`
	TinyID       string            `json:"tinyId"`
	Alias        string            `json:"alias"`
	Message      string            `json:"message"`
	Description  string            `json:"description"`
	Status       string            `json:"status"`
	Acknowledged bool              `json:"acknowledged"`
	Tags         []string          `json:"tags"`
	Source       string            `json:"source"`
	Priority     string            `json:"priority"`
	CreatedAt    moment            `json:"createdAt"`
	UpdatedAt    moment            `json:"updatedAt"`
	Details      map[string]string `json:"details"`
	Report       struct {
		AckTime   int64 `json:"ackTime"`
		CloseTime int64 `json:"closeTime"`
	} `json:"report"`
}

// alert translates w.
//
// Errors: [access.ErrMalformed] without an ID or with a status that is none.
func (w wireAlert) alert() (paging.Alert, error) {
	if w.ID == "" || w.Status != "open" && w.Status != "closed" {
		return paging.Alert{}, fmt.Errorf("opsgenie: alert without ID or status: %w", access.ErrMalformed)
	}
	return paging.Alert{
		ID: paging.AlertID(w.ID), TinyID: w.TinyID, Alias: paging.Alias(w.Alias), Message: w.Message, Description: w.Description,
		Priority: priority(w.Priority), Open: w.Status == "open", Acknowledged: w.Acknowledged, Tags: w.Tags, Source: w.Source,
		Created: time.Time(w.CreatedAt), Updated: time.Time(w.UpdatedAt), Details: w.Details,
		AckAfter: milliseconds(w.Report.AckTime), CloseAfter: milliseconds(w.Report.CloseTime),
	}, nil
}

func milliseconds(n int64) time.Duration { return max(time.Duration(n), 0) * time.Millisecond }

// priority reads "P1" to "P5"; 0 for anything else.
func priority(text string) paging.Priority {
	n, err := strconv.Atoi(strings.TrimPrefix(text, "P"))
	if err != nil || n < 1 || n > 5 {
		return 0
	}
	return paging.Priority(n)
}

// moment is a time that may be missing: the vendor sends an empty string for it now and then. It is then zero.
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
