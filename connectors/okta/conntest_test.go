package okta_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/conntest"
	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
)

const (
	oneUser  = `{"id":"00uada","status":"ACTIVE","profile":{"login":"ada@example.com"}}`
	oneGroup = `{"id":"00gfinance","type":"OKTA_GROUP","profile":{"name":"app-finance"}}`
	oneRule  = `{"id":"0prrule","status":"ACTIVE","name":"r","actions":{"assignUserToGroups":{"groupIds":["00gfinance"]}}}`
	oneRole  = `{"id":"ra1","type":"ORG_ADMIN"}`
	oneEvent = `{"uuid":"e1","eventType":"group.user_membership.add","published":"2026-11-02T09:00:00.000Z"}`
)

// answer gives a body, and a next link with the cursor when there is one.
func answer(body, cursor string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if cursor != "" {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?after=%s>; rel="next"`, r.Host, r.URL.Path, cursor))
		}
		_, _ = io.WriteString(w, body)
	}
}

func yes(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

type call = conntest.Call[*okta.Directory]

func listCall(name, element string, do func(context.Context, *okta.Directory) (any, error)) call {
	return call{Name: name, Kind: conntest.Read, Do: do, Answer: answer("["+element+"]", ""), MorePages: answer("["+element+"]", "same")}
}

func readCalls() []call {
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return []call{
		{Name: "User", Kind: conntest.Read, Answer: answer(oneUser, ""), Do: func(ctx context.Context, d *okta.Directory) (any, error) {
			return d.User(ctx, "00uada")
		}},
		{Name: "Group", Kind: conntest.Read, Answer: answer(oneGroup, ""), Do: func(ctx context.Context, d *okta.Directory) (any, error) {
			return d.Group(ctx, "00gfinance")
		}},
		{Name: "Events", Kind: conntest.Read, Answer: answer("["+oneEvent+"]", "c2"), Do: func(ctx context.Context, d *okta.Directory) (any, error) {
			events, _, err := d.Events(ctx, "c1", since)
			return events, err
		}},
		listCall("AllUsers", oneUser, func(ctx context.Context, d *okta.Directory) (any, error) { return d.AllUsers(ctx) }),
		listCall("UsersChanged", oneUser, func(ctx context.Context, d *okta.Directory) (any, error) { return d.UsersChanged(ctx, since) }),
		listCall("UserGroups", oneGroup, func(ctx context.Context, d *okta.Directory) (any, error) { return d.UserGroups(ctx, "00uada") }),
		listCall("Groups", oneGroup, func(ctx context.Context, d *okta.Directory) (any, error) { return d.Groups(ctx) }),
		listCall("GroupsChanged", oneGroup, func(ctx context.Context, d *okta.Directory) (any, error) { return d.GroupsChanged(ctx, since) }),
		listCall("Members", oneUser, func(ctx context.Context, d *okta.Directory) (any, error) { return d.Members(ctx, "00gfinance") }),
		listCall("Rules", oneRule, func(ctx context.Context, d *okta.Directory) (any, error) { return d.Rules(ctx) }),
		listCall("Roles", oneRole, func(ctx context.Context, d *okta.Directory) (any, error) { return d.Roles(ctx, "00uada") }),
	}
}

func writeCalls() []call {
	m := access.Membership{Group: "00gfinance", User: "00uada"}
	return []call{
		{Name: "Add", Kind: conntest.IdempotentWrite, Answer: yes, Do: func(ctx context.Context, d *okta.Directory) (any, error) { return nil, d.Add(ctx, m) }},
		{Name: "Remove", Kind: conntest.IdempotentWrite, Answer: yes, Do: func(ctx context.Context, d *okta.Directory) (any, error) { return nil, d.Remove(ctx, m) }},
		{Name: "ClearSessions", Kind: conntest.IdempotentWrite, Answer: yes, Do: func(ctx context.Context, d *okta.Directory) (any, error) {
			return nil, d.ClearSessions(ctx, m.User)
		}},
		{Name: "Suspend", Kind: conntest.Write, Answer: answer("{}", ""), Do: func(ctx context.Context, d *okta.Directory) (any, error) {
			return nil, d.Suspend(ctx, m.User)
		}},
	}
}

func TestTheDirectoryBehavesAsEveryConnectorMust(t *testing.T) {
	conntest.Run(t, conntest.Subject[*okta.Directory]{
		New: func(t testing.TB, s conntest.Setup) *okta.Directory {
			return open(t, okta.Options{URL: s.BaseURL, Token: secret.New(s.Secret), Transport: s.Tune})
		},
		Calls: append(readCalls(), writeCalls()...),
	})
}
