package world

// system is something that people have access to.
type system struct {
	id, name string
	risk     string
	mode     string   // how far the shipped policies let sopd go
	owners   []string // short names; the first is asked, the others when the first is concerned
	// ownerGroup stands in for named owners: its members are asked.
	ownerGroup string
	roles      []role
}

type role struct {
	name  string
	group string
}

// The ways in which a group gets its members.
const (
	byTickets = ""        // people put them there
	byRule    = "rule"    // an active group rule does
	byApp     = "app"     // an application's import does
	builtIn   = "builtin" // Okta does
)

type group struct {
	name        string
	description string
	fed         string
	system      string // empty: not in the catalog
	members     []string
	floor       int  // the least number of members that the policies allow
	protected   bool // by the policies
}

// The words of the catalog for risks and modes.
const (
	low, medium, high       = "low", "medium", "high"
	observe, grant, enforce = "observe", "grant", "enforce"
)

// systems is the catalog of Maison RMI.
var systems = []system{
	{"analytics", "Analytics Warehouse", medium, grant, []string{"cyril", "ingrid"}, "", []role{
		{"reader", "analytics-readers"}, {"author", "analytics-authors"}}},
	{"ci", "Build Pipeline", medium, enforce, []string{"theo", "ines"}, "", []role{{"operator", "ci-operators"}}},
	{"cloud", "Cloud Console", high, enforce, []string{"hugo", "ingrid"}, "", []role{
		{"reader", "cloud-readers"}, {"admin", "cloud-admins"}}},
	{"contracts", "Contract Archive", low, observe, []string{"valerie", "mathilde"}, "", []role{{"reader", "contracts-readers"}}},
	{"crm", "Customer Records", medium, grant, []string{"victor", "quentin"}, "", []role{
		{"agent", "crm-agents"}, {"manager", "crm-managers"}}},
	{"erp", "Supply Planning", medium, grant, []string{"casimir", "bastien"}, "", []role{
		{"viewer", "erp-viewers"}, {"planner", "erp-planners"}}},
	{"ledger", "General Ledger", high, grant, []string{"edgar", "bastien"}, "", []role{
		{"accountant", "ledger-accountants"}, {"approver", "ledger-approvers"}}},
	{"payments", "Payments Console", medium, grant, []string{"odile", "bastien"}, "", []role{
		{"viewer", "payments-viewers"}, {"operator", "payments-operators"}}},
	{"payroll", "Payroll", high, grant, []string{"jeanne", "bastien"}, "", []role{{"clerk", "payroll-clerks"}}},
	{"production-db", "Production Database", high, grant, []string{"hugo", "ingrid"}, "", []role{
		{"reader", "production-db-readers"}, {"admin", "production-db-admins"}}},
	{"source", "Source Control", medium, grant, []string{"ines", "theo"}, "", []role{
		{"reader", "source-readers"}, {"developer", "source-developers"}, {"maintainer", "source-maintainers"}}},
	{"vault", "Secrets Vault", high, grant, []string{"salome", "ingrid"}, "", []role{
		{"user", "vault-users"}, {"admin", "vault-admins"}}},
	{"website", "Shop Website", medium, observe, []string{"zoe", "valerie"}, "", []role{{"editor", "website-editors"}}},
	{"wiki", "Company Wiki", low, grant, nil, "it-operations", []role{{"reader", "wiki-readers"}, {"editor", "wiki-editors"}}},
}

// groups is every group of the org except Everyone, which each org has by itself. The members of a group that a rule
// feeds are left to the rule.
var groups = []group{
	{"analytics-authors", "Write models in the warehouse", byTickets, "analytics", []string{"cyril", "dana", "emil"}, 1, false},
	{"analytics-readers", "Read reports", byTickets, "analytics", []string{
		"cyril", "dana", "emil", "bastien", "casimir", "victor", "zoe", "odile", "edgar", "ines"}, 0, false},
	{"ci-operators", "Run and repair builds", byTickets, "ci", []string{"theo", "amara", "marek", "jonas", "tomas", "yuki"}, 2, false},
	{"cloud-admins", "Change anything in the cloud accounts", byTickets, "cloud", []string{"hugo", "jonas", "yuki", "paula"}, 2, false},
	{"cloud-readers", "Look at the cloud accounts", byTickets, "cloud", []string{
		"hugo", "yuki", "marek", "paula", "jonas", "leila", "ines", "theo", "amara", "piotr"}, 0, false},
	{"contracts-readers", "Read signed contracts", byTickets, "contracts", []string{"valerie", "xavier", "victor", "casimir", "mathilde"}, 0, false},
	{"crm-agents", "Work with customer records", byTickets, "crm", []string{
		"victor", "alba", "bruno", "camille", "diego", "emma", "farah", "quentin", "rosa", "samir", "tessa", "ugo"}, 0, false},
	{"crm-managers", "Merge and export customer records", byTickets, "crm", []string{"victor", "quentin", "camille", "emma"}, 1, false},
	{"erp-planners", "Imported from the planning application", byApp, "erp", []string{"casimir", "gaspard", "heloise"}, 0, false},
	{"erp-viewers", "Look at supply plans", byTickets, "erp", []string{"casimir", "bastien", "edgar", "gaspard"}, 0, false},
	{"ledger-accountants", "Post to the ledger", byTickets, "ledger", []string{"edgar", "clara", "damien", "louise", "bastien"}, 1, false},
	{"ledger-approvers", "Release what others posted", byTickets, "ledger", []string{"edgar", "bastien", "odile"}, 2, false},
	{"payments-operators", "Send and stop payments", byTickets, "payments", []string{"odile", "elif", "florian", "henri"}, 1, false},
	{"payments-viewers", "Look at payments", byTickets, "payments", []string{
		"bastien", "edgar", "gwen", "clara", "damien", "quentin", "rosa"}, 0, false},
	{"payroll-clerks", "Prepare salaries", byTickets, "payroll", []string{"jeanne", "louise", "manon", "karim"}, 1, false},
	{"production-db-admins", "Change production data", byTickets, "production-db", []string{"hugo", "leila", "marek"}, 2, false},
	{"production-db-readers", "Read production data", byTickets, "production-db", []string{
		"hugo", "leila", "yuki", "marek", "paula", "amara", "theo", "cyril", "emil"}, 0, false},
	{"source-developers", "Write code", byTickets, "source", []string{
		"ines", "theo", "amara", "felix", "greta", "kenji", "lucie", "mateo", "nadia", "oscar", "priya", "rafael", "sofia",
		"tomas", "hugo", "yuki", "marek", "leila", "jonas", "paula", "emil"}, 0, false},
	{"source-maintainers", "Merge and release code", byTickets, "source", []string{"ines", "theo", "amara", "hugo", "jonas"}, 1, false},
	{"source-readers", "Read code; everybody in Engineering, by a rule", byRule, "source", nil, 0, false},
	{"vault-admins", "Change who sees which secret", byTickets, "vault", []string{"salome", "piotr", "wen"}, 1, false},
	{"vault-users", "Use shared secrets", byTickets, "vault", []string{
		"salome", "tariq", "wen", "noor", "piotr", "hugo", "yuki", "marek", "jonas", "leila", "paula"}, 0, false},
	{"website-editors", "Publish on the shop's website", byTickets, "website", []string{"zoe", "adele", "boris"}, 0, false},
	{"wiki-editors", "Write in the wiki", byTickets, "wiki", []string{
		"ivo", "anouk", "blaise", "zoe", "adele", "boris", "theo", "hugo", "jeanne", "xavier", "cyril"}, 0, false},
	{"wiki-readers", "Read the wiki; every employee, by a rule", byRule, "wiki", nil, 0, false},
	{"break-glass-access", "Everything, for the emergency account only", byTickets, "vault", []string{breakGlass}, 1, true},

	{"security-operations", "Approve access to high-risk systems", byTickets, "", []string{"salome", "tariq", "wen", "noor"}, 0, false},
	{"people-operations", "Approve offboardings", byTickets, "", []string{"jeanne", "karim", "manon"}, 0, false},
	{"it-operations", "Run the service desk", byTickets, "", []string{"ivo", "anouk", "blaise"}, 0, false},
	{"okta-administrators", "Administer this org", byTickets, "", []string{"ivo", "anouk"}, 0, false},
	{"mail-users", "Imported from the mail application", byApp, "", []string{"mathilde", "bastien", "ingrid", "casimir"}, 0, false},
}

// rule is a group rule of the org.
type rule struct {
	name, expression, group string
	inactive                bool
}

var rules = []rule{
	{"Employees read the wiki", `user.userType=="Employee"`, "wiki-readers", false},
	{"Engineering reads code", `user.department=="Engineering"`, "source-readers", false},
	{"Sales works with customers (replaced by tickets)", `user.department=="Sales"`, "crm-agents", true},
}

// findSystem returns the system with the ID. ok is false when there is none.
func findSystem(id string) (found system, ok bool) {
	for _, s := range systems {
		if s.id == id {
			return s, true
		}
	}
	return system{}, false
}

// roleFor returns the system and the role that give a group. ok is false for a group that no ticket gives.
func roleFor(groupName string) (s system, r role, ok bool) {
	for _, s := range systems {
		for _, r := range s.roles {
			if r.group == groupName {
				return s, r, true
			}
		}
	}
	return system{}, role{}, false
}
