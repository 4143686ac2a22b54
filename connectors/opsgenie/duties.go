package opsgenie

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/opsgenie/opsgenie-go-sdk-v2/client"
	"github.com/opsgenie/opsgenie-go-sdk-v2/schedule"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// recipient is somebody who takes turns, or whom an escalation wakes. The field is "username" in rotations and overrides;
// what is no user has none.
//
// Source: docs.opsgenie.com, Schedule API and Escalation API, sample responses; opsgenie-oas, definition Recipient.
type recipient struct {
	Type     string `json:"type"`
	ID       string `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

// rotatingSchedules is every schedule with its rotations.
type rotatingSchedules struct {
	client.ResultMetadata
	Data *[]struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		Enabled   bool   `json:"enabled"`
		Rotations *[]struct {
			EndDate      time.Time   `json:"endDate"`
			Participants []recipient `json:"participants"`
		} `json:"rotations"`
	} `json:"data"`
}

// overrideList is the overrides of one schedule.
type overrideList struct {
	client.ResultMetadata
	Data *[]struct {
		User    recipient `json:"user"`
		EndDate time.Time `json:"endDate"`
	} `json:"data"`
}

// escalationList is every escalation.
type escalationList struct {
	client.ResultMetadata
	Data *[]struct {
		Name  string `json:"name"`
		Rules []struct {
			Recipient recipient `json:"recipient"`
		} `json:"rules"`
	} `json:"data"`
}

// Duties lists where people are named to be woken, from now on: rotations, overrides and escalations, in the vendor's order.
// Schedules that are disabled wake nobody and are left out. It costs two calls and one for each schedule.
//
// Errors: the causes of any read. On any error the list is nil: half of it would read as nobody being missed.
//
// Source: opsgenie-oas, paths /v2/schedules with expand=rotation, /v2/schedules/{identifier}/overrides, /v2/escalations.
func (p *Pager) Duties(ctx context.Context, now time.Time) ([]paging.Duty, error) {
	expand := true
	var answer rotatingSchedules
	if err := p.exec(ctx, &schedule.ListRequest{Expand: &expand}, &answer); err != nil {
		return nil, fmt.Errorf("listing rotations: %w", err)
	}
	if answer.Data == nil {
		return nil, fmt.Errorf("opsgenie: answer without a list of schedules: %w", access.ErrMalformed)
	}
	var all []paging.Duty
	for _, s := range *answer.Data {
		if !s.Enabled {
			continue
		}
		if s.ID == "" || s.Rotations == nil {
			return nil, fmt.Errorf("opsgenie: schedule without ID or rotations: %w", access.ErrMalformed)
		}
		var turns []recipient
		for _, r := range *s.Rotations {
			if r.EndDate.IsZero() || r.EndDate.After(now) {
				turns = append(turns, r.Participants...)
			}
		}
		all = append(all, rotating(s.Name, turns)...)
		over, err := p.overrides(ctx, s.ID, now)
		if err != nil {
			return nil, err
		}
		for _, d := range over {
			d.Where = s.Name
			all = append(all, d)
		}
	}
	escalations, err := p.escalations(ctx)
	if err != nil {
		return nil, err
	}
	return append(all, escalations...), nil
}

// rotating returns the users among those who take turns in a schedule, each once, and whether one is alone there. A team
// that takes turns is never nobody.
func rotating(name string, turns []recipient) []paging.Duty {
	others := make(map[string]bool)
	var users []string
	for _, r := range turns {
		key := r.Type + " " + r.ID
		if r.Username != "" {
			key = r.Type + " " + r.Username
		}
		if others[key] || r.Type == "none" {
			continue
		}
		others[key] = true
		if r.Type == "user" && r.Username != "" {
			users = append(users, r.Username)
		}
	}
	duties := make([]paging.Duty, 0, len(users))
	for _, u := range users {
		duties = append(duties, paging.Duty{Kind: paging.Rotation, Where: name, Person: u, Alone: len(others) == 1})
	}
	return duties
}

func (p *Pager) overrides(ctx context.Context, id string, now time.Time) ([]paging.Duty, error) {
	var answer overrideList
	err := p.exec(ctx, &schedule.ListScheduleOverrideRequest{ScheduleIdentifierType: schedule.Id, ScheduleIdentifier: id}, &answer)
	if err != nil {
		return nil, fmt.Errorf("listing overrides: %w", err)
	}
	if answer.Data == nil {
		return nil, fmt.Errorf("opsgenie: answer without a list of overrides: %w", access.ErrMalformed)
	}
	var all []paging.Duty
	for _, o := range *answer.Data {
		if o.User.Type == "user" && o.User.Username != "" && o.EndDate.After(now) {
			all = append(all, paging.Duty{Kind: paging.Override, Person: o.User.Username, Until: o.EndDate.UTC()})
		}
	}
	return all, nil
}

// listEscalations asks for every escalation; the SDK keeps its own request to itself.
//
// Source: opsgenie-go-sdk-v2 v1.2.23, escalation/request.go.
type listEscalations struct{ client.BaseRequest }

// Validate accepts the request.
func (*listEscalations) Validate() error { return nil }

// ResourcePath is the vendor's address of the list.
func (*listEscalations) ResourcePath() string { return "/v2/escalations" }

// Method is GET.
func (*listEscalations) Method() string { return http.MethodGet }

func (p *Pager) escalations(ctx context.Context) ([]paging.Duty, error) {
	var answer escalationList
	if err := p.exec(ctx, &listEscalations{}, &answer); err != nil {
		return nil, fmt.Errorf("listing escalations: %w", err)
	}
	if answer.Data == nil {
		return nil, fmt.Errorf("opsgenie: answer without a list of escalations: %w", access.ErrMalformed)
	}
	var all []paging.Duty
	for _, e := range *answer.Data {
		for _, r := range e.Rules {
			if person := r.Recipient.Username; r.Recipient.Type == "user" && person != "" {
				all = append(all, paging.Duty{Kind: paging.Escalation, Where: e.Name, Person: person})
			}
		}
	}
	return all, nil
}
