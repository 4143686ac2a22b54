package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
)

// program is the real binary: one process at a time, with one environment and one address over all its lives.
type program struct {
	t      *testing.T
	binary string
	env    map[string]string
	listen string
	log    *os.File

	mu   sync.Mutex // guards what follows
	life *life      // nil while it does not run
}

// life is one process.
type life struct {
	process *os.Process
	ended   chan struct{} // closed when it has ended
	err     error         // how, once it has ended
}

func newProgram(t *testing.T, binary string, env map[string]string) *program {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, binary: binary, env: env, listen: programtest.FreePort(t), log: log}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the program's last lines:\n%s", tail(log.Name(), 60))
		}
		_ = log.Close() // it was read, and goes with its folder
	})
	return p
}

func tail(path string, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (p *program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Env = []string{"HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"), "SOPD_LISTEN=" + p.listen}
	for key, value := range p.env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	return cmd
}

// do runs another command of the program to its end.
func (p *program) do(args ...string) {
	p.t.Helper()
	if out, err := p.command(p.t.Context(), args...).CombinedOutput(); err != nil {
		p.t.Fatalf("sopd %v: %v\n%s", args, err, out)
	}
}

// start begins a new life and returns when it listens, or has been struck down already.
func (p *program) start() {
	p.t.Helper()
	cmd := p.command(context.WithoutCancel(p.t.Context()), "run") // it ends by kill
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	l := &life{process: cmd.Process, ended: make(chan struct{})}
	go func() {
		l.err = cmd.Wait()
		close(l.ended)
	}()
	p.mu.Lock()
	p.life = l
	p.mu.Unlock()
	p.until("listening", 20*time.Second, func() bool { return p.answers("/healthz") || l.over() })
	if l.over() && !l.killed() {
		p.t.Fatalf("the program ended by itself: %v", l.err)
	}
}

func (l *life) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// killed reports whether a life that is over was ended by SIGKILL.
func (l *life) killed() bool {
	var exit *exec.ExitError
	if !errors.As(l.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func (p *program) answers(path string) bool {
	status, _ := p.ask(path)
	return status == http.StatusOK
}

// ask returns what the program answers; status 0 when it does not answer within some seconds.
func (p *program) ask(path string) (status int, body string) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 8*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.listen+path, nil)
	if err != nil {
		return 0, ""
	}
	request.Close = true
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

func (p *program) now() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// signal sends a signal to the process that runs now. It reports whether there was one.
func (p *program) signal(s os.Signal) bool {
	l := p.now()
	return l != nil && l.process.Signal(s) == nil
}

// kill ends the process at once, if one runs, and returns when it is gone.
func (p *program) kill() {
	l := p.now()
	if l == nil {
		return
	}
	_ = l.process.Kill() // it may have ended already
	<-l.ended
}

// stop tells the process to stop and returns what it ended with.
func (p *program) stop() error {
	l := p.now()
	if err := l.process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("SIGTERM: %w", err)
	}
	return p.ended(l)
}

// ended waits until the process has ended by itself.
func (p *program) ended(l *life) error {
	p.t.Helper()
	p.until("ended", time.Minute, l.over)
	return l.err
}

// until waits until held. It looks often and cheaply: nothing tells when a process listens.
func (p *program) until(what string, within time.Duration, held func() bool) {
	p.t.Helper()
	if !eventually(p.t.Context(), within, held) {
		p.t.Fatalf("not within %s: %s", within, what)
	}
}

func eventually(ctx context.Context, within time.Duration, held func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !held() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// quiet is for what is looked at from within the test.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
