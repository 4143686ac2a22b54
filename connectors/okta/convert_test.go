package okta

import (
	"errors"
	"testing"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"

	"github.com/maisonrmi/sopd/internal/access"
)

func TestWhatLacksItsEssenceIsMalformed(t *testing.T) {
	now := time.Now()
	assign := func(ids ...string) *sdk.GroupRuleAction {
		return &sdk.GroupRuleAction{AssignUserToGroups: &sdk.GroupRuleGroupAssignment{GroupIds: ids}}
	}
	for name, err := range map[string]error{
		"user without ID":        second(toUser(&sdk.User{Status: "ACTIVE", Profile: &sdk.UserProfile{}})),
		"user without status":    second(toUser(&sdk.User{Id: "00u1", Profile: &sdk.UserProfile{}})),
		"user without profile":   second(toUser(&sdk.User{Id: "00u1", Status: "ACTIVE"})),
		"user with a bad ID":     second(toUser(&sdk.User{Id: "../x", Status: "ACTIVE", Profile: &sdk.UserProfile{}})),
		"group without profile":  second(toGroup(&sdk.Group{Id: "00g1", Type: "OKTA_GROUP"})),
		"rule without groups":    second(toRule(&sdk.GroupRule{Id: "0pr1", Status: "ACTIVE"})),
		"rule feeding nonsense":  second(toRule(&sdk.GroupRule{Id: "0pr1", Status: "ACTIVE", Actions: assign("a/b")})),
		"rule without a status":  second(toRule(&sdk.GroupRule{Id: "0pr1", Actions: assign("00g1")})),
		"event without uuid":     second(toEvent(&logEvent{EventType: "x", Published: &now})),
		"event without a time":   second(toEvent(&logEvent{UUID: "e", EventType: "x"})),
		"event without its type": second(toEvent(&logEvent{UUID: "e", Published: &now})),
		"role without type":      second(toRole(&sdk.Role{Id: "ra1"})),
	} {
		if !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTargetsThatAreNoUsersOrGroupsOfOursAreLeftOut(t *testing.T) {
	now := time.Now()
	got, err := toEvent(&logEvent{UUID: "e", EventType: "x", Published: &now, Target: []logObject{
		{}, {Type: "AppInstance", ID: "0oa1"}, {Type: "User", ID: "unknown user"}, {Type: "UserGroup", ID: "00g1"}, {Type: "User", ID: "00u1"},
	}})
	if err != nil || len(got.Users) != 1 || got.Users[0] != "00u1" || len(got.Groups) != 1 || got.Groups[0] != "00g1" {
		t.Errorf("%+v, %v", got, err)
	}
	if got.Succeeded {
		t.Error("an event without an outcome is no success")
	}
}

func TestACustomRoleIsNamedByItsLabel(t *testing.T) {
	if got, err := toRole(&sdk.Role{Type: "CUSTOM", Label: "Managed groups"}); err != nil || got != "Managed groups" {
		t.Errorf("%q, %v", got, err)
	}
}

func second[T any](_ T, err error) error { return err }
