package benchtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
)

// program is the real binary, running.
type program struct {
	t      *testing.T
	listen string
	cmd    *exec.Cmd
	begun  time.Time
	log    string
}

// start runs the program with the environment until the test ends or [program.stop].
func start(t *testing.T, binary string, env map[string]string) *program {
	t.Helper()
	p := &program{t: t, listen: programtest.FreePort(t), log: filepath.Join(t.TempDir(), "log"), begun: time.Now()}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, "run")
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = []string{"HOME=" + os.Getenv("HOME"), "SOPD_LISTEN=" + p.listen}
	for key, value := range env {
		p.cmd.Env = append(p.cmd.Env, key+"="+value)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		_ = log.Close() // the folder goes with the test
	})
	return p
}

// stop ends the program and waits for its end.
func (p *program) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended already
	_ = p.cmd.Wait()
}

// get asks the program and returns the status and the body; status 0 when it does not answer.
func (p *program) get(path string) (status int, body string) {
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.listen+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, ""
	}
	return answer.StatusCode, string(text)
}

// How often a program is asked how far it is: often where a time is taken, seldom where the asking itself would be measured.
const (
	often  = 10 * time.Millisecond
	seldom = 250 * time.Millisecond
)

// until waits until held, and asks often.
func (p *program) until(what string, within time.Duration, held func() bool) {
	p.t.Helper()
	p.asking(often, what, within, held)
}

// asking is [program.until] that asks every so often.
func (p *program) asking(every time.Duration, what string, within time.Duration, held func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), within)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !held() {
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(p.log)
			p.t.Fatalf("not within %s: %s\n%s", within, what, text[max(0, len(text)-4000):])
		case <-tick.C:
		}
	}
}

// ready waits until the program does its work and returns how long that took since it was started.
func (p *program) ready(within time.Duration) time.Duration {
	p.t.Helper()
	p.until("ready", within, func() bool {
		status, _ := p.get("/readyz")
		return status == http.StatusOK
	})
	return time.Since(p.begun)
}

// passes returns how many passes have read everything and ended.
func (p *program) passes() int {
	_, body := p.get("/metrics")
	n := 0.0
	for line := range strings.Lines(body) {
		failed := strings.Contains(line, "failed") || strings.Contains(line, "standby")
		if strings.HasPrefix(line, "sopd_passes_total{") && !failed {
			value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
			if err != nil {
				p.t.Fatal(err)
			}
			n += value
		}
	}
	return int(n)
}

// memory returns a line of the process's memory in MB: VmRSS is what is resident, VmHWM the most that ever was.
func (p *program) memory(line string) float64 {
	p.t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	for scan := bufio.NewScanner(file); scan.Scan(); {
		if rest, found := strings.CutPrefix(scan.Text(), line+":"); found {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kb / 1024
		}
	}
	p.t.Fatal("the system does not tell the memory of a process")
	return 0
}

// cpu returns the processor time that the process has used.
func (p *program) cpu() time.Duration {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may hold anything
	fields := strings.Fields(rest)
	ticks := 0
	for _, field := range fields[11:13] { // user and system time, in hundredths of a second
		n, err := strconv.Atoi(field)
		if err != nil {
			p.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
