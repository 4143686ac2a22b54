package oktamock

import "slices"

// wireActivation answers an activation.
type wireActivation struct {
	URL   string `json:"activationUrl"`
	Token string `json:"activationToken"`
}

// lifecycle does the deed that the path names.
//
// Source: Okta Management API 2026.06, User Lifecycle; recorded answers for codes.
func (c *call) lifecycle() *answer {
	u := c.user("id")
	if u == nil {
		return c.noUser("id")
	}
	switch c.vars["deed"] {
	case "activate", "reactivate":
		return c.activateUser(u)
	case "deactivate":
		return c.deactivateUser(u)
	case "suspend":
		return c.suspendUser(u)
	case "unsuspend":
		return c.unsuspendUser(u)
	case "unlock":
		return c.unlockUser(u)
	case "reset_factors":
		c.tell("user.mfa.factor.reset_all", c.who.actor, userTarget(u))
		return ok(struct{}{})
	case "expire_password":
		c.moveAndTell(c.who.actor, u, "PASSWORD_EXPIRED", "user.account.expire_password")
		return ok(u.truth.single(c.URL()))
	}
	return refuse(c, "E0000008", "The requested path was not found")
}

func (c *call) activateUser(u *user) *answer {
	from := []string{"STAGED", "DEPROVISIONED"}
	if c.vars["deed"] == "reactivate" {
		from = []string{"PROVISIONED", "RECOVERY"}
	}
	if u.truth.status == "ACTIVE" && c.vars["deed"] == "activate" {
		return refuse(c, "E0000016", "Activation failed because the user is already active")
	}
	if !slices.Contains(from, u.truth.status) {
		return c.wrongStatus()
	}
	c.moveAndTell(c.who.actor, u, "PROVISIONED", "user.lifecycle."+c.vars["deed"])
	c.evaluate(u, loudly)
	token := c.mint("act")
	return ok(wireActivation{c.URL() + "/welcome/" + token, token})
}

func (c *call) deactivateUser(u *user) *answer {
	if u.truth.status == "DEPROVISIONED" {
		return c.wrongStatus()
	}
	c.deactivate(c.who.actor, u)
	return ok(struct{}{})
}

// suspendUser suspends an active user; any other status is 400 E0000001.
func (c *call) suspendUser(u *user) *answer {
	if u.truth.status != "ACTIVE" {
		return c.invalid("Cannot suspend a user that is not active", "Cannot suspend a user that is not active")
	}
	c.moveAndTell(c.who.actor, u, "SUSPENDED", "user.lifecycle.suspend")
	return ok(struct{}{})
}

func (c *call) unsuspendUser(u *user) *answer {
	if u.truth.status != "SUSPENDED" {
		return c.invalid("Cannot unsuspend a user that is not suspended", "Cannot unsuspend a user that is not suspended")
	}
	c.moveAndTell(c.who.actor, u, "ACTIVE", "user.lifecycle.unsuspend")
	return ok(struct{}{})
}

func (c *call) unlockUser(u *user) *answer {
	if u.truth.status != "LOCKED_OUT" {
		return refuse(c, "E0000032", "Unlock is not allowed for this user.")
	}
	c.moveAndTell(c.who.actor, u, "ACTIVE", "user.account.unlock_by_admin")
	return ok(struct{}{})
}
