package authority_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func TestATicketThatDoesNotSayWhatIsNeededIsIncomplete(t *testing.T) {
	set := func(field string, v ticket.Value) func(*story) {
		return func(s *story) { s.ticket.Fields[field] = v }
	}
	for _, c := range []struct {
		name    string
		change  func(*story)
		problem string
	}{
		{"no beneficiary", set("Access for", ticket.Value{}), "Access for: name exactly one person"},
		{"two beneficiaries", set("Access for", ticket.Value{Accounts: []ticket.AccountID{"j-ben", "j-olga"}}), "Access for: name exactly one person"},
		{"an unknown beneficiary", set("Access for", ticket.Value{Accounts: []ticket.AccountID{"j-who"}}), "Access for: account j-who: no matching Okta user; an administrator has to map"},
		{"an unknown reporter", func(s *story) { s.ticket.Reporter = person("who") }, "Reporter: account j-who: no matching Okta user"},
		{"no reporter", func(s *story) { s.ticket.Reporter = ticket.Person{} }, "Reporter: person without an account"},
		{"no system", set("System", ticket.Value{}), "System: say which system"},
		{"an unknown system", set("System", text("Payroll")), `System: "Payroll" is not in the catalog`},
		{"one unknown system of two", set("System", text("Payments", "Payroll")), `System: "Payroll" is not in the catalog`},
		{"an empty system", set("System", text(" ")), `System: " " is not in the catalog`},
		{"no role where there are several", set("Role", ticket.Value{}), "Role: Payments has several roles, choose one of: Clerk, Admin"},
		{"an unknown role", set("Role", text("Root")), `Role: Payments has no role "Root", choose one of: Clerk, Admin`},
		{"two roles", set("Role", text("Clerk", "Admin")), "Role: choose one role"},
		{"no justification", set("Why", ticket.Value{}), "Why: say in a sentence"},
		{"a justification of nothing", set("Why", text("   need it   ")), "Why: say in a sentence"},
		{"a justification one character short", set("Why", text("123456789")), "Why: say in a sentence"},
		{"letters of several bytes are one each", set("Why", text("ééééééééé")), "Why: say in a sentence"},
		{"an expiry that is no date", set("Access until", text("soon")), "Access until: write a date"},
		{"an expiry in the past", set("Access until", ticket.Value{Time: now.Add(-1)}), "Access until: lies in the past"},
		{"an expiry right now", set("Access until", ticket.Value{Time: now}), "Access until: lies in the past"},
		{"a last day that is over", set("Access until", ticket.Value{Time: now.AddDate(0, 0, -1).Truncate(24 * time.Hour), DateOnly: true}), "Access until: lies in the past"},
		{"no expiry where one is required", func(s *story) {
			s.rules.ExpiryRequired = []catalog.Risk{catalog.High}
			delete(s.ticket.Fields, "Access until")
		}, "Access until: access to Payments has to end some day"},
		{"an expiry too far off", func(s *story) {
			s.rules.LongestGrant = 30*24*time.Hour - 1
		}, "Access until: is more than 29 days after the request"},
		{"an expiry some hours too far off", func(s *story) {
			s.rules.LongestGrant = 8 * time.Hour
		}, "Access until: is more than 8 hours after the request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := payments()
			c.change(s)
			expect(t, s.judge(), authority.Incomplete, c.problem)
		})
	}
}

func TestEverythingThatIsMissingIsSaidAtOnce(t *testing.T) {
	s := payments()
	s.ticket.Reporter = person("who")
	s.ticket.Fields = nil
	s.rules.ExpiryRequired = []catalog.Risk{catalog.High}
	var got []string
	for _, p := range s.judge().Problems {
		got = append(got, p.Field)
	}
	same(t, "problems about", []string{"Reporter", "Access for", "System", "Why"}, got)
}

func TestATicketThatSaysEnoughIsUnderstood(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*story)
	}{
		{"as it is", func(*story) {}},
		{"the system by its ID", func(s *story) { s.ticket.Fields["System"] = text(" PAYMENTS ") }},
		{"the role in another case, with blanks", func(s *story) { s.ticket.Fields["Role"] = text(" clerk ") }},
		{"the only role need not be named", func(s *story) {
			s.catalog.Systems[1].Roles = s.catalog.Systems[1].Roles[:1]
			delete(s.ticket.Fields, "Role")
		}},
		{"no field for the role", func(s *story) {
			s.catalog.Systems[1].Roles = s.catalog.Systems[1].Roles[:1]
			s.rules.Fields.Role = ""
		}},
		{"a justification of ten letters", func(s *story) { s.ticket.Fields["Why"] = text("éééééééééé") }},
		{"no field for the justification", func(s *story) { s.rules.Fields.Justification = "" }},
		{"no expiry where none is required", func(s *story) {
			s.rules.ExpiryRequired = []catalog.Risk{catalog.Low, catalog.Medium}
			delete(s.ticket.Fields, "Access until")
		}},
		{"an expiry where one is required", func(s *story) { s.rules.ExpiryRequired = []catalog.Risk{catalog.High} }},
		{"the longest time there is", func(s *story) { s.rules.LongestGrant = 30 * 24 * time.Hour }},
		{"an expiry in an instant", func(s *story) { s.ticket.Fields["Access until"] = ticket.Value{Time: now.Add(1)} }},
		{"a last day that is not over", func(s *story) {
			s.ticket.Fields["Access until"] = ticket.Value{Time: now.Truncate(24 * time.Hour), DateOnly: true}
		}},
		{"an effective time in the past", func(s *story) { s.ticket.Fields["Last day"] = ticket.Value{Time: raised.AddDate(-1, 0, 0)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := payments()
			c.change(s)
			v := s.judge()
			expect(t, v, authority.Proven, "")
			if w := v.Request.Wanted; len(w) != 1 || w[0].System.ID != "payments" || w[0].Role.Name != "Clerk" {
				t.Errorf("wanted %+v", w)
			}
		})
	}
}

func TestWithoutAFieldForItTheReporterIsTheBeneficiary(t *testing.T) {
	s := payments()
	s.rules.Fields.Beneficiary = ""
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Request.Beneficiary.ID != "00urita" || v.Request.Justification != "month-end closing with the bank" {
		t.Errorf("request %+v", v.Request)
	}
	s.ticket.Reporter = person("who")
	if problems := s.judge().Problems; len(problems) != 1 || problems[0].Field != "Reporter" {
		t.Errorf("an unknown reporter is said as %v", problems)
	}
}

// A person field gives only the account; the address by which they are matched stands beside it.
func TestABeneficiaryIsMatchedByWhatJiraShowsOfThem(t *testing.T) {
	s := payments()
	delete(s.mapping, "j-ben")
	expect(t, s.judge(), authority.Incomplete, "no matching Okta user")
	s.ticket.People["j-ben"] = ticket.Person{Email: "Ben@example.com"}
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Request.Beneficiary.ID != "00uben" {
		t.Errorf("beneficiary %q", v.Request.Beneficiary.ID)
	}
}

func TestASystemNamedTwiceIsWantedOnce(t *testing.T) {
	s := payments()
	s.ticket.Fields["System"] = text("Payments", "payments", " Payments")
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if len(v.Request.Wanted) != 1 || len(v.Proofs) != 2 || len(v.Grants("p@1")) != 2 {
		t.Errorf("%d wanted, %d proofs, %d grants", len(v.Request.Wanted), len(v.Proofs), len(v.Grants("p@1")))
	}
}

func TestAProblemWithoutAFieldOfItsOwnNamesTheSystem(t *testing.T) {
	s := payments()
	s.rules.Fields.Role = ""
	expect(t, s.judge(), authority.Incomplete, "System: Payments has several roles")
}

func TestALastDayEndsWhenItIsOverWhereThePersonIs(t *testing.T) {
	utc := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, time.UTC)
	}
	machine := time.Local
	t.Cleanup(func() { time.Local = machine })
	time.Local = time.FixedZone("machine", 5*60*60)
	for _, c := range []struct {
		name, zone string
		day, want  time.Time
	}{
		{"no zone", "", utc(12, 24, 0, 0), utc(12, 25, 0, 0)},
		{"an unknown zone", "Mars/Olympus", utc(12, 24, 0, 0), utc(12, 25, 0, 0)},
		{"a file that is no zone", "../../etc/passwd", utc(12, 24, 0, 0), utc(12, 25, 0, 0)},
		{"the zone of this machine", "Local", utc(12, 24, 0, 0), utc(12, 25, 0, 0)},
		{"west", "America/Los_Angeles", utc(12, 24, 0, 0), utc(12, 25, 8, 0)},
		{"east", "Asia/Tokyo", utc(12, 24, 0, 0), utc(12, 24, 15, 0)},
		{"a quarter of an hour off", "Asia/Kathmandu", utc(12, 24, 0, 0), utc(12, 24, 18, 15)},
		{"winter", "Europe/Paris", utc(12, 24, 0, 0), utc(12, 24, 23, 0)},
		{"summer", "Europe/Paris", utc(7, 14, 0, 0), utc(7, 14, 22, 0)},
		{"a day of 23 hours", "Europe/Paris", utc(3, 29, 0, 0), utc(3, 29, 22, 0)},
		{"the day before it", "Europe/Paris", utc(3, 28, 0, 0), utc(3, 28, 23, 0)},
		{"a day of 25 hours", "Europe/Paris", utc(10, 25, 0, 0), utc(10, 25, 23, 0)},
		{"the day before that", "Europe/Paris", utc(10, 24, 0, 0), utc(10, 24, 22, 0)},
		{"the end of a month", "Europe/Paris", utc(11, 30, 0, 0), utc(11, 30, 23, 0)},
		// Where clocks go forward at midnight there is no midnight; the day ends when they do.
		{"no midnight, west", "America/Santiago", utc(9, 5, 0, 0), utc(9, 6, 4, 0)},
		{"no midnight, Caribbean", "America/Havana", utc(3, 7, 0, 0), utc(3, 8, 5, 0)},
		{"no midnight, east", "Africa/Cairo", utc(4, 23, 0, 0), utc(4, 23, 22, 0)},
		{"midnight twice, the first counts", "America/Havana", utc(10, 31, 0, 0), utc(11, 1, 4, 0)},
		{
			"midnight twice, east", "Asia/Amman",
			time.Date(2000, 9, 28, 0, 0, 0, 0, time.UTC), time.Date(2000, 9, 28, 21, 0, 0, 0, time.UTC),
		},
		{"the last hour twice, east", "Asia/Beirut", utc(10, 24, 0, 0), utc(10, 24, 22, 0)},
		{"the last hour twice, the second counts", "America/Santiago", utc(4, 4, 0, 0), utc(4, 5, 4, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := payments()
			s.now = raised.AddDate(-30, 0, 0)
			s.user("00uben").Profile["timezone"] = c.zone
			s.user("00urita").Profile["timezone"] = "Pacific/Kiritimati" // the day is the beneficiary's
			s.ticket.Fields["Access until"] = ticket.Value{Time: c.day, DateOnly: true}
			s.ticket.Fields["Last day"] = ticket.Value{Time: c.day, DateOnly: true}
			r := s.judge().Request
			if !r.Expires.Equal(c.want) || !r.Effective.Equal(c.want) {
				t.Errorf("expires %v, effective %v, want %v", r.Expires, r.Effective, c.want)
			}
			if r.Expires.Location() != time.UTC {
				t.Errorf("the instant is in %v", r.Expires.Location())
			}
		})
	}
}

// A whole day was left out where the date line moved.
func TestADayThatNeverWasEndsTheOneBefore(t *testing.T) {
	s := payments()
	s.now = raised.AddDate(-20, 0, 0)
	s.user("00uben").Profile["timezone"] = "Pacific/Apia"
	s.ticket.Fields["Access until"] = ticket.Value{Time: time.Date(2011, 12, 29, 0, 0, 0, 0, time.UTC), DateOnly: true}
	if got, want := s.judge().Request.Expires, time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("expires %v, want %v", got, want)
	}
}

func TestAnInstantStaysAsItIs(t *testing.T) {
	s := payments()
	s.user("00uben").Profile["timezone"] = "Asia/Tokyo"
	instant := time.Date(2026, 12, 24, 17, 30, 0, 0, time.UTC)
	s.ticket.Fields["Access until"], s.ticket.Fields["Last day"] = ticket.Value{Time: instant}, ticket.Value{Time: instant}
	if r := s.judge().Request; !r.Expires.Equal(instant) || !r.Effective.Equal(instant) {
		t.Errorf("expires %v, effective %v", r.Expires, r.Effective)
	}
}

func TestTheHashCoversEveryFieldAndTheReporter(t *testing.T) {
	full := func() ticket.Ticket {
		s := payments()
		s.ticket.Fields["Last day"] = ticket.Value{Time: raised, DateOnly: true}
		return s.ticket
	}
	hash := authority.Hash(full(), fields)
	if len(hash) != 64 || strings.ToLower(hash) != hash {
		t.Errorf("hash %q is no SHA-256 in hex", hash)
	}
	seen := map[string]string{hash: "the ticket itself"}
	for name, edit := range map[string]func(*ticket.Ticket){
		"reporter":       func(t *ticket.Ticket) { t.Reporter.Account = "j-x" },
		"beneficiary":    func(t *ticket.Ticket) { t.Fields["Access for"] = ticket.Value{Accounts: []ticket.AccountID{"j-x"}} },
		"no beneficiary": func(t *ticket.Ticket) { delete(t.Fields, "Access for") },
		"system":         func(t *ticket.Ticket) { t.Fields["System"] = text("Customers") },
		"second system":  func(t *ticket.Ticket) { t.Fields["System"] = text("Payments", "Customers") },
		"joined systems": func(t *ticket.Ticket) { t.Fields["System"] = text("Payments,Customers") },
		"role":           func(t *ticket.Ticket) { t.Fields["Role"] = text("Admin") },
		"justification":  func(t *ticket.Ticket) { t.Fields["Why"] = text("another good reason") },
		"expiry":         func(t *ticket.Ticket) { t.Fields["Access until"] = ticket.Value{Time: raised.AddDate(0, 0, 31)} },
		"whole day": func(t *ticket.Ticket) {
			t.Fields["Access until"] = ticket.Value{Time: raised.AddDate(0, 0, 30), DateOnly: true}
		},
		"last day": func(t *ticket.Ticket) {
			t.Fields["Last day"] = ticket.Value{Time: raised.AddDate(0, 0, 1), DateOnly: true}
		},
	} {
		changed := full()
		edit(&changed)
		got := authority.Hash(changed, fields)
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[got] = name
	}
}

func TestTheHashLeavesOutWhatDoesNotDefineTheAccess(t *testing.T) {
	s := payments()
	hash := authority.Hash(s.ticket, fields)
	s.ticket.Status, s.ticket.Summary, s.ticket.Updated, s.ticket.Labels = "Done", "other words", now, []string{"x"}
	s.ticket.Reporter.Name, s.ticket.Reporter.Email, s.ticket.Assignee = "R. Example", "rita@example.com", person("sven")
	s.ticket.Fields["Comment"] = text("thank you")
	if got := authority.Hash(s.ticket, fields); got != hash {
		t.Error("the hash moved with something that the approval is not about")
	}
	if got := s.judge().Request.Hash; got != hash {
		t.Error("the request carries another hash")
	}
}

func TestFieldNamesAreListedOnce(t *testing.T) {
	same(t, "names", []string{"Access for", "Access until", "Last day", "Role", "System", "Why"}, fields.Names())
	same(t, "names", []string{"Date", "System"}, authority.Fields{System: "System", Role: "System", Expires: "Date", Effective: "Date"}.Names())
	if names := (authority.Fields{}).Names(); len(names) != 0 {
		t.Errorf("names %q of no fields", names)
	}
}

func TestOnlyAProvenVerdictEntitles(t *testing.T) {
	v := payments().judge()
	for _, outcome := range []authority.Outcome{authority.Incomplete, authority.Waiting, authority.Declined, authority.Unproven, "", "PROVEN"} {
		v.Outcome = outcome
		if grants := v.Grants("p@1"); grants != nil {
			t.Errorf("outcome %q gives %d grants", outcome, len(grants))
		}
	}
}

func TestJudgingLeavesTheTicketAsItIs(t *testing.T) {
	s := payments()
	s.ticket.Fields["System"] = text("Payments", "Customers")
	s.ticket.Fields["Role"] = text("Clerk")
	s.edit("Role", opened)
	before := payments()
	before.ticket.Fields["System"] = text("Payments", "Customers")
	before.ticket.Fields["Role"] = text("Clerk")
	before.edit("Role", opened)
	s.judge()
	same(t, "ticket", before.ticket, s.ticket)
	same(t, "approvals", before.approvals, s.approvals)
	same(t, "catalog", before.catalog, s.catalog)
}
