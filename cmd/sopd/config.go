package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/sethvargo/go-envconfig"
)

// environment is the configuration as it is read: text only, so that every problem can be found at once instead of the
// first. The descriptions are the configuration reference.
type environment struct {
	PolicyDir            string `env:"SOPD_POLICY_DIR"       about:"folder of policy files"`
	DataDir              string `env:"SOPD_DATA_DIR"         about:"folder of the embedded database; default /var/lib/sopd"`
	DatabaseURL          string `env:"SOPD_DATABASE_URL"     about:"sqlite:PATH or postgres://…; default sqlite in SOPD_DATA_DIR" secret:"true"`
	Listen               string `env:"SOPD_LISTEN"           about:"address of metrics, webhooks and status page; default 127.0.0.1:9464"`
	WebConfig            string `env:"SOPD_WEB_CONFIG_FILE"  about:"TLS and passwords of that address, a file in the format of Prometheus exporters; webhooks and probes need no password"`
	OTLPEndpoint         string `env:"SOPD_OTLP_ENDPOINT"    about:"OpenTelemetry collector that gets traces over HTTP, such as http://127.0.0.1:4318; default OTEL_EXPORTER_OTLP_ENDPOINT, and no traces without either"`
	OTELEndpoint         string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" about:"the same, under the name that OpenTelemetry gives it"`
	Write                string `env:"SOPD_WRITE"            about:"true allows changes outside; default false"`
	Interval             string `env:"SOPD_INTERVAL"         about:"time between two passes when nothing wakes it earlier; default 60s"`
	RateShare            string `env:"SOPD_RATE_SHARE"       about:"percent of each vendor's reported rate limit that sopd takes at most, 1 to 100; default 50"`
	LogLevel             string `env:"SOPD_LOG_LEVEL"        about:"debug, info, warn or error; default info for run, warn for other commands"`
	OktaURL              string `env:"SOPD_OKTA_URL"         about:"the org, such as https://example.okta.com"`
	OktaToken            string `env:"SOPD_OKTA_TOKEN"       about:"API token (SSWS); or a service app" secret:"true"`
	OktaClientID         string `env:"SOPD_OKTA_CLIENT_ID"   about:"client ID of the service app"`
	OktaKey              string `env:"SOPD_OKTA_PRIVATE_KEY" about:"private key of the service app, PEM" secret:"true"`
	OktaSecret           string `env:"SOPD_OKTA_WEBHOOK_SECRET" about:"value of the event hook's Authorization header" secret:"true"`
	OktaSecretPrevious   string `env:"SOPD_OKTA_WEBHOOK_SECRET_PREVIOUS" about:"the secret before it, accepted as well while it is rotated" secret:"true"`
	JiraURL              string `env:"SOPD_JIRA_URL"         about:"the site, such as https://example.atlassian.net"`
	JiraUser             string `env:"SOPD_JIRA_USER"        about:"e-mail of the account; empty with a Data Center access token"`
	JiraToken            string `env:"SOPD_JIRA_TOKEN"       about:"API token" secret:"true"`
	JiraSecret           string `env:"SOPD_JIRA_WEBHOOK_SECRET" about:"secret of the webhook's signature" secret:"true"`
	JiraSecretPrevious   string `env:"SOPD_JIRA_WEBHOOK_SECRET_PREVIOUS" about:"the secret before it, accepted as well while it is rotated" secret:"true"`
	LedgerKey            string `env:"SOPD_LEDGER_KEY"       about:"key that signs the ledger, from sopd keys generate; without it nothing is signed" secret:"true"`
	AnchorFile           string `env:"SOPD_ANCHOR_PATH"      about:"file off this machine, on a mount, to which signed checkpoints are appended"`
	AnchorTicket         string `env:"SOPD_ANCHOR_TICKET"    about:"Jira ticket on which the newest checkpoint is commented once a day"`
	AnchorWebhook        string `env:"SOPD_ANCHOR_WEBHOOK"   about:"https address to which each signed checkpoint is posted"`
	AnchorWebhookSecret  string `env:"SOPD_ANCHOR_WEBHOOK_SECRET" about:"secret that signs those posts (HMAC-SHA256)" secret:"true"`
	ArchiveDir           string `env:"SOPD_ARCHIVE_DIR"      about:"folder to which sopd run archives each month of the ledger that has ended; empty archives nothing"`
	LedgerRetention      string `env:"SOPD_LEDGER_RETENTION" about:"how long archived records stay in the database too, such as 7y, 18m or 400d; default 7y"`
	BackupDir            string `env:"SOPD_BACKUP_DIR"       about:"folder for encrypted backups of the embedded database, off this machine; empty makes none"`
	BackupRecipients     string `env:"SOPD_BACKUP_RECIPIENTS" about:"public keys of age that backups are encrypted to, separated by commas"`
	BackupInterval       string `env:"SOPD_BACKUP_INTERVAL"  about:"time between two backups; default 30m"`
	BackupKeep           string `env:"SOPD_BACKUP_KEEP"      about:"how many of the newest backups are kept, besides one a day for 35 days; default 48"`
	BackupIdentity       string `env:"SOPD_BACKUP_IDENTITY"  about:"private key of age for the weekly restore test; without it the test proves less" secret:"true"`
	Paging               string `env:"SOPD_PAGING"           about:"opsgenie, jsmops, or both to cross from one to the other; empty pages nobody"`
	PagingPrimary        string `env:"SOPD_PAGING_PRIMARY"   about:"with both, the one that is written to: opsgenie or jsmops; default opsgenie"`
	JSMOpsURL            string `env:"SOPD_JSMOPS_URL"       about:"API of JSM Operations; default https://api.atlassian.com"`
	JSMOpsSite           string `env:"SOPD_JSMOPS_SITE"      about:"the site, such as https://example.atlassian.net; or SOPD_JSMOPS_CLOUD_ID"`
	JSMOpsCloudID        string `env:"SOPD_JSMOPS_CLOUD_ID"  about:"the site's cloud ID"`
	JSMOpsKey            string `env:"SOPD_JSMOPS_KEY"       about:"key of the API integration in JSM Operations" secret:"true"`
	JSMOpsUser           string `env:"SOPD_JSMOPS_USER"      about:"e-mail of the account that reads alerts; default SOPD_JIRA_USER"`
	JSMOpsToken          string `env:"SOPD_JSMOPS_TOKEN"     about:"its API token; default SOPD_JIRA_TOKEN" secret:"true"`
	OpsgenieURL          string `env:"SOPD_OPSGENIE_URL"     about:"API of the region; default https://api.opsgenie.com"`
	OpsgenieKey          string `env:"SOPD_OPSGENIE_KEY"     about:"API key of the integration" secret:"true"`
	PagingSecret         string `env:"SOPD_OPSGENIE_WEBHOOK_SECRET" about:"value of the outgoing webhook's Authorization header" secret:"true"`
	PagingSecretPrevious string `env:"SOPD_OPSGENIE_WEBHOOK_SECRET_PREVIOUS" about:"the secret before it, accepted as well while it is rotated" secret:"true"`
}

// config is the configuration, read and checked.
type config struct {
	PolicyDir   string
	DatabaseURL string
	Listen      string
	WebConfig   string
	OTLP        string // base address of the collector; empty: no traces
	Write       bool
	Interval    time.Duration
	RateShare   int // percent
	LogLevel    string

	OktaURL                       string
	OktaToken, OktaKey            secret.Value
	OktaClientID                  string
	JiraURL, JiraUser             string
	JiraToken                     secret.Value
	Paging                        string
	PagingPrimary                 string
	OpsgenieURL                   string
	LedgerKey                     secret.Value
	AnchorFile                    string
	AnchorTicket                  ticket.Key
	AnchorHook                    string
	AnchorSecret                  secret.Value
	ArchiveDir                    string
	Retention                     retention
	Backup                        backupConfig
	JSMOpsURL, JSMOpsSite         string
	JSMOpsCloudID, JSMOpsUser     string
	JSMOpsKey, JSMOpsToken        secret.Value
	OpsgenieKey                   secret.Value
	OktaHooks, JiraHooks, OpsHook []secret.Value
}

// loader collects the problems of a configuration.
type configLoader struct {
	env      environment
	problems []error
}

func (l *configLoader) wrong(variable, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s: %s", variable, fmt.Sprintf(format, args...)))
}

// loadConfig reads the environment. Each secret may stand in SOPD_…_FILE instead.
//
// Errors: every problem at once, a line each, with the variable and what to do. No value of a secret is shown.
func loadConfig(ctx context.Context, lookup func(string) (string, bool)) (config, error) {
	l := &configLoader{}
	err := envconfig.ProcessWith(ctx, &envconfig.Config{
		Target:   &l.env,
		Lookuper: lookupFunc(func(key string) (string, bool) { return l.lookup(lookup, key) }),
	})
	if err != nil {
		return config{}, fmt.Errorf("reading the environment: %w", err)
	}
	c := l.config()
	return c, errors.Join(l.problems...)
}

// lookupFunc is a function as go-envconfig's Lookuper.
type lookupFunc func(key string) (string, bool)

// Lookup calls the function.
func (f lookupFunc) Lookup(key string) (string, bool) { return f(key) }

// lookup returns a variable, or the content of the file that VARIABLE_FILE names.
func (l *configLoader) lookup(env func(string) (string, bool), key string) (string, bool) {
	value, set := env(key)
	path, fromFile := env(key + "_FILE")
	switch {
	case !fromFile || !isSecret(key):
		return strings.TrimSpace(value), set
	case set && value != "":
		l.wrong(key, "is set, and so is %s_FILE; keep one of them", key)
		return "", false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		l.wrong(key+"_FILE", "the file cannot be read (%v); check its path and its owner", cause(err))
		return "", false
	}
	return strings.TrimSpace(string(text)), true
}

// cause leaves the path out of a file's error.
func cause(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func (l *configLoader) config() config {
	e := l.env
	c := config{
		PolicyDir: l.required("SOPD_POLICY_DIR", e.PolicyDir, "name the folder of your policies"),
		Listen:    or(e.Listen, "127.0.0.1:9464"), Write: l.boolean("SOPD_WRITE", e.Write),
		Interval: l.duration("SOPD_INTERVAL", e.Interval, time.Minute), LogLevel: e.LogLevel,
		OktaClientID: e.OktaClientID, OktaToken: secret.New(e.OktaToken), OktaKey: secret.New(e.OktaKey),
		JiraUser: e.JiraUser, JiraToken: secret.New(l.required("SOPD_JIRA_TOKEN", e.JiraToken, "make an API token for sopd's account")),
		OktaHooks: l.secrets("SOPD_OKTA_WEBHOOK_SECRET", e.OktaSecret, e.OktaSecretPrevious),
		JiraHooks: l.secrets("SOPD_JIRA_WEBHOOK_SECRET", e.JiraSecret, e.JiraSecretPrevious),
		OpsHook:   l.secrets("SOPD_OPSGENIE_WEBHOOK_SECRET", e.PagingSecret, e.PagingSecretPrevious),
		Paging:    e.Paging,
	}
	c.RateShare = l.percent("SOPD_RATE_SHARE", e.RateShare, 50)
	c.DatabaseURL = l.database()
	c.OktaURL = l.vendor("SOPD_OKTA_URL", e.OktaURL, "write the org's address, such as https://example.okta.com")
	c.JiraURL = l.vendor("SOPD_JIRA_URL", e.JiraURL, "write the site's address, such as https://example.atlassian.net")
	c.OTLP = l.collector("SOPD_OTLP_ENDPOINT", or(e.OTLPEndpoint, e.OTELEndpoint))
	l.credentials()
	l.paging(&c)
	l.ledger(&c)
	if c.WebConfig = e.WebConfig; c.WebConfig != "" {
		if _, err := secure(&http.Server{ReadHeaderTimeout: headerTime}, c.WebConfig); err != nil {
			l.wrong("SOPD_WEB_CONFIG_FILE", "%v", err)
		}
	}
	l.backup(&c)
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		l.wrong("SOPD_LISTEN", "is not host:port, such as 127.0.0.1:9464")
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.LogLevel) {
		l.wrong("SOPD_LOG_LEVEL", "is %q; write debug, info, warn or error", c.LogLevel)
	}
	return c
}

func (l *configLoader) credentials() {
	e := l.env
	switch {
	case e.OktaToken != "" && e.OktaClientID+e.OktaKey != "":
		l.wrong("SOPD_OKTA_TOKEN", "is set together with SOPD_OKTA_CLIENT_ID or SOPD_OKTA_PRIVATE_KEY; keep the service app")
	case e.OktaToken == "" && (e.OktaClientID == "" || e.OktaKey == ""):
		l.wrong("SOPD_OKTA_CLIENT_ID", "set it with SOPD_OKTA_PRIVATE_KEY for a service app, or SOPD_OKTA_TOKEN for a token")
	}
}

func (l *configLoader) paging(c *config) {
	e := l.env
	switch e.Paging {
	case pagingOff:
	case pagingOpsgenie:
		l.opsgenie(c)
	case pagingJSMOps:
		l.jsmops(c)
	case pagingBoth:
		l.opsgenie(c)
		l.jsmops(c)
		c.PagingPrimary = or(e.PagingPrimary, pagingOpsgenie)
	default:
		l.wrong("SOPD_PAGING", "is %q; write opsgenie, jsmops or both, or leave it empty", e.Paging)
	}
	switch {
	case e.PagingPrimary == "":
	case e.Paging != pagingBoth:
		l.wrong("SOPD_PAGING_PRIMARY", "says which of two pagers is written to; set SOPD_PAGING=both, or leave it empty")
	case e.PagingPrimary != pagingOpsgenie && e.PagingPrimary != pagingJSMOps:
		l.wrong("SOPD_PAGING_PRIMARY", "is %q; write opsgenie or jsmops", e.PagingPrimary)
	}
}

func (l *configLoader) opsgenie(c *config) {
	c.OpsgenieURL = l.vendor("SOPD_OPSGENIE_URL", or(l.env.OpsgenieURL, "https://api.opsgenie.com"), "")
	c.OpsgenieKey = secret.New(l.required("SOPD_OPSGENIE_KEY", l.env.OpsgenieKey, "make an API integration for sopd"))
}

func (l *configLoader) ledger(c *config) {
	e := l.env
	c.LedgerKey, c.AnchorFile = secret.New(e.LedgerKey), e.AnchorFile
	if e.LedgerKey != "" {
		if _, err := ledger.ParseKey(c.LedgerKey); err != nil {
			l.wrong("SOPD_LEDGER_KEY", "is not a key that sopd keys generate made")
		}
	}
	if e.AnchorTicket != "" {
		key, err := ticket.ParseKey(e.AnchorTicket)
		if err != nil {
			l.wrong("SOPD_ANCHOR_TICKET", "is %q; write a ticket's key, such as OPS-17", e.AnchorTicket)
		}
		c.AnchorTicket = key
	}
	l.anchorHook(c)
	c.ArchiveDir = e.ArchiveDir
	var err error
	if c.Retention, err = parseRetention(e.LedgerRetention); err != nil {
		l.wrong("SOPD_LEDGER_RETENTION", "%v", err)
	}
}

func (l *configLoader) jsmops(c *config) {
	e := l.env
	if e.JSMOpsURL != "" {
		c.JSMOpsURL = l.vendor("SOPD_JSMOPS_URL", e.JSMOpsURL, "")
	}
	if e.JSMOpsSite != "" {
		c.JSMOpsSite = l.vendor("SOPD_JSMOPS_SITE", e.JSMOpsSite, "")
	}
	if (e.JSMOpsSite == "") == (e.JSMOpsCloudID == "") {
		l.wrong("SOPD_JSMOPS_SITE", "set either it or SOPD_JSMOPS_CLOUD_ID")
	}
	c.JSMOpsCloudID, c.JSMOpsUser = e.JSMOpsCloudID, or(e.JSMOpsUser, e.JiraUser)
	c.JSMOpsKey = secret.New(l.required("SOPD_JSMOPS_KEY", e.JSMOpsKey, "make an API integration for sopd in JSM Operations"))
	c.JSMOpsToken = secret.New(or(e.JSMOpsToken, e.JiraToken))
}

func (l *configLoader) database() string {
	dir := or(l.env.DataDir, "/var/lib/sopd")
	text := or(l.env.DatabaseURL, "sqlite:"+filepath.Join(dir, "sopd.db"))
	if !strings.HasPrefix(text, "sqlite:") && !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		l.wrong("SOPD_DATABASE_URL", "begins with neither sqlite: nor postgres://")
	}
	return text
}

func (l *configLoader) required(variable, value, advice string) string {
	if value == "" {
		l.wrong(variable, "is missing; %s", advice)
	}
	return value
}

func (l *configLoader) boolean(variable, value string) bool {
	if value == "" {
		return false
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		l.wrong(variable, "is %q; write true or false", value)
	}
	return b
}

func (l *configLoader) duration(variable, value string, fallback time.Duration) time.Duration {
	if value == "" {
		return fallback
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second || d > 24*time.Hour {
		l.wrong(variable, "is %q; write a time from 1s to 24h, such as 60s", value)
		return fallback
	}
	return d
}

func (l *configLoader) percent(variable, value string, fallback int) int {
	if value == "" {
		return fallback
	}
	n, err := strconv.Atoi(strings.TrimSuffix(value, "%"))
	if err != nil || n < 1 || n > 100 {
		l.wrong(variable, "is %q; write a whole number of percent from 1 to 100", value)
		return fallback
	}
	return n
}

// vendor checks a vendor's address: https, or http on this machine only, so that no credential crosses a network in
// clear text.
func (l *configLoader) vendor(variable, value, advice string) string {
	if value == "" {
		l.wrong(variable, "is missing; %s", advice)
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		l.wrong(variable, "is not an address such as https://example.com")
		return ""
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		l.wrong(variable, "uses http; write https (http is accepted on this machine only)")
	}
	return strings.TrimRight(value, "/")
}

// collector checks the address of a collector. Traces hold neither credentials nor people, so http is enough.
func (l *configLoader) collector(variable, value string) string {
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		l.wrong(variable, "is not the address of a collector, such as http://127.0.0.1:4318")
		return ""
	}
	return strings.TrimRight(value, "/")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// shortestSecret is the least number of characters of a webhook's secret: whoever has it can wake sopd at will.
const shortestSecret = 16

// secrets returns the secrets of a webhook: the present one and, while it is rotated, the one before.
func (l *configLoader) secrets(variable string, values ...string) []secret.Value {
	var all []secret.Value
	for _, value := range values {
		switch {
		case value == "":
		case len(value) < shortestSecret:
			l.wrong(variable, "is shorter than %d characters; make a random one", shortestSecret)
		default:
			all = append(all, secret.New(value))
		}
	}
	return all
}

// isSecret reports whether a variable may stand in a file.
func isSecret(variable string) bool {
	t := reflect.TypeFor[environment]()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("env") == variable {
			return t.Field(i).Tag.Get("secret") == "true"
		}
	}
	return false
}
