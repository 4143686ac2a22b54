package intake

import (
	"github.com/maisonrmi/sopd/internal/access"
)

// decodeOkta reads an event hook's delivery, which may hold several events, or an event of the System Log alone, as log
// streaming forwards it. Older documentation spells eventId as eventID.
//
// Source: okta-developer-docs, concepts/event-hooks, August 2026; help.okta.com, log streaming to AWS EventBridge.
func decodeOkta(body []byte) (decoded, error) {
	o, err := parseObject(body)
	if err != nil {
		return decoded{}, err
	}
	events := o.sub("data").list("events")
	for _, alone := range []object{o.sub("detail"), o} {
		if kind := alone.text("eventType"); len(events) == 0 && kind != "" && kind != oktaEnvelope {
			events = []object{alone}
		}
	}
	d := decoded{id: firstText(o.text("eventId"), o.text("eventID"))}
	for _, event := range events {
		hint := oktaHint(event)
		if hint.At.IsZero() {
			hint.At = o.instant("eventTime")
		}
		d.hints = append(d.hints, hint)
	}
	return d, nil
}

// oktaEnvelope is the eventType of a delivery; those of its events tell what happened.
const oktaEnvelope = "com.okta.event_hook"

// oktaHint finds users and groups among the targets by their type: their order is not fixed.
func oktaHint(event object) Hint {
	kind := event.text("eventType")
	hint := Hint{Source: Okta, Kind: kind, Known: oktaKnown(kind), At: event.instant("published")}
	for _, target := range event.list("target") {
		switch target.text("type") {
		case "User":
			if id, err := access.ParseUserID(target.text("id")); err == nil {
				hint.Users = append(hint.Users, id)
			}
		case "UserGroup":
			if id, err := access.ParseGroupID(target.text("id")); err == nil {
				hint.Groups = append(hint.Groups, id)
			}
		}
	}
	hint.Users, hint.Groups = sorted(hint.Users), sorted(hint.Groups)
	return hint
}

// oktaKnown lists the event types that change who has access, and that a hook can send. Sign-ins are not among them: they
// are many, and the System Log poll reads them.
//
// Source: Okta's event type catalogue, 2026.08.1.
func oktaKnown(kind string) bool {
	switch kind {
	case "user.lifecycle.create", "user.lifecycle.activate", "user.lifecycle.reactivate", "user.lifecycle.deactivate",
		"user.lifecycle.suspend", "user.lifecycle.unsuspend", "user.lifecycle.delete.initiated",
		"user.account.update_profile", "user.account.lock", "user.account.privilege.grant", "user.account.privilege.revoke",
		"user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.risk.change", "user.session.clear",
		"group.user_membership.add", "group.user_membership.remove", "group.profile.update",
		"group.privilege.grant", "group.privilege.revoke", "group.lifecycle.create", "group.lifecycle.delete",
		"application.user_membership.add", "application.user_membership.remove", "application.user_membership.update",
		"iam.resourceset.bindings.add", "iam.resourceset.bindings.delete",
		"system.api_token.create", "system.api_token.revoke":
		return true
	default:
		return false
	}
}
