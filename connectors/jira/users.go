package jira

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Person reads what Jira shows of an account. The e-mail address is empty when the person hides it.
//
// Errors: [access.ErrInvalid] for an empty account, [access.ErrNotFound], [access.ErrDenied] without the permission to browse
// users, [access.ErrMalformed].
//
// Source: Jira Cloud platform REST API v3, GET user; Data Center takes the user key.
func (t *Tickets) Person(ctx context.Context, account ticket.AccountID) (ticket.Person, error) {
	person, err := t.person(ctx, account)
	if err != nil {
		return ticket.Person{}, fmt.Errorf("read an account: %w", err)
	}
	return person, nil
}

func (t *Tickets) person(ctx context.Context, account ticket.AccountID) (ticket.Person, error) {
	if account == "" {
		return ticket.Person{}, fmt.Errorf("no account: %w", access.ErrInvalid)
	}
	kind, err := t.site(ctx)
	if err != nil {
		return ticket.Person{}, err
	}
	query := url.Values{"accountId": {string(account)}}
	if kind == dataCenter {
		query = url.Values{"key": {string(account)}}
	}
	var user wireUser
	if err := t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/user", query: query}, &user); err != nil {
		return ticket.Person{}, err
	}
	return user.person()
}
