package opsgenie

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/opsgenie/opsgenie-go-sdk-v2/client"
	"github.com/sirupsen/logrus"

	"github.com/maisonrmi/sopd/connectors/transport"
)

// vendorSDK returns the vendor's client, made once: making it writes a variable that every request reads, so making
// another one while requests run would be a data race. It knows neither our key nor our host, so that it can neither log
// the one nor send it in clear text to the other: both are put on the request below it.
//
// Source: opsgenie-go-sdk-v2 v1.2.23, client/client.go: NewOpsGenieClient sets UserAgentHeader, buildRequestUrl uses http
// for hosts without "api", and the default logger writes to standard error.
var vendorSDK = sync.OnceValues(func() (*client.OpsGenieClient, error) {
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	silent.SetLevel(logrus.PanicLevel)
	return client.NewOpsGenieClient(&client.Config{ApiKey: "put on below", OpsGenieAPIURL: client.API_URL, Logger: silent, RetryPolicy: never})
})

// never is the retry policy of the SDK's own loop, which would repeat notes: package transport repeats what is safe.
func never(context.Context, *http.Response, error) (bool, error) { return false, nil }

// exec makes one request of the SDK under ctx, which the SDK itself drops.
//
// Source: opsgenie-go-sdk-v2#126.
func (p *Pager) exec(ctx context.Context, req client.ApiRequest, result client.ApiResult) error {
	ctx, seen := transport.Watch(ctx)
	aimed := &http.Client{Transport: &aim{base: p.base, next: p.transport.Bind(ctx).Transport}}
	own := &client.OpsGenieClient{Config: p.sdk.Config, RetryableClient: &retryablehttp.Client{
		HTTPClient: aimed, CheckRetry: never, ErrorHandler: retryablehttp.PassthroughErrorHandler}}
	return seen.Classify(req.Method(), own.Exec(ctx, req, result))
}

// aim sends requests to base, wherever the SDK addressed them.
type aim struct {
	base *url.URL
	next http.RoundTripper
}

// RoundTrip re-addresses req.
func (a *aim) RoundTrip(req *http.Request) (*http.Response, error) {
	again := req.Clone(req.Context())
	again.URL.Scheme, again.URL.Host, again.Host = a.base.Scheme, a.base.Host, a.base.Host
	return a.next.RoundTrip(again)
}
