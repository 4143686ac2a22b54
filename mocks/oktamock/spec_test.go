package oktamock_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"
)

// story is an org of a few people, a group of each type and a rule.
type story struct {
	*oktamock.Server
	admin, ada, ben                string
	finance, imported, engineering string
	rule                           string
}

func newStory(t testing.TB, c oktamock.Config) *story {
	t.Helper()
	s := &story{Server: org(t, c)}
	s.admin = s.AddUser(oktamock.User{Login: "root@example.com", FirstName: "Rita", LastName: "Root", Roles: []string{"SUPER_ADMIN"}})
	s.ada = s.AddUser(oktamock.User{Login: "ada@example.com", FirstName: "Ada", LastName: "Abel", Profile: map[string]any{"department": "Engineering"}})
	s.ben = s.AddUser(oktamock.User{Login: "ben@example.com", FirstName: "Ben", LastName: "Berg"})
	s.finance = s.AddGroup(oktamock.Group{Name: "app-finance", Description: "Finance system"})
	s.imported = s.AddGroup(oktamock.Group{Name: "ad-staff", Type: "APP_GROUP", Source: "0oa5d7mock0Directory"})
	s.engineering = s.AddGroup(oktamock.Group{Name: "all-engineering"})
	s.rule = s.AddRule(oktamock.Rule{Name: "Engineers", Expression: `user.department=="Engineering"`, Groups: []string{s.engineering}})
	return s
}

func TestEveryAnswerToTheOfficialSDKFitsTheSpecification(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	v := newValidator(t, s.Server)
	c := sdk(t, s.Server, v)
	for name, call := range sdkCalls(s, c) {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	missing := []string{}
	for _, endpoint := range []string{
		"GET /api/v1/users", "GET /api/v1/users/{id}", "GET /api/v1/users/{id}/groups", "GET /api/v1/groups", "GET /api/v1/groups/{groupId}",
		"GET /api/v1/groups/{groupId}/users", "PUT /api/v1/groups/{groupId}/users/{userId}", "DELETE /api/v1/groups/{groupId}/users/{userId}",
		"GET /api/v1/groups/rules", "GET /api/v1/logs", "DELETE /api/v1/users/{userId}/sessions", "POST /api/v1/users/{id}/lifecycle/suspend",
		"POST /api/v1/users/{id}/lifecycle/deactivate", "GET /api/v1/eventHooks",
	} {
		if v.seen[endpoint] == 0 {
			missing = append(missing, endpoint)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no valid exchange seen of %v", missing)
	}
}

// sdkCalls are the calls in no order: each stands by itself.
func sdkCalls(s *story, c *okta.Client) map[string]func() error {
	ctx := contextOf(s)
	calls := map[string]func() error{}
	maps.Copy(calls, map[string]func() error{
		"users":       func() error { _, _, err := c.User.ListUsers(ctx, query.NewQueryParams(query.WithLimit(2))); return err },
		"user":        func() error { _, _, err := c.User.GetUser(ctx, s.ada); return err },
		"no user":     wantError(func() error { _, _, err := c.User.GetUser(ctx, "00unobody"); return err }),
		"user groups": func() error { _, _, err := c.User.ListUserGroups(ctx, s.ada); return err },
		"clear": func() error {
			_, err := c.User.ClearUserSessions(ctx, s.ada, query.NewQueryParams(query.WithOauthTokens(true)))
			return err
		},
		"suspend and back": func() error {
			if _, err := c.User.SuspendUser(ctx, s.ben); err != nil {
				return err
			}
			_, err := c.User.UnsuspendUser(ctx, s.ben)
			return err
		},
		"deactivate": func() error {
			u := s.AddUser(oktamock.User{Login: "leaver@example.com"})
			_, err := c.User.DeactivateUser(ctx, u, nil)
			return err
		},
	})
	maps.Copy(calls, sdkGroupCalls(s, c))
	maps.Copy(calls, rareCalls(s, c))
	return calls
}

// rareCalls are those that sopd does not make and others may.
func rareCalls(s *story, c *okta.Client) map[string]func() error {
	ctx := contextOf(s)
	return map[string]func() error{
		"life of a user": func() error {
			u, _, err := c.User.CreateUser(ctx, okta.CreateUserRequest{Profile: &okta.UserProfile{
				"login": "new@example.com", "email": "new@example.com", "firstName": "New", "lastName": "Comer", "title": "Clerk",
			}}, query.NewQueryParams(query.WithActivate(false)))
			if err != nil {
				return err
			}
			_, _, errActivate := c.User.ActivateUser(ctx, u.Id, query.NewQueryParams(query.WithSendEmail(false)))
			_, _, errUpdate := c.User.PartialUpdateUser(ctx, u.Id, okta.User{Profile: &okta.UserProfile{"title": "Chief"}}, nil)
			_, errReset := c.User.ResetFactors(ctx, u.Id)
			_, errDeactivate := c.User.DeactivateOrDeleteUser(ctx, u.Id, nil)
			_, errDelete := c.User.DeactivateOrDeleteUser(ctx, u.Id, nil)
			return errors.Join(errActivate, errUpdate, errReset, errDeactivate, errDelete)
		},
		"life of a group": func() error {
			g, _, err := c.Group.CreateGroup(ctx, okta.Group{Profile: &okta.GroupProfile{Name: "temporary"}})
			if err != nil {
				return err
			}
			_, _, errUpdate := c.Group.UpdateGroup(ctx, g.Id, okta.Group{Profile: &okta.GroupProfile{Name: "renamed", Description: "d"}})
			_, _, errApps := c.Group.ListAssignedApplicationsForGroup(ctx, g.Id, nil)
			_, errDelete := c.Group.DeleteGroup(ctx, g.Id)
			return errors.Join(errUpdate, errApps, errDelete)
		},
		"life of a rule": func() error {
			rule := okta.GroupRule{Name: "Finance", Type: "group_rule", Conditions: &okta.GroupRuleConditions{
				Expression: &okta.GroupRuleExpression{Type: "urn:okta:expression:1.0", Value: `user.department=="Finance"`},
			}, Actions: &okta.GroupRuleAction{AssignUserToGroups: &okta.GroupRuleGroupAssignment{GroupIds: []string{s.finance}}}}
			r, _, err := c.Group.CreateGroupRule(ctx, rule)
			if err != nil {
				return err
			}
			_, _, errUpdate := c.Group.UpdateGroupRule(ctx, r.Id, rule)
			_, errActivate := c.Group.ActivateGroupRule(ctx, r.Id)
			_, errDeactivate := c.Group.DeactivateGroupRule(ctx, r.Id)
			_, errDelete := c.Group.DeleteGroupRule(ctx, r.Id, nil)
			return errors.Join(errUpdate, errActivate, errDeactivate, errDelete)
		},
		"org":    func() error { _, _, err := c.OrgSetting.GetOrgSettings(ctx); return err },
		"search": func() error { return searchThroughSDK(s, c) },
	}
}

func searchThroughSDK(s *story, c *okta.Client) error {
	ctx := contextOf(s)
	found, _, err := c.User.ListUsers(ctx, query.NewQueryParams(query.WithSearch(`profile.department eq "engineering"`), query.WithSortBy("profile.lastName")))
	if err == nil && (len(found) != 1 || found[0].Id != s.ada) {
		err = fmt.Errorf("%d users found", len(found))
	}
	groups, _, errGroups := c.Group.ListGroups(ctx, query.NewQueryParams(query.WithSearch(`profile.name sw "app-"`)))
	if errGroups == nil && len(groups) != 1 {
		errGroups = fmt.Errorf("%d groups found", len(groups))
	}
	return errors.Join(err, errGroups)
}

func sdkGroupCalls(s *story, c *okta.Client) map[string]func() error {
	ctx := contextOf(s)
	return map[string]func() error{
		"groups": func() error {
			_, _, err := c.Group.ListGroups(ctx, query.NewQueryParams(query.WithLimit(2)))
			return err
		},
		"group":    func() error { _, _, err := c.Group.GetGroup(ctx, s.imported); return err },
		"no group": wantError(func() error { _, _, err := c.Group.GetGroup(ctx, "00gnothing"); return err }),
		"members": func() error {
			_, _, err := c.Group.ListGroupUsers(ctx, s.engineering, query.NewQueryParams(query.WithLimit(200)))
			return err
		},
		"add":        func() error { _, err := c.Group.AddUserToGroup(ctx, s.finance, s.ada); return err },
		"remove":     func() error { _, err := c.Group.RemoveUserFromGroup(ctx, s.finance, s.ben); return err },
		"add denied": wantError(func() error { _, err := c.Group.AddUserToGroup(ctx, s.imported, s.ada); return err }),
		"rules":      func() error { _, _, err := c.Group.ListGroupRules(ctx, nil); return err },
		"rule":       func() error { _, _, err := c.Group.GetGroupRule(ctx, s.rule, nil); return err },
		"logs": func() error {
			_, _, err := c.LogEvent.GetLogs(ctx, query.NewQueryParams(query.WithLimit(10)))
			return err
		},
		"hook": func() error { return hookThroughSDK(s, c) },
	}
}

func hookThroughSDK(s *story, c *okta.Client) error {
	ctx := contextOf(s)
	_, _, err := c.EventHook.CreateEventHook(ctx, okta.EventHook{
		Name: "h", Events: &okta.EventSubscriptions{Type: "EVENT_TYPE", Items: []string{"group.user_membership.add"}},
		Channel: &okta.EventHookChannel{Type: "HTTP", Version: "1.0.0", Config: &okta.EventHookChannelConfig{
			Uri: "https://sopd.example.com/webhooks/okta", AuthScheme: &okta.EventHookChannelConfigAuthScheme{Type: "HEADER", Key: "Authorization", Value: "s"},
		}},
	})
	if err != nil {
		return err
	}
	_, _, err = c.EventHook.ListEventHooks(ctx)
	return err
}

func TestKeysAreThoseOfRecordedTraffic(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	for name, c := range map[string]struct{ method, suffix, mock string }{
		"user by ID":  {"GET", "/api/v1/users/00u", "/api/v1/users/" + s.ada},
		"group":       {"POST", "/api/v1/groups", "/api/v1/groups/" + s.finance},
		"user groups": {"GET", "/groups", "/api/v1/users/" + s.ada + "/groups"},
	} {
		t.Run(name, func(t *testing.T) {
			recorded := recordedKeys(t, traffic{c.method, c.suffix})
			if name == "user by ID" { // an active user was recorded at its creation only
				maps.Copy(recorded, recordedKeys(t, traffic{"POST", "/api/v1/users?activate=true"}))
			}
			var body any
			get(t, s.Server, c.mock, &body)
			got := keys(body)
			for key := range got {
				// what the mock adds to a profile is the test's own
				if !recorded[key] && !strings.HasPrefix(key, "profile.") {
					t.Errorf("the mock writes %q, which no recorded answer has", key)
				}
			}
			for _, key := range []string{"id", "_links", "profile"} {
				if recorded[key] && !got[key] {
					t.Errorf("the mock leaves out %q", key)
				}
			}
		})
	}
}

// keys returns the paths of the keys of an answer, of the first element for a list, two deep.
func keys(body any) map[string]bool {
	out := map[string]bool{}
	if list, isList := body.([]any); isList && len(list) > 0 {
		body = list[0]
	}
	object, _ := body.(map[string]any)
	for k, v := range object {
		out[k] = true
		inner, _ := v.(map[string]any)
		for k2 := range inner {
			out[k+"."+k2] = true
		}
	}
	return out
}

type cassette struct {
	Interactions []struct {
		Request  struct{ Method, URL, URI string }
		Response struct {
			Body any
		}
	}
}

// traffic is a method and a part of the address.
type traffic struct{ method, part string }

func (w traffic) fits(method, address string) bool {
	byID := strings.HasSuffix(w.part, "00u") && strings.Contains(address, w.part) && strings.Count(address, "/") == 6
	return method == w.method && (strings.HasSuffix(address, w.part) || byID)
}

// recordedKeys collects the keys of all recorded answers to a method and path.
func recordedKeys(t *testing.T, wanted traffic) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	files := []string{}
	for _, folder := range []string{"okta-sdk-python/tests/integration/cassettes/*/*.yaml", "terraform-provider-okta/test/fixtures/vcr/idaas/*/*.yaml"} {
		found, err := filepath.Glob(filepath.Join(testdata.Shared(t, "vendor-data/recordings"), folder))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		collectKeys(t, file, wanted, out)
	}
	if len(out) == 0 {
		t.Fatalf("no recorded answer to %s …%s", wanted.method, wanted.part)
	}
	return out
}

func collectKeys(t *testing.T, file string, wanted traffic, into map[string]bool) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c cassette
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, x := range c.Interactions {
		text, _ := x.Response.Body.(string)
		if inner, isMap := x.Response.Body.(map[string]any); isMap {
			text, _ = inner["string"].(string)
		}
		var body any
		if wanted.fits(x.Request.Method, x.Request.URL+x.Request.URI) && json.Unmarshal([]byte(text), &body) == nil {
			maps.Copy(into, keys(body))
		}
	}
}

func TestLinksStandOnTheirOwnLinesAsRecorded(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	resp := get(t, s.Server, "/api/v1/users?limit=1&filter=status+eq+%22ACTIVE%22", nil)
	links := resp.Header.Values("Link")
	if len(links) != 2 || !strings.HasSuffix(links[0], `>; rel="self"`) || !strings.HasPrefix(links[1], "<"+s.URL()+"/api/v1/users?after=") {
		t.Errorf("links %q", links)
	}
}

func TestRateHeadersStandOnEveryAnswer(t *testing.T) {
	s := newStory(t, oktamock.Config{Limits: oktamock.PublishedLimits()})
	for _, path := range []string{"/api/v1/users", "/api/v1/users/" + s.ada, "/api/v1/users/00unobody", "/api/v1/groups", "/api/v1/logs"} {
		resp := get(t, s.Server, path, nil)
		for _, name := range []string{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Date"} {
			if resp.Header.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
	}
}

func TestEventTypesAreThoseOfTheCatalogue(t *testing.T) {
	raw, err := os.ReadFile(testdata.Shared(t, "vendor-data/okta-catalogue/event-types.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	eligible := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Split(line, "\t"); len(f) > 2 {
			eligible[f[0]] = f[2]
		}
	}
	s := newStory(t, oktamock.Config{})
	r := newReceiver(t)
	if err := s.SetHook(r.URL, "s"); err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ Events struct{ Items []string } }
	get(t, s.Server, "/api/v1/eventHooks", &hooks)
	for _, kind := range hooks[0].Events.Items {
		if eligible[kind] != "yes" {
			t.Errorf("%s is not eligible for hooks: %q", kind, eligible[kind])
		}
	}
	if !slices.Contains(hooks[0].Events.Items, "group.user_membership.add") {
		t.Error("memberships are not told to hooks")
	}
}

func wantError(call func() error) func() error {
	return func() error {
		if call() == nil {
			return http.ErrNotSupported
		}
		return nil
	}
}
