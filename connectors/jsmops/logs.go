package jsmops

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// Logs lists what was done to an alert, oldest first.
//
// Errors: as [Pager.Notes]. On any error the list is nil.
func (p *Pager) Logs(ctx context.Context, id paging.AlertID) ([]paging.Entry, error) {
	if _, err := paging.ParseAlertID(string(id)); err != nil {
		return nil, err
	}
	all := []paging.Entry{}
	query := url.Values{"size": {strconv.Itoa(pageSize)}, "order": {"asc"}}
	var guard transport.Pages
	for {
		var answer logList
		if err := p.read(ctx, "/alerts/"+string(id)+"/logs", query, &answer); err != nil {
			return nil, fmt.Errorf("listing the log: %w", err)
		}
		if answer.Values == nil {
			return nil, fmt.Errorf("jsmops: answer without a list: %w", access.ErrMalformed)
		}
		for _, e := range *answer.Values {
			all = append(all, paging.Entry{Text: e.Log, Created: time.Time(e.LogTime)})
		}
		if answer.Links.Next == "" {
			// Newest first is the vendor's default, and order is not in its specification.
			slices.SortStableFunc(all, func(a, b paging.Entry) int { return a.Created.Compare(b.Created) })
			return all, nil
		}
		after, err := nextAfter(answer.Links.Next)
		if err == nil {
			err = guard.Next(after)
		}
		if err != nil {
			return nil, fmt.Errorf("listing the log: %w", err)
		}
		query.Set("after", after)
	}
}
