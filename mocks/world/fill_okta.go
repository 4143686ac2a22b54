package world

import (
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/mocks/oktamock"
)

// founded is how long before the start of the world the org was set up.
const founded = 3 * 365 * 24 * time.Hour

// oktaAdmins is who administers the org in Okta's console.
func oktaAdmins() []string { return members("okta-administrators") }

func (w *World) fillOkta() {
	for n, m := range staff {
		w.Okta.AddUser(w.oktaUser(n, m))
	}
	for n, m := range former {
		u := w.oktaUser(len(staff)+n, m)
		u.Status, u.StatusChanged = "DEPROVISIONED", w.leftAt(n)
		w.Okta.AddUser(u)
	}
	w.Okta.AddUser(oktamock.User{
		ID: userID(breakGlass), Login: login(breakGlass), FirstName: "Break", LastName: "Glass", Created: w.start.Add(-founded),
		Profile: map[string]any{"userType": "Service", "title": "Account for emergencies"}, Roles: []string{"SUPER_ADMIN"},
	})
	for _, g := range groups {
		w.oktaGroup(g)
	}
	for _, r := range rules {
		w.Okta.AddRule(oktamock.Rule{
			ID: ruleID(r.name), Name: r.name, Expression: r.expression, Groups: []string{groupID(r.group)}, Inactive: r.inactive,
		})
	}
}

func (w *World) oktaUser(n int, m member) oktamock.User {
	p := m.person()
	kind := "Employee"
	if slices.Contains(contractors, m.short) {
		kind = "Contractor"
	}
	u := oktamock.User{
		ID: p.OktaID, Login: p.Login, FirstName: m.first, LastName: m.last,
		// People joined one after the other, the first with the org.
		Created: w.start.Add(-founded + time.Duration(n)*8*24*time.Hour),
		Profile: map[string]any{
			"displayName": p.Name, "department": m.department, "title": m.title, "timezone": m.zone, "userType": kind,
			"organization": "Maison RMI", "employeeNumber": strconv.Itoa(1001 + n), "jiraAccountId": string(p.Account),
		},
	}
	if m.manager != "" {
		u.Profile["managerId"], u.Profile["manager"] = userID(m.manager), login(m.manager)
	}
	if slices.Contains(oktaAdmins(), m.short) {
		u.Roles = []string{"ORG_ADMIN"}
	}
	return u
}

func (w *World) oktaGroup(g group) {
	kinds := map[string]string{byApp: "APP_GROUP"}
	made := oktamock.Group{
		ID: groupID(g.name), Name: g.name, Description: g.description, Type: kinds[g.fed], Created: w.start.Add(-founded),
	}
	if g.fed == byApp {
		made.Source = oktaID("0oa", g.name)
	}
	w.Okta.AddGroup(made)
	for _, short := range g.members {
		w.Okta.Place(made.ID, userID(short))
	}
}

// leftAt is when the n-th of the former people left.
func (w *World) leftAt(n int) time.Time {
	return w.start.AddDate(0, 0, -200+35*n).Truncate(24 * time.Hour).Add(17 * time.Hour)
}
