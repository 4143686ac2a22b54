package oktamock

import (
	"encoding/json"
	"strings"
)

func (c *call) listRules() *answer {
	search := strings.ToLower(c.query.Get("search"))
	return c.scan(sizes{50, 200}, int32(len(c.rules.all)), func(seq int32) any {
		r := c.rules.all[seq]
		if r.gone || !strings.Contains(strings.ToLower(r.name), search) {
			return nil
		}
		return r.wire()
	})
}

func (c *call) withRule(deed func(*rule) *answer) *answer {
	id := c.vars["groupRuleId"]
	if r := c.rules.find(id); r != nil {
		return deed(r)
	}
	return c.notFound(id, "GroupRule")
}

func (c *call) getRule() *answer {
	return c.withRule(func(r *rule) *answer { return ok(r.wire()) })
}

func (c *call) ruleRequest() (Rule, *answer) {
	var in wireRule
	if err := json.Unmarshal(c.body, &in); err != nil {
		return Rule{}, refuse(c, "E0000003", "The request body was not well-formed.")
	}
	if in.Name == "" || len(in.Name) > 50 {
		return Rule{}, c.invalid("name", "name: The field must have 1 to 50 characters")
	}
	return Rule{
		Name: in.Name, Expression: in.Conditions.Expression.Value, Groups: in.Actions.Assign.GroupIDs,
		Excluded: in.Conditions.People.Users.Exclude, Inactive: true,
	}, nil
}

// postRule creates a rule, which is inactive until it is activated.
func (c *call) postRule() *answer {
	in, refusal := c.ruleRequest()
	if refusal != nil {
		return refusal
	}
	return ok(c.newRule(in).wire())
}

// replaceRule changes a rule, which must be inactive.
//
// Source: support.okta.com, "Bulk remove users from group rule exceptions via API".
func (c *call) replaceRule() *answer {
	return c.withRule(func(r *rule) *answer {
		in, refusal := c.ruleRequest()
		switch {
		case refusal != nil:
			return refusal
		case r.active:
			return c.invalid("groupRule", "An active rule cannot be changed")
		}
		r.name, r.expression, r.groups, r.excluded, r.updated = in.Name, in.Expression, in.Groups, in.Excluded, seconds(c.now())
		return ok(r.wire())
	})
}

// deleteRule keeps the members that the rule made.
func (c *call) deleteRule() *answer {
	return c.withRule(func(r *rule) *answer {
		r.gone, r.active = true, false
		return &answer{status: 202}
	})
}

func (c *call) activateRule() *answer {
	return c.withRule(func(r *rule) *answer {
		r.active, r.updated = true, seconds(c.now())
		c.evaluateAll(loudly)
		return noContent()
	})
}

// deactivateRule keeps the members that the rule made.
func (c *call) deactivateRule() *answer {
	return c.withRule(func(r *rule) *answer {
		r.active, r.updated = false, seconds(c.now())
		c.tell("group.user_membership.rule.deactivated", c.who.actor)
		return noContent()
	})
}
