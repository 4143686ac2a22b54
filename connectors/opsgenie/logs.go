package opsgenie

import (
	"context"
	"fmt"
	"time"

	"github.com/opsgenie/opsgenie-go-sdk-v2/alert"

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
	var guard transport.Pages
	for offset := ""; ; {
		var answer logList
		err := p.exec(ctx, &alert.ListAlertLogsRequest{IdentifierType: alert.ALERTID, IdentifierValue: string(id),
			Limit: pageSize, Order: alert.Asc, Direction: alert.NEXT, Offset: offset}, &answer)
		if err != nil {
			return nil, fmt.Errorf("listing the log: %w", err)
		}
		if answer.Data == nil {
			return nil, fmt.Errorf("opsgenie: answer without a list: %w", access.ErrMalformed)
		}
		for _, e := range *answer.Data {
			all = append(all, paging.Entry{Text: e.Log, Created: time.Time(e.CreatedAt)})
		}
		if answer.Paging.Next == "" {
			return all, nil
		}
		if offset, err = nextOffset(answer.Paging.Next); err != nil {
			return nil, err
		}
		if err := guard.Next(offset); err != nil {
			return nil, err
		}
	}
}
