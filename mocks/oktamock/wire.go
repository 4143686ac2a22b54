package oktamock

import (
	"maps"
	"strings"
)

// The types of this file are the org's wire format, written from the specification and from recorded answers.

type wireUser struct {
	ID              string          `json:"id"`
	Status          string          `json:"status"`
	Created         string          `json:"created"`
	Activated       *string         `json:"activated"`
	StatusChanged   *string         `json:"statusChanged"`
	LastLogin       *string         `json:"lastLogin"`
	LastUpdated     string          `json:"lastUpdated"`
	PasswordChanged *string         `json:"passwordChanged"`
	Type            wireID          `json:"type"`
	Profile         map[string]any  `json:"profile"`
	Credentials     wireCredentials `json:"credentials"`
	Transitioning   string          `json:"transitioningToStatus,omitempty"`
	Links           map[string]any  `json:"_links"`
}

type wireID struct {
	ID string `json:"id"`
}

type wireCredentials struct {
	Password *struct{}    `json:"password,omitempty"`
	Emails   []wireEmail  `json:"emails,omitempty"`
	Provider wireProvider `json:"provider"`
}

type wireEmail struct {
	Value  string `json:"value"`
	Status string `json:"status"`
	Type   string `json:"type"`
}

type wireProvider struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type wireLink struct {
	Href   string     `json:"href"`
	Method string     `json:"method,omitempty"`
	Name   string     `json:"name,omitempty"`
	Type   string     `json:"type,omitempty"`
	Hints  *wireHints `json:"hints,omitempty"`
}

type wireHints struct {
	Allow []string `json:"allow"`
}

type wireGroup struct {
	ID                    string           `json:"id"`
	Created               string           `json:"created"`
	LastUpdated           string           `json:"lastUpdated"`
	LastMembershipUpdated string           `json:"lastMembershipUpdated"`
	ObjectClass           []string         `json:"objectClass"`
	Type                  string           `json:"type"`
	Profile               wireGroupProfile `json:"profile"`
	Source                *wireID          `json:"source,omitempty"`
	Links                 map[string]any   `json:"_links"`
}

type wireGroupProfile struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
}

type wireRole struct {
	ID             string         `json:"id"`
	Label          string         `json:"label"`
	Type           string         `json:"type"`
	Status         string         `json:"status"`
	Created        string         `json:"created"`
	LastUpdated    string         `json:"lastUpdated"`
	AssignmentType string         `json:"assignmentType"`
	Links          map[string]any `json:"_links"`
}

type wireRule struct {
	Type        string         `json:"type"`
	ID          string         `json:"id"`
	Status      string         `json:"status"`
	Name        string         `json:"name"`
	Created     string         `json:"created"`
	LastUpdated string         `json:"lastUpdated"`
	Conditions  wireConditions `json:"conditions"`
	Actions     wireActions    `json:"actions"`
}

type wireConditions struct {
	People     wirePeople     `json:"people"`
	Expression wireExpression `json:"expression"`
}

type wirePeople struct {
	Users  wireExclude `json:"users"`
	Groups wireExclude `json:"groups"`
}

type wireExclude struct {
	Exclude []string `json:"exclude"`
}

type wireExpression struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

type wireActions struct {
	Assign wireAssign `json:"assignUserToGroups"`
}

type wireAssign struct {
	GroupIDs []string `json:"groupIds"`
}

// stampOrNull is a timestamp that Okta sends as null when there is none.
func stampOrNull(text string, zero bool) *string {
	if zero {
		return nil
	}
	return &text
}

// listed is the user as lists show it: its only link is to itself.
func (r *userRecord) listed(org string) wireUser {
	self := org + "/api/v1/users/" + r.id
	w := wireUser{
		ID: r.id, Status: r.status, Created: stamp(r.created), LastUpdated: stamp(r.updated), Transitioning: r.transitioning,
		Activated:       stampOrNull(stamp(r.activated), r.activated.IsZero()),
		StatusChanged:   stampOrNull(stamp(r.statusChanged), r.statusChanged.IsZero()),
		LastLogin:       stampOrNull(stamp(r.lastLogin), r.lastLogin.IsZero()),
		PasswordChanged: stampOrNull(stamp(r.passwordChanged), r.passwordChanged.IsZero()),
		Type:            wireID{"oty5d7mock0Default00"},
		Credentials:     wireCredentials{Password: &struct{}{}, Provider: wireProvider{"OKTA", "OKTA"}},
		Profile:         map[string]any{"mobilePhone": nil, "secondEmail": nil},
		Links:           map[string]any{"self": wireLink{Href: self}},
	}
	w.Credentials.Emails = []wireEmail{{r.email, "VERIFIED", "PRIMARY"}}
	maps.Copy(w.Profile, r.profile)
	maps.Copy(w.Profile, map[string]any{"login": r.login, "email": r.email, "firstName": r.firstName, "lastName": r.lastName})
	return w
}

// single is the user as a read by ID shows it: with a link for each thing that can be done with it now.
func (r *userRecord) single(org string) wireUser {
	w := r.listed(org)
	self := org + "/api/v1/users/" + r.id
	for _, deed := range deedsOf(r.status) {
		w.Links[deed.link] = wireLink{Href: self + deed.path, Method: "POST"}
	}
	w.Links["schema"] = wireLink{Href: org + "/api/v1/meta/schemas/user/osc5d7mock0Default00"}
	w.Links["type"] = wireLink{Href: org + "/api/v1/meta/types/user/oty5d7mock0Default00"}
	return w
}

type deed struct{ link, path string }

func deedsOf(status string) []deed {
	switch status {
	case "ACTIVE", "PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT":
		return []deed{
			{"suspend", "/lifecycle/suspend"}, {"deactivate", "/lifecycle/deactivate"}, {"resetPassword", "/lifecycle/reset_password"},
			{"expirePassword", "/lifecycle/expire_password"}, {"changePassword", "/credentials/change_password"},
			{"changeRecoveryQuestion", "/credentials/change_recovery_question"},
		}
	case "SUSPENDED":
		return []deed{{"unsuspend", "/lifecycle/unsuspend"}, {"deactivate", "/lifecycle/deactivate"}}
	case "DEPROVISIONED":
		return []deed{{"activate", "/lifecycle/activate"}}
	default:
		return []deed{{"activate", "/lifecycle/activate"}, {"deactivate", "/lifecycle/deactivate"}}
	}
}

func (r *groupRecord) wire(org string) wireGroup {
	self := org + "/api/v1/groups/" + r.id
	class := []string{"okta:user_group"}
	var source *wireID
	links := map[string]any{
		"logo": []wireLink{
			{Href: "https://static.example.com/assets/img/logos/groups/okta-medium.png", Name: "medium", Type: "image/png"},
			{Href: "https://static.example.com/assets/img/logos/groups/okta-large.png", Name: "large", Type: "image/png"},
		},
		"users": wireLink{Href: self + "/users"},
		"apps":  wireLink{Href: self + "/apps"},
	}
	if r.kind == "APP_GROUP" && r.source != "" {
		class, source = []string{"okta:windows_security_principal"}, &wireID{r.source}
		links["source"] = wireLink{Href: org + "/api/v1/apps/" + r.source}
	}
	return wireGroup{
		ID: r.id, Created: stamp(r.created), LastUpdated: stamp(r.updated), LastMembershipUpdated: stamp(r.membersUpdated),
		ObjectClass: class, Type: r.kind, Source: source, Links: links,
		Profile: wireGroupProfile{Name: r.name, Description: stampOrNull(r.description, r.description == "")},
	}
}

func (r *rule) wire() wireRule {
	status := "INACTIVE"
	if r.active {
		status = "ACTIVE"
	}
	return wireRule{
		Type: "group_rule", ID: r.id, Status: status, Name: r.name, Created: stamp(r.created), LastUpdated: stamp(r.updated),
		Conditions: wireConditions{
			People:     wirePeople{Users: wireExclude{append([]string{}, r.excluded...)}, Groups: wireExclude{[]string{}}},
			Expression: wireExpression{Value: r.expression, Type: "urn:okta:expression:1.0"},
		},
		Actions: wireActions{Assign: wireAssign{append([]string{}, r.groups...)}},
	}
}

func roleWire(role string, n int, org string, u *user) wireRole {
	id := strings.ToUpper("ra1mock" + base62[n%10:n%10+1] + "0000000000")
	return wireRole{
		ID: id, Label: roleLabel(role), Type: role, Status: "ACTIVE", Created: stamp(u.truth.created),
		LastUpdated: stamp(u.truth.created), AssignmentType: "USER",
		Links: map[string]any{"assignee": wireLink{Href: org + "/api/v1/users/" + u.truth.id}},
	}
}

// roleLabel turns SUPER_ADMIN into "Super Administrator".
func roleLabel(role string) string {
	words := strings.Split(strings.ToLower(strings.TrimSuffix(role, "_ADMIN")), "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ") + " Administrator"
}
