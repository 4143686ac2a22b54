package okta

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinksAreSplitAtTheCommasBetweenThem(t *testing.T) {
	for list, want := range map[string][]string{
		`<https://a/x?a=1,2>; rel="self", <https://a/x?after=3>; rel="next"`: {`<https://a/x?a=1,2>; rel="self"`, `<https://a/x?after=3>; rel="next"`},
		`<https://a/x>; title="one, two"; rel="next"`:                        {`<https://a/x>; rel="next"`},
		` , <https://a/x>;rel=next,`:                                         {`<https://a/x>; rel="next"`},
		`<https://a/x>; Rel="last NEXT"`:                                     {`<https://a/x>; rel="next"`},
		``:                                                                   nil,
		`<https://a/x`:                                                       nil,
		`https://a/x; rel="next"`:                                            nil,
		`<https://a/x;b>; rel="next"`:                                        nil,
		`<>; rel="next"`:                                                     nil,
	} {
		got, err := parseLinks(list)
		if diff := cmp.Diff(want, got); diff != "" || (want == nil && list != "") != (err != nil) {
			t.Errorf("%s: %s, %v", list, diff, err)
		}
	}
}

func FuzzLinksAreTidyOrRefused(f *testing.F) {
	f.Add(`<https://a/x?a=1,2>; rel="self", <https://a/x?after=3>; rel="next"`)
	f.Add(`<http://%zz>; rel="next"`)
	f.Fuzz(func(t *testing.T, list string) {
		resp := &http.Response{Header: http.Header{"Link": {list}}}
		if tidyLinks(resp) != nil {
			return
		}
		for _, line := range resp.Header["Link"] {
			address, _, found := strings.Cut(strings.TrimPrefix(line, "<"), ">")
			_, err := url.Parse(address)
			cut, _, _ := strings.Cut(line, ";") // as the SDK reads it, which panics on an error
			_, errSDK := url.Parse(strings.TrimRight(strings.TrimLeft(cut, "<"), ">"))
			if err != nil || errSDK != nil || !found {
				t.Errorf("%q is left in %q", line, list)
			}
		}
		nextLink(resp.Header)
	})
}
