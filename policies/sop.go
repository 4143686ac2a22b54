package policies

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
)

var semver = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

func (c *compiler) accessProvisioning(f *file) {
	var in accessFile
	if !f.decode(&in) {
		return
	}
	p := c.procedure(f, in.SOP)
	fields := p.Rules.Fields
	f.required("$.tickets.fields.system", fields.System)
	f.required("$.tickets.fields.justification", fields.Justification)
	f.proof(&p, in.Proof)
	for i, risk := range in.ExpiryRequired {
		f.oneOf(fmt.Sprintf("$.expiryRequired[%d]", i), risk, string(catalog.Low), string(catalog.Medium), string(catalog.High))
		p.Rules.ExpiryRequired = append(p.Rules.ExpiryRequired, catalog.Risk(risk))
	}
	if len(in.ExpiryRequired) > 0 && fields.Expires == "" {
		f.wrong("$.expiryRequired", "needs tickets.fields.expires: the field in which tickets say until when")
	}
	p.Rules.LongestGrant = f.days("$.longestGrant", in.LongestGrant)
	p.ExpiryWarnings = f.warnings(in.ExpiryWarnings)
	c.set.SOPs = append(c.set.SOPs, p)
}

func (c *compiler) deprovisioning(f *file) {
	var in leaverFile
	if !f.decode(&in) {
		return
	}
	p := c.procedure(f, in.SOP)
	f.required("$.tickets.fields.beneficiary", p.Rules.Fields.Beneficiary)
	f.oneOf("$.mode", in.Mode, string(catalog.Observe), string(catalog.Enforce))
	p.Mode, p.Suspend = catalog.Mode(in.Mode), in.Suspend || in.Account == "suspend"
	p.Deactivate = in.Account == "deactivate"
	if in.Account != "" {
		f.oneOf("$.account", in.Account, "keep", "suspend", "deactivate")
	}
	if in.Suspend && in.Account != "" && in.Account != "suspend" {
		f.wrong("$.suspend", "suspend is true and account is %q; leave suspend out", in.Account)
	}
	f.proof(&p, in.Proof)
	c.set.SOPs = append(c.set.SOPs, p)
}

func (c *compiler) revocation(f *file) {
	var in revocationFile
	if !f.decode(&in) {
		return
	}
	p := c.procedure(f, in.SOP)
	f.required("$.tickets.fields.beneficiary", p.Rules.Fields.Beneficiary)
	f.required("$.tickets.fields.system", p.Rules.Fields.System)
	f.proof(&p, in.Proof)
	p.Urgent = f.urgency(in.Urgent)
	c.set.SOPs = append(c.set.SOPs, p)
}

// procedure compiles what all procedures with tickets share.
func (c *compiler) procedure(f *file, in sop) SOP {
	p := c.head(f, in)
	p.Tickets = f.tickets(in.Tickets)
	p.Rules = authority.Rules{Policy: p.ID(), Fields: authority.Fields(in.Tickets.Fields)}
	return p
}

// head compiles what a procedure says about itself.
func (c *compiler) head(f *file, in sop) SOP {
	d := c.document(f, in)
	return SOP{
		Kind: d.Kind, Name: d.Name, Title: d.Title, Version: d.Version, Effective: d.Effective, NextReview: d.NextReview,
		Owner: d.Owner, Reviewer: d.Reviewer, RACI: d.RACI, Controls: d.Controls,
	}
}

func (f *file) tickets(in ticketsYAML) Tickets {
	if len(in.Projects) == 0 {
		f.wrong("$.tickets.projects", "name the Jira projects of these tickets by their keys")
	}
	for i, key := range in.Projects {
		if key == "" || strings.ToUpper(key) != key || strings.Contains(key, "-") {
			f.wrong(fmt.Sprintf("$.tickets.projects[%d]", i), "%q is not a project key, such as ACC", key)
		}
	}
	if len(in.Statuses.Fulfil) == 0 {
		f.wrong("$.tickets.statuses.fulfil", "name the statuses in which an approved ticket waits for sopd")
	}
	f.required("$.tickets.statuses.close", in.Statuses.Close)
	if in.Statuses.Validate != "" && len(in.Statuses.Validated) == 0 {
		f.wrong("$.tickets.statuses.validated", "name the statuses in which the requester has validated, or leave validate out")
	}
	return Tickets{
		Projects: in.Projects, Types: in.Types, RequestTypes: in.RequestTypes,
		Waiting: in.Statuses.Waiting, Fulfil: in.Statuses.Fulfil, Validate: in.Statuses.Validate,
		Validated: in.Statuses.Validated, Close: in.Statuses.Close,
		Review: in.Statuses.Review,
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// days reads "365d"; nothing is 0.
func (f *file) days(at, text string) time.Duration {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
	if err != nil || !strings.HasSuffix(text, "d") || n < 1 || n > 36500 {
		f.wrong(at, "is %q; write a number of days, such as 365d", text)
		return 0
	}
	return time.Duration(n) * 24 * time.Hour
}
