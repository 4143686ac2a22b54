package benchtest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
)

const (
	// variable turns the measurements on: they take minutes and want the machine for themselves.
	variable = "SOPD_BENCH"
	// divisorVariable makes the company that many times smaller, to try the harness.
	divisorVariable = "SOPD_BENCH_DIVISOR"
)

func TestTheFigures(t *testing.T) {
	if os.Getenv(variable) == "" {
		t.Skip("set " + variable + "=1, or run make bench")
	}
	divisor := 1
	if text := os.Getenv(divisorVariable); text != "" {
		var err error
		if divisor, err = strconv.Atoi(text); err != nil || divisor < 1 {
			t.Fatalf("%s=%s is no number from 1", divisorVariable, text)
		}
	}
	runtime.GOMAXPROCS(2)
	binary := programtest.Build(t)
	whole := size{groups: 5000 / divisor, users: 100_000 / divisor, perGroup: 200}
	tenth := size{groups: whole.groups / 10, users: whole.users / 10, perGroup: whole.perGroup}
	figures := &table{}
	t.Run("org", func(t *testing.T) { measureOrg(t, binary, figures, tenth, whole) })
	t.Run("plan", func(t *testing.T) { measurePlan(t, figures) })
	t.Run("intake", func(t *testing.T) { measureIntake(t, binary, figures) })
	t.Run("offboarding", func(t *testing.T) { measureOffboarding(t, binary, figures) })
	if err := figures.write(os.Stdout); err != nil {
		t.Fatal(err)
	}
}

// reading is what the first passes over a company cost.
type reading struct {
	detail      string
	full, least int // requests to Okta for people, groups and members in the first pass, and the fewest possible
	quiet       int // requests of all vendors of a pass with nothing changed
	took        time.Duration
	used        time.Duration // of processor, by the first pass
	idle        time.Duration // of processor, by a pass with nothing changed
	resident    float64       // MB, the most while nothing changed
	peak        float64       // MB
}

// quietPasses is over how many passes with nothing changed memory and processor time are measured.
const quietPasses = 4

// read runs the program over a company until it is steady.
func (c *company) read(binary string) (*program, reading) {
	c.t.Helper()
	var r reading
	p := start(c.t, binary, c.env)
	p.asking(seldom, "the first pass", 30*time.Minute, func() bool { return p.passes() > 0 })
	r.took, r.used = time.Since(p.begun), p.cpu()
	first := c.firstPass()
	for _, endpoint := range []string{"GET /api/v1/users", "GET /api/v1/groups", "GET /api/v1/groups/{groupId}/users", "GET /api/v1/groups/{groupId}"} {
		n := len(first[endpoint])
		r.full += n
		r.detail += fmt.Sprintf(" %d %s", n, strings.TrimPrefix(endpoint, "GET /api/v1"))
	}
	everybody := len(c.world.Okta.Members(c.world.Okta.Everyone()))
	r.least = pages(everybody) + pages(c.size.groups+len(c.world.AllGroups())) + c.memberPages(first["GET /api/v1/groups/{groupId}/users"])
	p.passed(quietPasses) // the first ones look back over the time of the long one
	before := c.calls()
	p.passed(1)
	r.quiet = c.calls() - before
	used := p.cpu()
	r.resident = p.passed(quietPasses)
	r.idle = (p.cpu() - used) / quietPasses
	r.peak = p.memory("VmHWM")
	return p, r
}

// passed waits for so many more passes and returns the most memory that was resident meanwhile, in MB.
func (p *program) passed(n int) (resident float64) {
	p.t.Helper()
	until := p.passes() + n
	p.asking(seldom, "more passes", 10*time.Minute, func() bool {
		resident = max(resident, p.memory("VmRSS"))
		return p.passes() >= until
	})
	return resident
}

// measureOrg reads a company and one ten times as large, then makes the large one's store old.
func measureOrg(t *testing.T, binary string, figures *table, tenth, whole size) {
	small := newCompany(t, tenth)
	p, little := small.read(binary)
	p.stop()
	large := newCompany(t, whole)
	p, r := large.read(binary)
	p.stop()
	figures.add(figure{
		name: fmt.Sprintf("API calls, full read of %d groups, %d users, %d memberships", whole.groups, whole.users, whole.memberships()),
		key:  "FullRead", aim: fmt.Sprintf("%d, the fewest possible", r.least), measured: strconv.Itoa(r.full), value: float64(r.full), unit: "calls",
		met: r.full <= r.least, note: fmt.Sprintf("pages of 200, as Okta advises; took %s, %s of processor; %s", r.took.Round(time.Second), r.used.Round(time.Second), r.detail),
	})
	figures.add(figure{
		name: "API calls, pass with nothing changed", key: "QuietPass", aim: "at most 8, whatever the size",
		measured: fmt.Sprintf("%d", r.quiet), value: float64(r.quiet), unit: "calls", met: r.quiet <= 8 && r.quiet == little.quiet,
		note: fmt.Sprintf("%d in an org of a tenth; %d ms of processor, there %d", little.quiet, r.idle.Milliseconds(), little.idle.Milliseconds()),
	})
	figures.add(figure{
		name: "resident memory of the daemon, steady", key: "Resident", aim: "under 400 MB", measured: fmt.Sprintf("%.0f MB", r.resident),
		value: r.resident, unit: "MB", met: r.resident < 400, note: fmt.Sprintf("the most within %d passes with nothing changed; %.0f MB while everything was read", quietPasses, r.peak),
	})
	large.age(whole.memberships())
	measureStart(t, binary, large, figures)
}

// measureStart starts the program on an old store.
func measureStart(t *testing.T, binary string, c *company, figures *table) {
	p := start(t, binary, c.env)
	took := p.ready(10 * time.Minute)
	records := c.size.memberships()
	figures.add(figure{
		name: fmt.Sprintf("start to ready, %d records and memberships", records), key: "Ready", aim: "under 3 s",
		measured: took.Round(10 * time.Millisecond).String(), value: took.Seconds(), unit: "s", met: took < 3*time.Second,
		note: "with the first pass",
	})
	var times []time.Duration
	for range 11 {
		begun := time.Now()
		p.get("/metrics")
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	figures.add(figure{
		name: fmt.Sprintf("/metrics, %d tickets in the store", records), key: "Metrics", aim: "under 50 ms",
		measured: times[5].Round(100 * time.Microsecond).String(), value: times[5].Seconds() * 1000, unit: "ms", met: times[5] < 50*time.Millisecond,
		note: fmt.Sprintf("median of 11, longest %s", times[10].Round(time.Millisecond)),
	})
	p.stop()
}

// planLine finds the figures of the plan's own benchmark.
var planLine = regexp.MustCompile(`Memberships/(\w+)\S*\s+\d+\s+(\d+) ns/op.*?([\d.]+) allocated-MB/op`)

// measurePlan runs the benchmark of package plan.
func measurePlan(t *testing.T, figures *table) {
	cmd := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-bench", "BuildOfAMillion", "-benchtime", "3x", "github.com/maisonrmi/sopd/reconcile/plan")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOMAXPROCS=2")
	out, err := cmd.CombinedOutput()
	found := planLine.FindAllStringSubmatch(string(out), -1)
	if err != nil || len(found) != 2 {
		t.Fatalf("the plan's benchmark: %v\n%s", err, out)
	}
	for _, line := range found {
		ns, _ := strconv.ParseFloat(line[2], 64) // the expression holds digits only
		mb, _ := strconv.ParseFloat(line[3], 64)
		figures.add(figure{
			name: "plan over 1000000 memberships, all " + line[1], key: "Plan/" + line[1], aim: "under 1 s and 200 MB",
			measured: fmt.Sprintf("%.2f s, %.0f MB", ns/1e9, mb), value: ns, unit: "ns/op", met: ns < 1e9 && mb < 200,
			note: "MB are all that was allocated, kept or not",
		})
	}
}
