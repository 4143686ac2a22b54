package jsmops

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// OnCall returns who answers for a schedule now: account IDs, sorted, none when nobody does.
//
// Errors: [access.ErrInvalid] for an ID that is none, [access.ErrNotFound], [access.ErrDenied] also when the user is not in
// the schedule's team, [access.ErrMalformed] also when somebody on call is not named, and the causes of any read.
func (p *Pager) OnCall(ctx context.Context, id paging.ScheduleID) (paging.OnCall, error) {
	if !requestID(string(id)) {
		return paging.OnCall{}, fmt.Errorf("jsmops: schedule ID must be letters, digits and hyphens: %w", access.ErrInvalid)
	}
	var named wireSchedule
	var answer onCallAnswer
	err := p.read(ctx, "/schedules/"+string(id), nil, &named)
	if err == nil {
		err = p.read(ctx, "/schedules/"+string(id)+"/on-calls", url.Values{"flat": {"true"}}, &answer)
	}
	if err != nil {
		return paging.OnCall{}, fmt.Errorf("reading who is on call: %w", err)
	}
	people, ok := answer.people()
	if named.ID == "" || !ok {
		return paging.OnCall{}, fmt.Errorf("jsmops: answer without a schedule or its people: %w", access.ErrMalformed)
	}
	slices.Sort(people)
	return paging.OnCall{Schedule: named.Name, People: slices.Compact(people)}, nil
}

// people returns the account IDs. ok is false when there is no list, or somebody in it without one.
func (o onCallAnswer) people() (ids []string, ok bool) {
	switch {
	case o.Users != nil:
		ids = slices.Clone(*o.Users)
		return ids, !slices.Contains(ids, "")
	case o.Participants != nil:
		return flat(*o.Participants)
	default:
		return nil, false
	}
}

// flat returns the users among all, and among those who stand for a team or an escalation. A team without anybody is
// somebody whom we cannot name.
func flat(all []participant) (ids []string, ok bool) {
	for _, one := range all {
		switch {
		case len(one.Below) > 0:
			below, ok := flat(one.Below)
			if !ok {
				return nil, false
			}
			ids = append(ids, below...)
		case one.Type == "user" && one.ID != "":
			ids = append(ids, one.ID)
		default:
			return nil, false
		}
	}
	return ids, true
}

// Schedules lists the on-call schedules that the user sees, by name.
//
// Errors: [access.ErrIncomplete] when the vendor's pages do not lead to the end, or the user sees no schedule at all (see
// [Pager.Check]); [access.ErrMalformed]; and the causes of any read. On any error the list is nil.
func (p *Pager) Schedules(ctx context.Context) ([]paging.Schedule, error) {
	found := map[string]paging.Schedule{}
	var guard transport.Pages
	for offset, more := 0, true; more; {
		if err := guard.Next(strconv.Itoa(offset)); err != nil {
			return nil, fmt.Errorf("listing schedules: %w", err)
		}
		var answer scheduleList
		query := url.Values{"size": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)}}
		if err := p.read(ctx, "/schedules", query, &answer); err != nil {
			return nil, fmt.Errorf("listing schedules: %w", err)
		}
		fresh, err := answer.keep(found)
		if err != nil {
			return nil, fmt.Errorf("listing schedules: %w", err)
		}
		more = answer.Links.Next != "" || fresh >= pageSize
		if more && fresh == 0 {
			return nil, fmt.Errorf("jsmops: page without a new schedule that announces another: %w", access.ErrIncomplete)
		}
		offset += len(*answer.Values)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("jsmops: the user sees no schedule at all: %w", access.ErrIncomplete)
	}
	all := make([]paging.Schedule, 0, len(found))
	for _, s := range found {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b paging.Schedule) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// keep adds the schedules of a page to found, and returns how many were not there yet.
func (l scheduleList) keep(found map[string]paging.Schedule) (fresh int, err error) {
	if l.Values == nil {
		return 0, fmt.Errorf("jsmops: answer without a list: %w", access.ErrMalformed)
	}
	before := len(found)
	for _, s := range *l.Values {
		if s.ID == "" {
			return 0, fmt.Errorf("jsmops: schedule without ID: %w", access.ErrMalformed)
		}
		found[s.ID] = paging.Schedule{ID: paging.ScheduleID(s.ID), Name: s.Name, Enabled: s.Enabled}
	}
	return len(found) - before, nil
}
