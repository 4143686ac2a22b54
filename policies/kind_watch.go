package policies

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/watch"
)

// KindWatch is what to look for in the System Log and on tickets.
const KindWatch = "Watch"

// watchFile is rules that make findings.
type watchFile struct {
	SOP   sop             `yaml:",inline"`
	Rules []watchRuleYAML `yaml:"rules"`
}

type watchRuleYAML struct {
	Kind     string     `yaml:"kind"` // of the finding
	Title    string     `yaml:"title"`
	Events   []string   `yaml:"events"`
	When     string     `yaml:"when"`
	Outside  string     `yaml:"outside"` // a calendar
	Zone     string     `yaml:"zone"`    // the profile attribute with a person's time zone
	Count    int        `yaml:"count"`
	Within   string     `yaml:"within"`
	By       string     `yaml:"by"`
	Unless   unlessYAML `yaml:"unless"`
	Keep     string     `yaml:"keep"`
	Priority string     `yaml:"priority"`
	Owner    string     `yaml:"owner"`
}

// unlessYAML names the procedure whose approved ticket of the same person excuses.
type unlessYAML struct {
	Procedure string `yaml:"procedure"`
}

// taken lists kinds of finding that rules must not use: other parts raise and clear them.
func taken() []string {
	return []string{
		"drift", "unreadable", "unconfirmed", "hold", "skipped", "blind", "incomplete", "task-overdue", "task-missed", "report-missed", "review-overdue", "review-altered",
		"review-unassigned", "clock-at-risk", "clock-breached", "incident", "pir-overdue", "pager-disagreement", "silent", "guard-disabled",
		"break-glass", "break-glass-unreviewed", "parked", "refused", "conflict", "orphaned", "on-call-gap", "baseline-due",
	}
}

func (c *compiler) watch(f *file) {
	var in watchFile
	if !f.decode(&in) {
		return
	}
	c.document(f, in.SOP)
	f.pointless(in.SOP, "projects", "types", "requestTypes", "statuses", "fields")
	if len(in.Rules) == 0 {
		f.wrong("$.rules", "name at least one rule")
	}
	for i, r := range in.Rules {
		c.set.Watches = append(c.set.Watches, c.watchRule(f, fmt.Sprintf("$.rules[%d]", i), r))
	}
}

func (c *compiler) watchRule(f *file, at string, in watchRuleYAML) watch.Rule {
	r := watch.Rule{
		Kind: finding.Kind(in.Kind), Title: in.Title, Types: in.Events, Zone: in.Zone, Count: in.Count, By: watch.Key(in.By),
		Unless: in.Unless.Procedure, Keep: 24 * time.Hour, Owner: in.Owner,
	}
	c.watchKind(f, at, in.Kind)
	f.required(at+".title", in.Title)
	if len(in.Events) == 0 {
		f.wrong(at+".events", "name the types of events, such as user.session.start; a.b.* stands for all that begin so")
	}
	for j, kind := range in.Events {
		if strings.ContainsAny(strings.TrimSuffix(kind, ".*"), "* ") {
			f.wrong(fmt.Sprintf("%s.events[%d]", at, j), "is %q; a star may only stand at the end, after a full stop", kind)
		}
	}
	if in.When != "" {
		when, err := signalCondition(in.When)
		if err != nil {
			f.wrong(at+".when", "%s", oneLine(err))
		}
		r.When = when
	}
	if in.Outside != "" {
		r.Outside = c.named(f, at+".outside", in.Outside)
		if r.Outside.AlwaysOpen() {
			f.wrong(at+".outside", "calendar %q is always open; nothing ever happens outside", in.Outside)
		}
	}
	r.Within = f.window(at+".within", in.Within, in.Count)
	if in.Count > 1 {
		f.oneOf(at+".by", in.By, string(watch.ByActor), string(watch.ByTarget), string(watch.ByAll))
	}
	if in.Unless.Procedure != "" {
		c.later = append(c.later, func() {
			if _, known := c.set.Procedure(in.Unless.Procedure); !known {
				f.wrong(at+".unless.procedure", "there is no Procedure %q", in.Unless.Procedure)
			}
		})
	}
	if in.Keep != "" {
		r.Keep = f.days(at+".keep", in.Keep)
	}
	if in.Priority != "" {
		r.Priority = f.priority(at+".priority", in.Priority)
	}
	return r
}

// watchKind checks the kind of finding, which is a metric's label.
func (c *compiler) watchKind(f *file, at, kind string) {
	if !slug.MatchString(kind) {
		f.wrong(at+".kind", "kind is %q; write small letters, digits and hyphens", kind)
	}
	for _, name := range taken() {
		if kind == name {
			f.wrong(at+".kind", "findings of kind %q are raised by sopd itself; choose another word", kind)
		}
	}
	for _, other := range c.set.Watches {
		if string(other.Kind) == kind {
			f.wrong(at+".kind", "two rules raise findings of kind %q; give each its own", kind)
		}
	}
}

// window reads how long signals count together.
func (f *file) window(at, text string, count int) time.Duration {
	if count < 2 {
		if text != "" {
			f.wrong(at, "needs count: how many within that time")
		}
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > 24*time.Hour {
		f.wrong(at, "is %q; write a time up to a day, such as 10m", text)
	}
	return d
}

// signalCondition compiles a CEL expression over a signal. It sees:
//
//	type, reason, failed      of the signal
//	actor                     a map of text: id, type, status, and what the Okta profile of the actor holds
//	users, groups             the IDs of whom and what it is about
//
// It has to give true or false. Errors: what CEL says of the expression.
func signalCondition(expression string) (watch.Condition, error) {
	return compileCondition(expression, signalInput,
		cel.Variable("type", cel.StringType), cel.Variable("reason", cel.StringType), cel.Variable("failed", cel.BoolType),
		cel.Variable("actor", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("users", cel.ListType(cel.StringType)), cel.Variable("groups", cel.ListType(cel.StringType)),
	)
}

func signalInput(s watch.Signal) map[string]any {
	actor := map[string]string{}
	for k, v := range s.User.Profile {
		actor[k] = v
	}
	actor["id"], actor["type"], actor["status"] = s.Actor.ID, s.Actor.Type, string(s.User.Status)
	users, groups := []string{}, []string{}
	for _, u := range s.Users {
		users = append(users, string(u))
	}
	for _, g := range s.Groups {
		groups = append(groups, string(g))
	}
	return map[string]any{"type": s.Type, "reason": s.Reason, "failed": s.Failed, "actor": actor, "users": users, "groups": groups}
}
