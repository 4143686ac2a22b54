package policies

import (
	"fmt"

	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/review"
)

// KindAccessReview is campaigns in which owners look at who has access.
const KindAccessReview = "AccessReview"

// reviewFile is how access is reviewed.
type reviewFile struct {
	SOP      sop          `yaml:",inline"`
	Calendar string       `yaml:"calendar"`
	Schedule scheduleYAML `yaml:"schedule"`
	Within   string       `yaml:"within"`
	Remind   string       `yaml:"remind"`
	Project  string       `yaml:"project"`
	Type     string       `yaml:"type"`
	Close    string       `yaml:"close"`
	Risks    []string     `yaml:"risks"`
	Systems  []string     `yaml:"systems"`
	Fallback peopleYAML   `yaml:"fallback"`
	Keep     string       `yaml:"keep"`
	Escalate string       `yaml:"escalate"`
}

// clockOfReviews is the clock of every campaign.
const clockOfReviews = "answered"

func (c *compiler) accessReview(f *file) {
	var in reviewFile
	if !f.decode(&in) {
		return
	}
	d := c.document(f, in.SOP)
	f.pointless(in.SOP, "projects", "types", "requestTypes", "statuses", "fields")
	on := c.named(f, "$.calendar", in.Calendar)
	p := review.Policy{
		Name: d.Name, Policy: d.ID(), Schedule: f.schedule("$.schedule", in.Schedule, on), Within: f.target("$.within", in.Within),
		Remind: f.warning("$.remind", in.Remind), Project: in.Project, Type: in.Type, Close: in.Close, Systems: in.Systems,
		Fallback: f.named("$.fallback", in.Fallback), Keep: f.days("$.keep", in.Keep), Owner: d.RACI.Responsible, Escalate: in.Escalate,
	}
	f.project("$.project", in.Project)
	f.required("$.type", in.Type)
	f.required("$.close", in.Close)
	if p.Keep == 0 {
		f.wrong("$.keep", "say for how long a certified membership without a ticket is good, such as 180d")
	}
	if p.Fallback.Empty() {
		f.wrong("$.fallback", "name users or groups who review what no owner may: their own access, or the system of one who left")
	}
	for i, risk := range in.Risks {
		f.oneOf(fmt.Sprintf("$.risks[%d]", i), risk, string(catalog.Low), string(catalog.Medium), string(catalog.High))
		p.Risks = append(p.Risks, catalog.Risk(risk))
	}
	for i, system := range in.Systems {
		if _, known := c.set.Catalog.System(system); !known {
			f.wrong(fmt.Sprintf("$.systems[%d]", i), "there is no system %q in the catalog", system)
		}
	}
	for _, suffix := range []string{review.Opened, review.Answered} {
		c.declare(f, "$.name", d.Name, p.Fact(suffix))
	}
	clock := kpi.Definition{
		SOP: d.Name, Name: clockOfReviews, Subject: "review", Start: []string{p.Fact(review.Opened)}, Stop: []string{p.Fact(review.Answered)},
		Targets: map[string]kpi.Target{"": p.Within}, Calendar: on, Owner: "system-owner", Escalate: in.Escalate,
	}
	if on.AlwaysOpen() {
		clock.Calendar = nil
	}
	if !p.Within.IsZero() {
		f.validate("$.within", []kpi.Definition{clock})
	}
	c.set.Clocks = append(c.set.Clocks, clock)
	c.paging(f, "$", clock, clockYAML{})
	c.set.Reviews = append(c.set.Reviews, p)
}
