package opsgenie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	"github.com/opsgenie/opsgenie-go-sdk-v2/client"
	"github.com/opsgenie/opsgenie-go-sdk-v2/schedule"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// OnCall returns who answers for a schedule now: e-mail addresses, sorted, none when nobody does.
//
// Errors: [access.ErrInvalid] for an ID that is none, [access.ErrNotFound], and the causes of any read.
func (p *Pager) OnCall(ctx context.Context, id paging.ScheduleID) (paging.OnCall, error) {
	if !requestID(string(id)) {
		return paging.OnCall{}, fmt.Errorf("opsgenie: schedule ID must be letters, digits and hyphens: %w", access.ErrInvalid)
	}
	// The SDK panics without Flat, and takes the identifier for a name unless told.
	flat := true
	var answer onCallAnswer
	err := p.exec(ctx, &schedule.GetOnCallsRequest{Flat: &flat, ScheduleIdentifierType: schedule.Id, ScheduleIdentifier: string(id)}, &answer)
	if err != nil {
		return paging.OnCall{}, fmt.Errorf("reading who is on call: %w", err)
	}
	if answer.Data == nil || answer.Data.Parent.ID == "" {
		return paging.OnCall{}, fmt.Errorf("opsgenie: answer without a schedule: %w", access.ErrMalformed)
	}
	people := slices.Clone(answer.Data.Recipients)
	slices.Sort(people)
	return paging.OnCall{Schedule: answer.Data.Parent.Name, People: people}, nil
}

// Schedules lists the on-call schedules by name. The vendor gives them on one page.
//
// Errors: the causes of any read. On any error the list is nil.
func (p *Pager) Schedules(ctx context.Context) ([]paging.Schedule, error) {
	expand := false // the SDK panics without it
	var answer scheduleList
	if err := p.exec(ctx, &schedule.ListRequest{Expand: &expand}, &answer); err != nil {
		return nil, fmt.Errorf("listing schedules: %w", err)
	}
	if answer.Data == nil {
		return nil, fmt.Errorf("opsgenie: answer without a list: %w", access.ErrMalformed)
	}
	all := make([]paging.Schedule, 0, len(*answer.Data))
	for _, s := range *answer.Data {
		if s.ID == "" {
			return nil, fmt.Errorf("opsgenie: schedule without ID: %w", access.ErrMalformed)
		}
		all = append(all, paging.Schedule{ID: paging.ScheduleID(s.ID), Name: s.Name, Enabled: s.Enabled, Team: s.OwnerTeam.Name})
	}
	slices.SortFunc(all, func(a, b paging.Schedule) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// The rights of an API key, as the vendor's console names them.
const (
	readRight   = `give the API key the right "Read"`
	configRight = `give the API key the right "Configuration access"`
	writeRight  = `give the API key the right "Create and update"`
)

// Check reads once what the connector reads, and reports what it may not. It changes nothing, so the right to write is
// not looked at: see [Pager.CheckWrites].
func (p *Pager) Check(ctx context.Context) []access.Problem {
	expand := false
	return p.probe(ctx,
		probe{"list alerts", readRight, &alert.ListAlertRequest{Limit: 1}, &alertList{}},
		probe{"list schedules", configRight, &schedule.ListRequest{Expand: &expand}, &scheduleList{}})
}

// absent is the ID of no alert: the vendor's end in a time, which this one does not.
const absent = "sopd-check-of-the-right-to-write"

// CheckWrites reports when the API key may not write, by acknowledging an alert that does not exist. The vendor accepts
// that, and finds nothing to change.
func (p *Pager) CheckWrites(ctx context.Context) []access.Problem {
	return p.probe(ctx, probe{"write to alerts", writeRight, &alert.AcknowledgeAlertRequest{IdentifierType: alert.ALERTID, IdentifierValue: absent}, &accepted{}})
}

// probe is a request that shows whether a right is there.
type probe struct {
	what, fix string
	req       client.ApiRequest
	into      client.ApiResult
}

// probe makes the requests. A key that is not accepted at all is one problem, not one for each right.
func (p *Pager) probe(ctx context.Context, all ...probe) []access.Problem {
	var problems []access.Problem
	for _, one := range all {
		err := p.exec(ctx, one.req, one.into)
		switch {
		case err == nil:
		case errors.Is(err, access.ErrUnauthenticated):
			return []access.Problem{{What: "sign in", Fix: "set a valid API key of an API integration", Err: err}}
		case errors.Is(err, access.ErrDenied):
			problems = append(problems, access.Problem{What: one.what, Fix: one.fix, Err: err})
		default:
			problems = append(problems, access.Problem{What: one.what, Fix: "check the URL and the vendor's status page, then try again", Err: err})
		}
	}
	return problems
}
