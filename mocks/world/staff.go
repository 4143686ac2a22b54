package world

// member is one person of the organisation. All of them are made up.
type member struct {
	short       string // the first name in small letters, by which stories call the person
	first, last string
	department  string
	title       string
	manager     string // a short name, empty for the head of the house
	zone        string // IANA time zone
}

// The time zones in which Maison RMI has offices.
const (
	paris   = "Europe/Paris"
	lisbon  = "Europe/Lisbon"
	london  = "Europe/London"
	newYork = "America/New_York"
	tokyo   = "Asia/Tokyo"
)

// staff is everybody who works at Maison RMI. Stories and policies name people, so rows are added, not renamed.
var staff = []member{
	{"mathilde", "Mathilde", "Aubry", "Executive", "Chief Executive Officer", "", paris},
	{"bastien", "Bastien", "Royer", "Executive", "Chief Financial Officer", "mathilde", paris},
	{"ingrid", "Ingrid", "Solberg", "Executive", "Chief Technology Officer", "mathilde", paris},
	{"casimir", "Casimir", "Lenz", "Executive", "Chief Operating Officer", "mathilde", paris},

	{"salome", "Salome", "Ferrand", "Security", "Head of Security", "ingrid", paris},
	{"tariq", "Tariq", "Belhadj", "Security", "Security Operations Lead", "salome", paris},
	{"wen", "Wen", "Zhao", "Security", "Security Operations Analyst", "tariq", tokyo},
	{"noor", "Noor", "Haddad", "Security", "Security Operations Analyst", "tariq", london},
	{"piotr", "Piotr", "Zielak", "Security", "Security Engineer", "salome", paris},

	{"hugo", "Hugo", "Delmas", "Platform", "Head of Platform", "ingrid", paris},
	{"yuki", "Yuki", "Tanabe", "Platform", "Site Reliability Engineer", "hugo", tokyo},
	{"marek", "Marek", "Dvorsky", "Platform", "Site Reliability Engineer", "hugo", paris},
	{"leila", "Leila", "Amrani", "Platform", "Database Engineer", "hugo", paris},
	{"jonas", "Jonas", "Brandt", "Platform", "Cloud Engineer", "hugo", paris},
	{"paula", "Paula", "Reis", "Platform", "Site Reliability Engineer", "hugo", lisbon},

	{"ines", "Ines", "Carvalho", "Engineering", "Head of Engineering", "ingrid", lisbon},
	{"theo", "Theo", "Lambert", "Engineering", "Engineering Manager", "ines", paris},
	{"amara", "Amara", "Diallo", "Engineering", "Senior Engineer", "theo", paris},
	{"felix", "Felix", "Oduya", "Engineering", "Engineer", "theo", london},
	{"greta", "Greta", "Nilsen", "Engineering", "Engineer", "theo", paris},
	{"kenji", "Kenji", "Mori", "Engineering", "Engineer", "theo", tokyo},
	{"lucie", "Lucie", "Perrin", "Engineering", "Engineer", "theo", paris},
	{"mateo", "Mateo", "Rivas", "Engineering", "Contract Engineer", "theo", newYork},
	{"nadia", "Nadia", "Kessler", "Engineering", "Senior Engineer", "ines", paris},
	{"oscar", "Oscar", "Lind", "Engineering", "Engineer", "ines", paris},
	{"priya", "Priya", "Raman", "Engineering", "Engineer", "ines", london},
	{"rafael", "Rafael", "Couto", "Engineering", "Contract Engineer", "ines", lisbon},
	{"sofia", "Sofia", "Marin", "Engineering", "Engineer", "ines", lisbon},
	{"tomas", "Tomas", "Havel", "Engineering", "Engineer", "ines", paris},

	{"odile", "Odile", "Marchand", "Finance", "Head of Payments", "bastien", paris},
	{"edgar", "Edgar", "Voss", "Finance", "Financial Controller", "bastien", paris},
	{"clara", "Clara", "Benoit", "Finance", "Accountant", "edgar", paris},
	{"damien", "Damien", "Faure", "Finance", "Accountant", "edgar", paris},
	{"elif", "Elif", "Kaya", "Finance", "Payments Operator", "odile", paris},
	{"florian", "Florian", "Huber", "Finance", "Payments Operator", "odile", paris},
	{"gwen", "Gwen", "Morvan", "Finance", "Payments Analyst", "odile", paris},
	{"henri", "Henri", "Caron", "Finance", "Treasurer", "bastien", paris},

	{"jeanne", "Jeanne", "Tissot", "People", "Head of People", "mathilde", paris},
	{"karim", "Karim", "Naceri", "People", "People Partner", "jeanne", paris},
	{"louise", "Louise", "Garnier", "People", "Payroll Specialist", "jeanne", paris},
	{"manon", "Manon", "Girard", "People", "People Partner", "jeanne", lisbon},

	{"victor", "Victor", "Salles", "Sales", "Head of Sales", "casimir", paris},
	{"alba", "Alba", "Romero", "Sales", "Account Manager", "victor", paris},
	{"bruno", "Bruno", "Keller", "Sales", "Account Manager", "victor", paris},
	{"camille", "Camille", "Duval", "Sales", "Sales Operations", "victor", paris},
	{"diego", "Diego", "Fuentes", "Sales", "Account Manager", "victor", newYork},
	{"emma", "Emma", "Clarke", "Sales", "Account Manager", "victor", london},
	{"farah", "Farah", "Mansour", "Sales", "Account Manager", "victor", paris},

	{"quentin", "Quentin", "Roche", "Customer Care", "Head of Customer Care", "casimir", paris},
	{"rosa", "Rosa", "Pinto", "Customer Care", "Care Agent", "quentin", lisbon},
	{"samir", "Samir", "Toumi", "Customer Care", "Care Agent", "quentin", paris},
	{"tessa", "Tessa", "Vermeer", "Customer Care", "Care Agent", "quentin", paris},
	{"ugo", "Ugo", "Conti", "Customer Care", "Care Agent", "quentin", paris},

	{"valerie", "Valerie", "Monnier", "Legal", "General Counsel", "mathilde", paris},
	{"xavier", "Xavier", "Prost", "Legal", "Contracts Manager", "valerie", paris},

	{"zoe", "Zoe", "Laurent", "Marketing", "Head of Marketing", "casimir", paris},
	{"adele", "Adele", "Blin", "Marketing", "Web Editor", "zoe", paris},
	{"boris", "Boris", "Petit", "Marketing", "Content Editor", "zoe", paris},

	{"cyril", "Cyril", "Jamet", "Data", "Head of Data", "ingrid", paris},
	{"dana", "Dana", "Weiss", "Data", "Data Analyst", "cyril", paris},
	{"emil", "Emil", "Novak", "Data", "Data Engineer", "cyril", paris},

	{"ivo", "Ivo", "Kral", "IT", "Head of IT", "ingrid", paris},
	{"anouk", "Anouk", "Mercier", "IT", "IT Operations", "ivo", paris},
	{"blaise", "Blaise", "Fontan", "IT", "Service Desk Agent", "ivo", paris},

	{"gaspard", "Gaspard", "Noel", "Operations", "Supply Planner", "casimir", paris},
	{"heloise", "Heloise", "Marty", "Operations", "Supply Planner", "casimir", paris},
}

// former is who left months ago, oldest first. They are deactivated everywhere and hold nothing.
var former = []member{
	{"arno", "Arno", "Vidal", "Sales", "Account Manager", "victor", paris},
	{"berthe", "Berthe", "Colin", "Finance", "Accountant", "edgar", paris},
	{"cesar", "Cesar", "Amado", "Engineering", "Engineer", "theo", lisbon},
	{"doris", "Doris", "Falk", "Customer Care", "Care Agent", "quentin", paris},
	{"enzo", "Enzo", "Riva", "Marketing", "Content Editor", "zoe", paris},
}

// contractors are on a contract; everybody else is an employee.
var contractors = []string{"mateo", "rafael"}

// hidden is who hides their e-mail address in Jira, so that only the profile attribute matches them with Okta.
var hidden = []string{"nadia", "wen", "henri", "kenji", "clara"}

// breakGlass is the short name of the account for emergencies. It belongs to nobody.
const breakGlass = "break-glass"
