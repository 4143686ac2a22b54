package crashtest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// line is a network between two ends that can be made bad.
type line struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// newLine opens a way to the address.
func newLine(t *testing.T, name, upstream string) *line {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	l := &line{t: t, proxy: toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	if err := l.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.proxy.Stop)
	return l
}

// trouble is what happens to every connection of a line, as toxiproxy names it.
type trouble struct{ kind, stream, attributes string }

// poison makes the line bad.
func (l *line) poison(all ...trouble) {
	l.t.Helper()
	for i, x := range all {
		text := fmt.Sprintf(`{"name":"t%d","type":%q,"stream":%q,"attributes":%s}`, i, x.kind, x.stream, x.attributes)
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			l.t.Fatal(err)
		}
	}
}

// heal makes the line good again. Connections that hang stay so until whoever holds them gives up.
func (l *line) heal() { l.proxy.Toxics.ResetToxics(l.t.Context()) }

// cut ends every connection and takes no new one; mend takes them again, at the same address.
func (l *line) cut() { l.proxy.Stop() }

func (l *line) mend() {
	l.t.Helper()
	if err := l.proxy.Start(); err != nil {
		l.t.Fatal(err)
	}
}

// throughLines puts a line between the program and each vendor and returns the lines.
func (s *site) throughLines(t *testing.T) []*line {
	t.Helper()
	var lines []*line
	for _, variable := range []string{"SOPD_OKTA_URL", "SOPD_JIRA_URL", "SOPD_OPSGENIE_URL"} {
		gate := s.env[variable]
		l := newLine(t, variable, strings.TrimPrefix(gate, "http://"))
		s.gates.known(gate, "http://"+l.proxy.Listen)
		s.env[variable] = "http://" + l.proxy.Listen
		lines = append(lines, l)
	}
	return lines
}

// troubles are the ways in which the network to the vendors is bad, and for how long.
func troubles() map[string]struct {
	all  []trouble
	time time.Duration
} {
	return map[string]struct {
		all  []trouble
		time time.Duration
	}{
		"slow answers":              {[]trouble{{"latency", "downstream", `{"latency":400,"jitter":300}`}}, 8 * time.Second},
		"connections are reset":     {[]trouble{{"reset_peer", "downstream", `{"timeout":0}`}}, 6 * time.Second},
		"reset after the request":   {[]trouble{{"reset_peer", "downstream", `{"timeout":50}`}, {"latency", "upstream", `{"latency":20}`}}, 6 * time.Second},
		"half-open: nothing back":   {[]trouble{{"timeout", "downstream", `{"timeout":0}`}}, 6 * time.Second},
		"half-open: nothing there":  {[]trouble{{"timeout", "upstream", `{"timeout":0}`}}, 6 * time.Second},
		"bodies trickle":            {[]trouble{{"bandwidth", "downstream", `{"rate":8}`}, {"slicer", "downstream", `{"average_size":64,"size_variation":32,"delay":500}`}}, 8 * time.Second},
		"answers are cut in halves": {[]trouble{{"limit_data", "downstream", `{"bytes":700}`}}, 6 * time.Second},
	}
}

func TestABadNetworkToTheVendorsLosesNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("each takes up to a minute")
	}
	binary := programtest.Build(t)
	for name, x := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, binary, "sqlite:"+filepath.Join(t.TempDir(), "sopd.db"))
			lines := s.throughLines(t)
			d := newDay(t, s.world, rand.New(rand.NewPCG(7, 7)))
			s.start()
			if err := s.world.Hook(s.hooked); err != nil {
				t.Fatal(err)
			}
			d.give()
			for _, l := range lines {
				l.poison(x.all...)
			}
			for _, event := range []func(*day){(*day).leave, (*day).give, (*day).deactivate, (*day).drift, (*day).revoke} {
				event(d)
			}
			elapsed(t, x.time)
			for _, l := range lines {
				l.heal()
			}
			d.give()
			s.verdict(t, d)
		})
	}
}

// elapsed returns after the time.
func elapsed(t *testing.T, d time.Duration) {
	t.Helper()
	end := time.Now().Add(d)
	eventually(t.Context(), d+time.Minute, func() bool { return time.Now().After(end) })
}

// bridge opens a TCP address before a database that may listen on a socket only, and returns the URL that leads there by
// way of the address.
func bridge(t *testing.T, database string) (address string, through func(address string) string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	network, target := "tcp", u.Host
	if dir := u.Query().Get("host"); u.Host == "" && dir != "" {
		network, target = "unix", filepath.Join(dir, ".s.PGSQL.5432")
	}
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			go relay(t, here, network, target)
		}
	}()
	return l.Addr().String(), func(address string) string {
		moved, query := *u, u.Query()
		query.Del("host")
		query.Set("sslmode", "disable")
		moved.Host, moved.RawQuery = address, query.Encode()
		return moved.String()
	}
}

func relay(t *testing.T, here net.Conn, network, target string) {
	defer here.Close()
	var dialer net.Dialer
	there, err := dialer.DialContext(t.Context(), network, target)
	if err != nil {
		return
	}
	defer there.Close()
	go func() {
		_, _ = io.Copy(there, here) // whichever end goes first ends the other
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
}

// outageVariable is how long the database is away, in seconds; 8 when it is not set.
const outageVariable = "SOPD_OUTAGE_SECONDS"

func TestADatabaseThatIsAwayForAWhileLosesNothing(t *testing.T) {
	t.Parallel()
	binary := programtest.Build(t)
	outage := time.Duration(number(t, outageVariable, 8)) * time.Second
	for name, bad := range map[string]func(*line){
		"down":                (*line).cut,
		"down from the start": (*line).cut,
		"half-open":           func(l *line) { l.poison(trouble{"timeout", "downstream", `{"timeout":0}`}) },
		"resets":              func(l *line) { l.poison(trouble{"reset_peer", "downstream", `{"timeout":30}`}) },
		"slow":                func(l *line) { l.poison(trouble{"latency", "downstream", `{"latency":100}`}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := storetest.NewPostgres(t)
			address, through := bridge(t, database)
			l := newLine(t, "database", address)
			s := newSite(t, binary, through(l.proxy.Listen))
			d := newDay(t, s.world, rand.New(rand.NewPCG(9, 9)))
			s.start()
			if err := s.world.Hook(s.hooked); err != nil {
				t.Fatal(err)
			}
			d.give()
			if name != "down from the start" {
				s.until("ready", time.Minute, func() bool { return s.answers("/readyz") })
			}
			bad(l)
			d.leave()
			d.deactivate()
			down := strings.HasPrefix(name, "down")
			if down {
				s.until("not ready", 30*time.Second, func() bool { return !s.answers("/readyz") })
			}
			elapsed(t, outage)
			if down {
				l.mend()
			} else {
				l.heal()
			}
			d.give()
			s.until("ready again", 2*time.Minute, func() bool { return s.answers("/readyz") })
			s.verdict(t, d)
		})
	}
}
