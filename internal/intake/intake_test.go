package intake_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/intake"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

const (
	oktaSecret     = "okta-hook-secret-1"
	jiraSecret     = "jira-hook-secret-1"
	opsgenieSecret = "opsgenie-hook-secret-1"
	nextSecret     = "the-next-secret-2"
)

// waker asks for a pass, or fails the transaction.
type waker struct{ fail atomic.Bool }

func (w *waker) Wake(tx *store.Tx) error {
	if _, _, err := tx.Bump("pass"); err != nil {
		return err
	}
	if w.fail.Load() {
		return access.ErrUnavailable
	}
	return nil
}

// site is an intake behind real HTTP.
type site struct {
	*testing.T
	store    *store.Store
	waker    *waker
	registry *prometheus.Registry
	log      *bytes.Buffer
	url      string
}

func newSite(t *testing.T, database string, options intake.Options) *site {
	t.Helper()
	s := &site{T: t, store: storetest.OpenURL(t, database, nil), waker: &waker{}, registry: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	options.Store, options.Waker, options.Registerer = s.store, s.waker, s.registry
	options.Logger = slog.New(slog.NewJSONHandler(&lockedWriter{w: s.log}, nil))
	in, err := intake.New(options)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	in.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// lockedWriter lets requests log at the same time.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func configured() intake.Options {
	return intake.Options{
		Okta:     intake.Secrets{secret.New(oktaSecret), secret.New(nextSecret)},
		Jira:     intake.Secrets{secret.New(jiraSecret), secret.New(nextSecret)},
		Opsgenie: intake.Secrets{secret.New(opsgenieSecret), secret.New(nextSecret)},
	}
}

func open(t *testing.T) *site { return newSite(t, storetest.NewSQLite(t), configured()) }

func (s *site) send(method, path, body string, header map[string]string) (status int, answer string) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (s *site) post(path, body string, header map[string]string) int {
	s.Helper()
	status, _ := s.send(http.MethodPost, path, body, header)
	return status
}

func (s *site) want(got, want any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("(-want +got)\n%s", diff)
	}
}

// kept is what the store holds: all deliveries that wait, and how often a pass was asked for.
func (s *site) kept() (waiting []store.Delivery, asked int64) {
	s.Helper()
	storetest.Read(s.T, s.store, func(tx *store.Tx) error {
		var err, err2 error
		waiting, err = tx.Deliveries(1000)
		work, err2 := tx.Work("pass")
		asked = work.Wanted
		return errors.Join(err, err2)
	})
	return waiting, asked
}

func (s *site) count(source, result string) float64 {
	s.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		s.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if family.GetName() == "sopd_webhook_events_total" && labels["source"] == source && labels["result"] == result {
				return m.GetCounter().GetValue()
			}
		}
	}
	s.Fatalf("no series for %s, %s", source, result)
	return 0
}

func signature(body, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func jiraHeader(body, key, id string) map[string]string {
	return map[string]string{"X-Hub-Signature": signature(body, key), "X-Atlassian-Webhook-Identifier": id}
}

const (
	oktaBody = `{"eventType":"com.okta.event_hook","eventId":"ev-1","eventTime":"2026-11-22T10:00:00.000Z","data":{"events":[
		{"uuid":"u-1","eventType":"group.user_membership.add","published":"2026-11-22T09:59:59.123Z",
		 "target":[{"id":"00gpayments","type":"UserGroup"},{"id":"00uanna","type":"User"}]}]}}`
	jiraBody     = `{"timestamp":1795341600000,"webhookEvent":"jira:issue_updated","issue":{"id":"10017","key":"ACC-17"}}`
	opsgenieBody = `{"action":"Acknowledge","alert":{"alertId":"052652ac-5d1c","alias":"sopd-1","updatedAt":"1795341600000000001","priority":"2"}}`
)

func TestADeliveryIsKeptBeforeItIsAnswered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database, configured())
		s.want(s.post("/webhooks/okta", oktaBody, map[string]string{"Authorization": oktaSecret}), http.StatusNoContent)
		s.want(s.post("/webhooks/jira", jiraBody, jiraHeader(jiraBody, jiraSecret, "id-1")), http.StatusNoContent)
		s.want(s.post("/webhooks/opsgenie", opsgenieBody, map[string]string{"Authorization": "Bearer " + opsgenieSecret}), http.StatusNoContent)
		waiting, asked := s.kept()
		s.want(len(waiting), 3)
		s.want(asked, int64(3))
	})
}

func TestARepeatIsKnownByEachVendorsOwnKey(t *testing.T) {
	s := open(t)
	otherRetry := jiraBody + "\n"
	for range 3 {
		s.want(s.post("/webhooks/okta", oktaBody, map[string]string{"Authorization": oktaSecret}), http.StatusNoContent)
		s.want(s.post("/webhooks/jira", otherRetry, jiraHeader(otherRetry, jiraSecret, "same on retries")), http.StatusNoContent)
		s.want(s.post("/webhooks/opsgenie", opsgenieBody, map[string]string{"Authorization": opsgenieSecret}), http.StatusNoContent)
	}
	waiting, asked := s.kept()
	s.want(len(waiting), 3)
	s.want(asked, int64(3))
	for _, source := range []string{"okta", "jira", "opsgenie"} {
		s.want(s.count(source, "duplicate"), 2.0)
	}
}

func TestManySendersOfTheSameDeliveryKeepOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database, configured())
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if status := s.post("/webhooks/jira", jiraBody, jiraHeader(jiraBody, jiraSecret, "one")); status != http.StatusNoContent {
					s.Errorf("status %d", status)
				}
			})
		}
		all.Wait()
		waiting, asked := s.kept()
		s.want(len(waiting), 1)
		s.want(asked, int64(1))
	})
}

func TestAnEndpointWithoutASecretRefusesEverything(t *testing.T) {
	s := newSite(t, storetest.NewSQLite(t), intake.Options{Jira: intake.Secrets{secret.New("")}})
	for _, source := range []string{"okta", "jira", "opsgenie"} {
		s.want(s.post("/webhooks/"+source, jiraBody, map[string]string{
			"Authorization": "", "X-Hub-Signature": signature(jiraBody, ""),
		}), http.StatusServiceUnavailable)
		s.want(s.count(source, "unconfigured"), 1.0)
	}
	status, _ := s.send(http.MethodGet, "/webhooks/okta", "", map[string]string{"X-Okta-Verification-Challenge": "c"})
	s.want(status, http.StatusServiceUnavailable)
	waiting, _ := s.kept()
	s.want(len(waiting), 0)
}

func TestAWrongSecretIsRefused(t *testing.T) {
	s := open(t)
	for name, header := range map[string]map[string]string{
		"none":             {},
		"wrong":            {"Authorization": "guess", "X-Hub-Signature": signature(jiraBody, "guess")},
		"another source's": {"Authorization": jiraSecret, "X-Hub-Signature": signature(jiraBody, oktaSecret)},
		"a prefix":         {"Authorization": oktaSecret[:5], "X-Hub-Signature": signature(jiraBody, jiraSecret)[:20]},
		"another method":   {"X-Hub-Signature": "sha1=" + strings.TrimPrefix(signature(jiraBody, jiraSecret), "sha256=")},
		"no method":        {"X-Hub-Signature": strings.TrimPrefix(signature(jiraBody, jiraSecret), "sha256=")},
		"of another body":  {"X-Hub-Signature": signature(jiraBody+" ", jiraSecret)},
	} {
		for _, source := range []string{"okta", "jira", "opsgenie"} {
			if status := s.post("/webhooks/"+source, jiraBody, header); status != http.StatusUnauthorized {
				t.Errorf("%s at %s: status %d", name, source, status)
			}
		}
	}
	waiting, _ := s.kept()
	s.want(len(waiting), 0)
}

func TestTheNextSecretIsAcceptedBesideThePresentOne(t *testing.T) {
	s := open(t)
	s.want(s.post("/webhooks/okta", oktaBody, map[string]string{"Authorization": nextSecret}), http.StatusNoContent)
	s.want(s.post("/webhooks/jira", jiraBody, jiraHeader(jiraBody, nextSecret, "x")), http.StatusNoContent)
	s.want(s.post("/webhooks/opsgenie", opsgenieBody, map[string]string{"Authorization": nextSecret}), http.StatusNoContent)
}

func TestOktasHandshakeIsAnswered(t *testing.T) {
	s := open(t)
	challenge := map[string]string{"Authorization": oktaSecret, "X-Okta-Verification-Challenge": `a"b<c`}
	status, body := s.send(http.MethodGet, "/webhooks/okta", "", challenge)
	s.want(status, http.StatusOK)
	s.want(body, `{"verification":"a\"b\u003cc"}`)
	challenge["Authorization"] = "guess"
	status, body = s.send(http.MethodGet, "/webhooks/okta", "", challenge)
	s.want(status, http.StatusUnauthorized)
	s.want(body, "")
	status, _ = s.send(http.MethodGet, "/webhooks/okta", "", map[string]string{"Authorization": oktaSecret})
	s.want(status, http.StatusBadRequest)
}

func TestABodyThatIsTooLargeIsRefusedAndNotParsed(t *testing.T) {
	options := configured()
	options.MaxBody = 200
	s := newSite(t, storetest.NewSQLite(t), options)
	large := `{"webhookEvent":"jira:issue_updated"}` + strings.Repeat(" ", 200)
	s.want(s.post("/webhooks/jira", large, jiraHeader(large, jiraSecret, "x")), http.StatusRequestEntityTooLarge)
	waiting, _ := s.kept()
	s.want(len(waiting), 0)
	s.want(s.count("jira", "too_large"), 1.0)
}

func TestABodyThatIsNoEventIsRefused(t *testing.T) {
	s := open(t)
	for _, body := range []string{"", "{", "[]", "null", `"text"`, "{}", "\xff"} {
		s.want(s.post("/webhooks/okta", body, map[string]string{"Authorization": oktaSecret}), http.StatusBadRequest)
		s.want(s.post("/webhooks/jira", body, jiraHeader(body, jiraSecret, "x")), http.StatusBadRequest)
		s.want(s.post("/webhooks/opsgenie", body, map[string]string{"Authorization": opsgenieSecret}), http.StatusBadRequest)
	}
}

func TestAnUnknownEventIsKeptAndCountedAndWakesNobody(t *testing.T) {
	s := open(t)
	body := `{"timestamp":1,"webhookEvent":"sprint_started","sprint":{"id":7}}`
	s.want(s.post("/webhooks/jira", body, jiraHeader(body, jiraSecret, "sprint")), http.StatusNoContent)
	s.want(s.count("jira", "unknown"), 1.0)
	waiting, asked := s.kept()
	s.want(len(waiting), 0)
	s.want(asked, int64(0))
	storetest.Read(t, s.store, func(tx *store.Tx) error {
		d, found, err := tx.Delivery("jira", "sprint")
		s.want(found, true)
		s.want(d.Result, "unknown")
		return err
	})
}

func TestADeliveryThatCannotBeKeptIsNotAcknowledged(t *testing.T) {
	s := open(t)
	s.waker.fail.Store(true)
	s.want(s.post("/webhooks/jira", jiraBody, jiraHeader(jiraBody, jiraSecret, "x")), http.StatusServiceUnavailable)
	waiting, asked := s.kept()
	s.want(len(waiting), 0)
	s.want(asked, int64(0))
	s.waker.fail.Store(false) // the vendor repeats
	s.want(s.post("/webhooks/jira", jiraBody, jiraHeader(jiraBody, jiraSecret, "x")), http.StatusNoContent)
	waiting, asked = s.kept()
	s.want(len(waiting), 1)
	s.want(asked, int64(1))
}

func TestOtherMethodsAreRefused(t *testing.T) {
	s := open(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodGet} {
		status, _ := s.send(method, "/webhooks/opsgenie", "", map[string]string{"Authorization": opsgenieSecret})
		s.want(status, http.StatusMethodNotAllowed)
	}
}

func TestNoSecretAndNothingOfABodyIsLogged(t *testing.T) {
	s := open(t)
	body := `{"webhookEvent":5,"user":{"emailAddress":"anna@example.com"}`
	s.post("/webhooks/jira", body, jiraHeader(body, jiraSecret, "x"))
	s.post("/webhooks/jira", body, map[string]string{"X-Hub-Signature": "sha256=beef"})
	s.post("/webhooks/okta", body, map[string]string{"Authorization": "wrong-guess"})
	log := s.log.String()
	if strings.Count(log, "webhook refused") != 3 {
		t.Errorf("log: %s", log)
	}
	for _, text := range []string{"anna", "beef", "wrong-guess", jiraSecret, oktaSecret, "127.0.0.1", "emailAddress"} {
		if strings.Contains(log, text) {
			t.Errorf("the log holds %q", text)
		}
	}
}

func TestMetricsAreClean(t *testing.T) {
	s := open(t)
	problems, err := testutil.GatherAndLint(s.registry)
	if err != nil {
		t.Fatal(err)
	}
	s.want(problems, []promlint.Problem(nil))
	n, err := testutil.GatherAndCount(s.registry, "sopd_webhook_events_total")
	if err != nil {
		t.Fatal(err)
	}
	s.want(n, 30)
}

func TestAMissingOptionIsRefused(t *testing.T) {
	if _, err := intake.New(intake.Options{}); !errors.Is(err, access.ErrInvalid) {
		t.Error(err)
	}
}
