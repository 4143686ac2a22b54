package jsmops

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// taker is somebody who takes turns, stands in, or is woken.
//
// Source: developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2, schedules, schedule overrides and escalations.
type taker struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

func (r taker) user() bool { return r.Type == "user" && r.ID != "" }

// rotatingSchedule is a schedule with its rotations.
type rotatingSchedule struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Enabled   bool   `json:"enabled"`
	TeamID    string `json:"teamId"`
	Rotations *[]struct {
		EndDate      *time.Time `json:"endDate"`
		Participants []taker    `json:"participants"`
	} `json:"rotations"`
}

// wireOverride is an override of a schedule.
type wireOverride struct {
	Responder taker     `json:"responder"`
	EndDate   time.Time `json:"endDate"`
}

// wireEscalation is an escalation of a team.
type wireEscalation struct {
	Name  string `json:"name"`
	Rules []struct {
		Recipient taker `json:"recipient"`
	} `json:"rules"`
}

// Duties lists where people are named to be woken, from now on: rotations, overrides and escalations of the teams that the
// user sees. Schedules that are disabled wake nobody and are left out. It costs a call for each page of schedules, and one for
// each schedule and team.
//
// Errors: as [Pager.Schedules]. On any error the list is nil: half of it would read as nobody being missed.
//
// Source: developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2: GET /v1/schedules with expand=rotation,
// /v1/schedules/{scheduleId}/overrides, /v1/teams/{teamId}/escalations.
func (p *Pager) Duties(ctx context.Context, now time.Time) ([]paging.Duty, error) {
	schedules, err := pages[rotatingSchedule](ctx, p, "/schedules", url.Values{"expand": {"rotation"}})
	if err != nil {
		return nil, fmt.Errorf("listing rotations: %w", err)
	}
	var all []paging.Duty
	var teams []string
	for _, s := range schedules {
		if s.TeamID != "" {
			teams = append(teams, s.TeamID)
		}
		if !s.Enabled {
			continue
		}
		duties, err := p.dutiesOf(ctx, s, now)
		if err != nil {
			return nil, err
		}
		all = append(all, duties...)
	}
	slices.Sort(teams)
	for _, team := range slices.Compact(teams) {
		escalations, err := pages[wireEscalation](ctx, p, "/teams/"+url.PathEscape(team)+"/escalations", url.Values{})
		if err != nil {
			return nil, fmt.Errorf("listing escalations: %w", err)
		}
		for _, e := range escalations {
			for _, r := range e.Rules {
				if r.Recipient.user() {
					all = append(all, paging.Duty{Kind: paging.Escalation, Where: e.Name, Person: r.Recipient.ID})
				}
			}
		}
	}
	return all, nil
}

func (p *Pager) dutiesOf(ctx context.Context, s rotatingSchedule, now time.Time) ([]paging.Duty, error) {
	if !requestID(s.ID) || s.Rotations == nil {
		return nil, fmt.Errorf("jsmops: schedule without ID or rotations: %w", access.ErrMalformed)
	}
	turns := make(map[taker]bool)
	var all []paging.Duty
	for _, r := range *s.Rotations {
		if r.EndDate != nil && !r.EndDate.After(now) {
			continue
		}
		for _, who := range r.Participants {
			if who.user() && !turns[who] {
				all = append(all, paging.Duty{Kind: paging.Rotation, Where: s.Name, Person: who.ID})
			}
			if who.Type != "noone" {
				turns[who] = true
			}
		}
	}
	for i := range all {
		all[i].Alone = len(turns) == 1 // a team that takes turns is never nobody
	}
	overrides, err := pages[wireOverride](ctx, p, "/schedules/"+s.ID+"/overrides", url.Values{})
	if err != nil {
		return nil, fmt.Errorf("listing overrides: %w", err)
	}
	for _, o := range overrides {
		if o.Responder.user() && o.EndDate.After(now) {
			all = append(all, paging.Duty{Kind: paging.Override, Where: s.Name, Person: o.Responder.ID, Until: o.EndDate.UTC()})
		}
	}
	return all, nil
}

// pages reads a whole list.
//
// Errors: [access.ErrIncomplete] when the pages do not lead to an end, [access.ErrMalformed], and the causes of any read.
func pages[T any](ctx context.Context, p *Pager, below string, query url.Values) ([]T, error) {
	var all []T
	var guard transport.Pages
	query.Set("size", strconv.Itoa(pageSize))
	for offset := 0; ; offset += pageSize {
		if err := guard.Next(strconv.Itoa(offset)); err != nil {
			return nil, err
		}
		query.Set("offset", strconv.Itoa(offset))
		var answer struct {
			Values *[]json.RawMessage `json:"values"`
			Links  links              `json:"links"`
		}
		if err := p.read(ctx, below, query, &answer); err != nil {
			return nil, err
		}
		if answer.Values == nil {
			return nil, fmt.Errorf("jsmops: answer without a list: %w", access.ErrMalformed)
		}
		for _, raw := range *answer.Values {
			var one T
			if err := json.Unmarshal(raw, &one); err != nil {
				return nil, fmt.Errorf("jsmops: list with something else in it: %w", access.ErrMalformed)
			}
			all = append(all, one)
		}
		if answer.Links.Next == "" && len(*answer.Values) < pageSize {
			return all, nil
		}
		if len(*answer.Values) == 0 {
			return nil, fmt.Errorf("jsmops: empty page that announces another: %w", access.ErrIncomplete)
		}
	}
}
