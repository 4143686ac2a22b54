// Package world fills the three simulated vendors with one organisation, Maison RMI, and plays stories in all of them at
// once: people, systems, groups, months of tickets, people who left, alerts. It knows what the vendors show and nothing
// of the program that is told the stories, so what it expects is what anybody could see in the vendors.
//
// All people are made up and live at example.com. Every identifier is the same in every run.
package world

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
	_ "time/tzdata" // people have time zones, and a minimal container has no zone files

	"github.com/maisonrmi/sopd/mocks/jiramock"
	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// ErrUnknown is wrapped when a story names somebody or something that Maison RMI does not have.
var ErrUnknown = errors.New("world: unknown")

// What the program needs to work against the world. They open nothing but servers on loopback.
const (
	botLogin       = "sopd@example.com"
	jiraToken      = "world-jira-token"
	opsgenieKey    = "world-opsgenie-key"
	jsmopsKey      = "world-jsmops-key"
	jsmopsToken    = "world-jsmops-token"
	oktaSecret     = "world-okta-webhook-secret"
	jiraSecret     = "world-jira-webhook-secret"
	opsgenieSecret = "world-opsgenie-webhook-secret"
)

// Config says how the world is made.
type Config struct {
	// Now is the clock of all three vendors; nil is the machine's. The past of the organisation ends shortly before it.
	Now func() time.Time
}

// World is a running organisation. Its methods may be called from many goroutines. Close it when done.
type World struct {
	// The simulated vendors, for what the world has no method for.
	Okta     *oktamock.Server
	Jira     *jiramock.Server
	Opsgenie *opsgeniemock.Server
	// JSMOps is the pager that Maison RMI is moving to; only stories about the crossing let the program look at it.
	JSMOps *jsmopsmock.Server

	now   func() time.Time
	start time.Time

	mu    sync.Mutex // guards notes and moments
	notes map[string]string
	// moments is what the world looked like when a story wanted it remembered.
	moments map[string]moment
}

// New starts the three vendors and fills them.
//
// Errors: none that a caller could cause; each is a fault of the tables in this package.
func New(c Config) (*World, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	start := c.Now().UTC().Truncate(time.Second)
	w := &World{now: c.Now, start: start, notes: map[string]string{}, moments: map[string]moment{}}
	w.Okta = oktamock.New(oktamock.Config{Now: c.Now, TokenOwner: oktamock.User{
		ID: userID(botShort), Login: botLogin, FirstName: "Sopd", LastName: "Service", Roles: []string{"SUPER_ADMIN"},
		Profile: map[string]any{"userType": "Service"}, Created: start.Add(-founded),
	}})
	w.Jira = jiramock.New(jiramock.Config{Now: c.Now, BadToken: jiramock.AnswersNobody})
	w.Opsgenie = opsgeniemock.New(opsgeniemock.Config{Key: opsgenieKey, Now: c.Now})
	w.JSMOps = jsmopsmock.New(jsmopsmock.Config{Key: jsmopsKey, User: botLogin, Token: jsmopsToken, Now: c.Now})
	if err := w.fill(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *World) fill() error {
	w.fillOkta()
	if err := w.fillJira(); err != nil {
		return fmt.Errorf("filling Jira: %w", err)
	}
	w.fillOpsgenie()
	w.fillJSMOps()
	return nil
}

// Close stops the three vendors.
func (w *World) Close() {
	w.Okta.Close()
	w.Jira.Close()
	w.Opsgenie.Close()
	w.JSMOps.Close()
}

// Env returns the environment with which the program works against the world. It says nothing of where the program keeps
// its data, of its policies, or of whether it may write.
func (w *World) Env() map[string]string {
	return map[string]string{
		"SOPD_OKTA_URL":                w.Okta.URL(),
		"SOPD_OKTA_TOKEN":              w.Okta.Token(),
		"SOPD_OKTA_WEBHOOK_SECRET":     oktaSecret,
		"SOPD_JIRA_URL":                w.Jira.URL(),
		"SOPD_JIRA_USER":               botLogin,
		"SOPD_JIRA_TOKEN":              jiraToken,
		"SOPD_JIRA_WEBHOOK_SECRET":     jiraSecret,
		"SOPD_PAGING":                  "opsgenie",
		"SOPD_OPSGENIE_URL":            w.Opsgenie.URL(),
		"SOPD_OPSGENIE_KEY":            opsgenieKey,
		"SOPD_OPSGENIE_WEBHOOK_SECRET": opsgenieSecret,
		"SOPD_JSMOPS_URL":              w.JSMOps.URL(),
		"SOPD_JSMOPS_CLOUD_ID":         jsmopsmock.CloudID,
		"SOPD_JSMOPS_KEY":              jsmopsKey,
		"SOPD_JSMOPS_USER":             botLogin,
		"SOPD_JSMOPS_TOKEN":            jsmopsToken,
	}
}

// Hook points the vendors' webhooks at baseURL/webhooks/{okta,jira,opsgenie}, each with its secret, and away from where
// they pointed before. Something has to listen there already: Okta asks it for a challenge.
//
// Errors: when Okta's challenge is not answered.
func (w *World) Hook(baseURL string) error {
	w.Okta.DropHooks()
	w.Jira.SetWebhook(baseURL+"/webhooks/jira", jiraSecret)
	w.Opsgenie.SetWebhook(opsgeniemock.Webhook{URL: baseURL + "/webhooks/opsgenie", Header: "Authorization", Value: opsgenieSecret})
	return w.Okta.SetHook(baseURL+"/webhooks/okta", oktaSecret)
}

//go:embed policies/*.yaml
var policyFiles embed.FS

// Policies are Maison RMI's policy files, in the root of the file system.
func Policies() fs.FS {
	folder, err := fs.Sub(policyFiles, "policies")
	if err != nil {
		panic("world: " + err.Error()) // the name is a constant, and valid
	}
	return folder
}

// WritePolicies writes the policy files into a folder, which is made when it is not there.
//
// Errors: the file system's.
func (*World) WritePolicies(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	names, err := fs.Glob(Policies(), "*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(Policies(), name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
