package crashtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/maisonrmi/sopd/cmd/sopd/programtest"
)

// disk is a small file system of its own.
type disk struct {
	t    *testing.T
	path string
}

func newDisk(t *testing.T, megabytes int) *disk {
	t.Helper()
	d := &disk{t: t, path: t.TempDir()}
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("a file system cannot be mounted here (%v); it takes root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.path, 0); err != nil {
			t.Error(err)
		}
	})
	return d
}

// fill leaves no room; empty makes room again.
func (d *disk) fill() {
	d.t.Helper()
	file, err := os.Create(filepath.Join(d.path, "filler"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 4096); ; {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.path, "filler")); err != nil {
		d.t.Fatal(err)
	}
}

// remount makes the disk writable or not.
func (d *disk) remount(flags uintptr) {
	d.t.Helper()
	if err := syscall.Mount("", d.path, "", syscall.MS_REMOUNT|flags, ""); err != nil {
		d.t.Fatal(err)
	}
}

// readiness returns what /readyz says; empty when it does not answer.
func (p *program) readiness() string {
	_, body := p.ask("/readyz")
	return body
}

// logged reports whether the program has written the text to its log.
func (p *program) logged(text string) bool {
	all, err := os.ReadFile(p.log.Name())
	return err == nil && strings.Contains(string(all), text)
}

// opened is a site on SQLite whose program runs and hears of everything.
func opened(t *testing.T, dir string) (*site, *day) {
	t.Helper()
	s := newSite(t, programtest.Build(t), "sqlite:"+filepath.Join(dir, "sopd.db"))
	d := newDay(t, s.world, rand.New(rand.NewPCG(3, 4)))
	s.start()
	if err := s.world.Hook(s.hooked); err != nil {
		t.Fatal(err)
	}
	d.give()
	s.until("ready", time.Minute, func() bool { return s.answers("/readyz") })
	return s, d
}

func TestAFullDiskIsSaidAndNothingIsLostOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	k := newDisk(t, 24)
	s, d := opened(t, k.path)
	k.fill()
	d.leave()
	s.until("not ready for want of room", time.Minute, func() bool {
		if len(d.given) < 20 {
			d.give() // what is written anew may lie where something lay before, so it takes some
		}
		return strings.Contains(s.readiness(), "no room left")
	})
	if !s.logged("no room left") {
		t.Error("the log does not say that there is no room left")
	}
	k.empty()
	d.deactivate()
	s.until("ready by itself", time.Minute, func() bool { return s.answers("/readyz") })
	s.verdict(t, d)
}

func TestADataFolderThatMayOnlyBeReadIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	k := newDisk(t, 24)
	s, d := opened(t, k.path)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	k.remount(syscall.MS_RDONLY)
	out, err := s.command(t.Context(), "run").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "database file") || strings.Contains(string(out), "goroutine") {
		t.Errorf("run ended with %v and said:\n%s", err, out)
	}
	k.remount(0)
	s.start()
	d.give()
	s.verdict(t, d)
}

func TestWithoutFileDescriptorsItIsNotReadyAndGoesOnOnceThereAreSome(t *testing.T) {
	t.Parallel()
	s, d := opened(t, t.TempDir())
	pid := s.now().process.Pid
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max}, nil); err != nil {
		t.Fatal(err)
	}
	d.leave()
	s.until("not ready", time.Minute, func() bool { return !s.answers("/readyz") })
	d.give()
	elapsed(t, 5*time.Second)
	if s.now().over() {
		t.Fatal("the program ended")
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil); err != nil {
		t.Fatal(err)
	}
	s.until("ready by itself", time.Minute, func() bool { return s.answers("/readyz") })
	if !s.logged("too many open files") {
		t.Error("the log does not say that there are too many open files")
	}
	s.verdict(t, d)
}

func TestAClockThatIsFarFromTheVendorsDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"a day ahead": 24 * time.Hour, "an hour behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, d := opened(t, t.TempDir())
			s.settled(t, d)
			s.gates.slip(ahead)
			s.until("not ready for its clock", time.Minute, func() bool { return strings.Contains(s.readiness(), "clock") })
			writes := s.gates.writes()
			d.leave()
			d.give()
			elapsed(t, 5*time.Second)
			if n := s.gates.writes() - writes; n != 0 {
				t.Errorf("%d writes by a clock that is wrong", n)
			}
			s.gates.slip(0)
			s.until("ready by itself", time.Minute, func() bool { return s.answers("/readyz") })
			s.verdict(t, d)
		})
	}
}
