package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

// pageSize is what Okta advises for lists of users, groups and members, and the most for rules.
//
// Source: Okta Management API 2026.06, limit parameters.
const pageSize = 200

// call makes one request through the SDK and words its failure. The SDK loses the status of some answers; the transport
// saw it.
func call(ctx context.Context, method string, request func(context.Context) error) error {
	ctx, seen := transport.Watch(ctx)
	err := request(ctx)
	cause := seen.Classify(method, err)
	if cause != nil && errors.Is(cause, access.ErrDenied) && wrongStatus(err) {
		return fmt.Errorf("not allowed in the user's status: %w", access.ErrConflict)
	}
	return cause
}

// wrongStatus tells whether the vendor refused because of the status that the user is in, and not for want of a right.
//
// Source: Okta error codes 2026.08.1, E0000038 and E0000016, both with status 403.
func wrongStatus(err error) bool {
	var vendor *sdk.Error
	return errors.As(err, &vendor) && (vendor.ErrorCode == "E0000038" || vendor.ErrorCode == "E0000016")
}

// firstPage asks for the first page of a list.
type firstPage[T any] func(ctx context.Context) ([]*T, *sdk.Response, error)

// list reads all pages and converts their elements.
//
// Errors: those of [transport.Classify]; [access.ErrIncomplete] when the paging does not end; [access.ErrMalformed]. On any
// error the list is nil.
func list[T, V any](ctx context.Context, first firstPage[T], convert func(*T) (V, error)) ([]V, error) {
	page, resp, err := fetch(ctx, first)
	if err != nil {
		return nil, err
	}
	out, err := appendAll([]V{}, page, convert)
	guard := transport.Pages{}
	for err == nil && resp.HasNextPage() {
		if err = guard.Next(cursorOf(resp.NextPage)); err != nil {
			return nil, err
		}
		page, resp, err = fetch(ctx, func(ctx context.Context) ([]*T, *sdk.Response, error) {
			var more []*T
			next, err := resp.Next(ctx, &more)
			return more, next, err
		})
		if err == nil {
			out, err = appendAll(out, page, convert)
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// fetch reads one page. The SDK takes an empty body, and null, for an empty list; only [] is one.
//
// Source: okta-sdk-golang v2.20.0, okta/requestExecutor.go buildResponse.
func fetch[T any](ctx context.Context, ask firstPage[T]) (page []*T, resp *sdk.Response, err error) {
	err = call(ctx, http.MethodGet, func(ctx context.Context) error {
		var errSDK error
		page, resp, errSDK = ask(ctx)
		return errSDK
	})
	if err != nil {
		return nil, nil, err
	}
	if page == nil || resp == nil {
		return nil, nil, fmt.Errorf("no list in the answer: %w", access.ErrMalformed)
	}
	return page, resp, nil
}

func appendAll[T, V any](out []V, page []*T, convert func(*T) (V, error)) ([]V, error) {
	for _, item := range page {
		if item == nil {
			return nil, fmt.Errorf("nothing in the place of an element: %w", access.ErrMalformed)
		}
		v, err := convert(item)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// cursorOf returns what tells one page of a list from another.
func cursorOf(nextPage string) string {
	u, err := url.Parse(nextPage)
	if err != nil {
		return nextPage
	}
	return u.Query().Get("after")
}

// about says what was being tried. A nil error stays nil.
func about(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// parseUser and parseGroup keep everything but identifiers out of paths; "me" is Okta's word for ourselves.
func parseUser(id access.UserID) error {
	if strings.EqualFold(string(id), "me") {
		return fmt.Errorf("user ID is a word of Okta's: %w", access.ErrInvalid)
	}
	_, err := access.ParseUserID(string(id))
	return err
}

func parseGroup(id access.GroupID) error {
	if strings.EqualFold(string(id), "rules") {
		return fmt.Errorf("group ID is a word of Okta's: %w", access.ErrInvalid)
	}
	_, err := access.ParseGroupID(string(id))
	return err
}
