package crashtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/mocks/world"
)

// access is something that people of the simulated organisation ask for. Its system is of medium risk, so that one owner's
// approval is enough.
type access struct{ system, role, group, owner string }

// accesses lists what is asked for. The organisation keeps none of it apart from anything that somebody may have: such a
// request would be refused, and rightly. Hence no operator of payments, which the managers of customer records may not be.
func accesses() []access {
	return []access{
		{"analytics", "reader", "analytics-readers", "cyril"}, {"analytics", "author", "analytics-authors", "cyril"},
		{"ci", "operator", "ci-operators", "theo"}, {"crm", "agent", "crm-agents", "victor"},
		{"payments", "viewer", "payments-viewers", "odile"},
		{"source", "developer", "source-developers", "ines"}, {"source", "maintainer", "source-maintainers", "ines"},
	}
}

// asked is a request that was approved.
type asked struct {
	person string
	access access
	key    world.Key
}

// day plays what people do and knows what has to have become of it in the end.
type day struct {
	t      *testing.T
	world  *world.World
	random *rand.Rand

	leavers, drifters, staff []string // who is left to leave, to be put into a group by hand, to ask for something
	given                    []asked  // neither validated nor revoked
	alarms                   []alarm  // whose incidents are open
	raised                   int      // alarms so far
	// wants holds what has to be so in the end, by a sentence.
	wants map[string]func() bool
}

func newDay(t *testing.T, w *world.World, random *rand.Rand) *day {
	d := &day{
		t: t, world: w, random: random, wants: make(map[string]func() bool),
		leavers: []string{
			"felix", "alba", "greta", "rosa", "lucie", "bruno", "mateo", "samir", "oscar", "diego", "priya", "tessa", "rafael",
			"farah", "sofia", "ugo", "nadia", "kenji",
		},
		drifters: []string{"karim", "manon", "xavier", "adele", "boris"},
	}
	// Those who approve keep what they have, and the others do not meet their own requests.
	apart := []string{"cyril", "theo", "victor", "odile", "ines", "jeanne", "tariq"}
	for _, p := range world.People() {
		if !slices.Contains(slices.Concat(d.leavers, d.drifters, apart), p.Short) {
			d.staff = append(d.staff, p.Short)
		}
	}
	return d
}

func (d *day) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// want notes what has to be so in the end; nil takes it back.
func (d *day) want(what string, held func() bool) {
	if held == nil {
		delete(d.wants, what)
		return
	}
	d.wants[what] = held
}

// missing returns what is wanted and not so yet.
func (d *day) missing() []string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(d.wants)) {
		if !d.wants[what]() {
			all = append(all, what)
		}
	}
	return all
}

// pick returns an access that somebody does not have and has never asked for.
func (d *day) pick() (person string, a access) {
	all := accesses()
	for range 10_000 {
		person, a = d.staff[d.random.IntN(len(d.staff))], all[d.random.IntN(len(all))]
		if _, known := d.wants[d.belongs(person, a.group)]; !known && !d.world.InGroup(person, a.group) {
			return person, a
		}
	}
	d.t.Fatal("everybody has everything")
	return "", access{}
}

func (*day) belongs(person, group string) string { return fmt.Sprintf("%s and %s", person, group) }

// give lets somebody ask for access and have it approved.
func (d *day) give() {
	person, a := d.pick()
	key, err := d.world.Request(world.AccessRequest{By: person, System: a.system, Role: a.role})
	d.must(err)
	d.must(d.world.Approve(a.owner, key))
	d.want(d.belongs(person, a.group), func() bool { return d.world.InGroup(person, a.group) })
	d.status(key, world.StatusValidation)
	d.given = append(d.given, asked{person, a, key})
}

// lend is access that ends by itself, some seconds later.
func (d *day) lend() {
	person, a := d.pick()
	until := time.Now().Add(5 * time.Second)
	key, err := d.world.Request(world.AccessRequest{By: person, System: a.system, Role: a.role, Until: until})
	d.must(err)
	d.must(d.world.Approve(a.owner, key))
	d.want(d.belongs(person, a.group), func() bool { return time.Now().After(until) && !d.world.InGroup(person, a.group) })
}

func (d *day) status(key world.Key, status string) {
	d.want(string(key)+" in the end", func() bool { return d.world.Status(key) == status })
}

// ready takes a request off the list whose access is there; ok is false when there is none yet.
func (d *day) ready() (found asked, ok bool) {
	i := slices.IndexFunc(d.given, func(a asked) bool { return d.world.Status(a.key) == world.StatusValidation })
	if i < 0 {
		return asked{}, false
	}
	found = d.given[i]
	d.given = slices.Delete(d.given, i, i+1)
	return found, true
}

// validate lets somebody say that their access works, or asks for access where nobody can say so.
func (d *day) validate() {
	a, ok := d.ready()
	if !ok {
		d.give()
		return
	}
	d.must(d.world.Validate(a.person, a.key))
	d.status(a.key, world.StatusClosed)
	d.want(string(a.key)+" has its evidence once", func() bool { return len(d.world.Attachments(a.key)) == 1 })
}

// revoke takes single access away, or asks for some where nobody has any.
func (d *day) revoke() {
	a, ok := d.ready()
	if !ok {
		d.give()
		return
	}
	key, err := d.world.Revoke(world.AccessRequest{By: "tariq", For: a.person, System: a.access.system, Role: a.access.role})
	d.must(err)
	d.must(d.world.Approve(a.access.owner, key))
	d.want(d.belongs(a.person, a.access.group), func() bool { return !d.world.InGroup(a.person, a.access.group) })
	d.status(key, world.StatusClosed)
}

// leaver takes somebody off the list of those who leave.
func (d *day) leaver() (short string, ok bool) {
	if len(d.leavers) == 0 {
		return "", false
	}
	short, d.leavers = d.leavers[0], d.leavers[1:]
	d.want(short+" holds nothing", func() bool { return len(d.world.ManagedGroups(short)) == 0 })
	return short, true
}

// leave is somebody's last day, with a ticket.
func (d *day) leave() {
	short, ok := d.leaver()
	if !ok {
		d.revoke()
		return
	}
	key, err := d.world.Offboard("karim", short, time.Now())
	d.must(err)
	d.must(d.world.Approve("jeanne", key))
	d.want(short+" is signed out", func() bool { return d.world.SessionsCleared(short) })
	d.status(key, world.StatusClosed)
}

// deactivate is somebody's last day, without a ticket.
func (d *day) deactivate() {
	short, ok := d.leaver()
	if !ok {
		d.revoke()
		return
	}
	d.must(d.world.Deactivate(short))
}

// drift is an administrator who puts somebody into a group by hand: there has to be a page.
func (d *day) drift() {
	if len(d.drifters) == 0 {
		d.give()
		return
	}
	short := d.drifters[0]
	d.drifters = d.drifters[1:]
	d.must(d.world.ConsoleAdd("anouk", short, "payments-viewers"))
	user, group := d.world.Person(short).OktaID, d.world.Group("payments-viewers").ID
	d.want(short+" is paged for once", func() bool { return len(d.world.AlertsAbout(user, group)) == 1 })
}

// alarm is an alert that monitoring has raised.
type alarm struct{ title, id string }

// incident is the ticket of the alarm, once it was opened.
func (d *day) incident(a alarm) (key world.Key, ok bool) {
	found := d.world.SecurityTickets("Sev 1: " + a.title)
	if len(found) == 0 {
		return "", false
	}
	return found[0], true
}

// alarm is an alert of the highest priority: an incident is opened as a ticket, and the alert's notes name it.
func (d *day) alarm() {
	d.raised++
	a := alarm{title: fmt.Sprintf("Alarm %d of the night", d.raised)}
	id, err := d.world.Alarm(world.Incident{Message: a.title, Priority: "P1"})
	d.must(err)
	a.id = id
	d.alarms = append(d.alarms, a)
	d.want(a.title+" has one ticket", func() bool { return len(d.world.SecurityTickets("Sev 1: "+a.title)) == 1 })
	d.want(a.title+" has one note of its ticket, and none twice", func() bool {
		key, opened := d.incident(a)
		alert, _ := d.world.Alert(a.id)
		said, naming := make(map[string]bool), 0
		for _, note := range alert.Notes {
			if said[note.Text] {
				return false
			}
			said[note.Text] = true
			if strings.Contains(note.Text, "Sev 1") && strings.Contains(note.Text, string(key)) {
				naming++
			}
		}
		return opened && naming == 1
	})
}

// resolve ends an incident in Jira, or raises an alarm where there is none: the alert is closed, and a review is opened.
func (d *day) resolve() {
	i := slices.IndexFunc(d.alarms, func(a alarm) bool { _, opened := d.incident(a); return opened })
	if i < 0 {
		d.alarm()
		return
	}
	a := d.alarms[i]
	d.alarms = slices.Delete(d.alarms, i, i+1)
	key, _ := d.incident(a)
	for _, status := range []string{world.StatusResolved, world.StatusClosed} {
		d.must(d.world.Drag("noor", key, status))
	}
	d.want(a.title+" is closed", func() bool { alert, _ := d.world.Alert(a.id); return alert.Closed })
	d.want(a.title+" has one review", func() bool {
		return len(d.world.SecurityTickets("Post-incident review of "+string(key))) == 1
	})
}
