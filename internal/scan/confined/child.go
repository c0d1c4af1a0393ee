package confined

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// child is a running one, as its parent sees it.
type child struct {
	ctx     context.Context
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  *kept
	dir     string
	timer   *time.Timer
	late    atomic.Bool
	killed  atomic.Bool
	done    chan struct{} // closed when the process has ended
	stopped func() bool
}

// start starts a child. It gets an empty environment, three pipes, the database if there is one, and a folder with two
// empty files, whose names it gets as an argument.
func (p *Process) start(ctx context.Context, l level, database *os.File) (c *child, err error) {
	dir, err := p.folder()
	if err != nil {
		return nil, &Failure{Machine, "there is no room for temporary files", err}
	}
	c = &child{ctx: ctx, dir: dir, stderr: &kept{}, done: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	spool, err := os.OpenFile(filepath.Join(dir, "spool"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, &Failure{Machine, "there is no room for temporary files", err}
	}
	defer func() { _ = spool.Close() }()
	if err := os.WriteFile(filepath.Join(dir, "rpm"), nil, 0o600); err != nil {
		return nil, &Failure{Machine, "there is no room for temporary files", err}
	}
	if database == nil {
		database = spool // something must be there
	}
	command := p.options.Command
	c.cmd = exec.Command(command[0], append(command[1:len(command):len(command)], dir)...) //nolint:gosec,noctx // this program itself, or a test's; AfterFunc ends its whole group
	c.cmd.Env = []string{}
	c.cmd.Dir = "/"
	c.cmd.ExtraFiles = []*os.File{database, spool}
	c.cmd.Stderr = c.stderr
	c.cmd.WaitDelay = 5 * time.Second
	l.apply(c.cmd)
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, &Failure{Machine, "no child can be started", err}
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, &Failure{Machine, "no child can be started", err}
	}
	c.out = reader(out)
	if err := c.run(); err != nil {
		return nil, &Failure{Machine, "no child can be started", err}
	}
	if p.started != nil {
		p.started(c.cmd.Process.Pid)
	}
	c.stopped = context.AfterFunc(ctx, c.kill)
	c.timer = time.AfterFunc(answerTime+layerTime, func() { c.late.Store(true); c.kill() })
	return c, nil
}

// left is how a child's folder begins.
const left = "haven-scan-"

// folder makes a child's folder.
func (p *Process) folder() (string, error) {
	if p.options.TempDir != "" {
		if err := os.MkdirAll(p.options.TempDir, 0o700); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(p.options.TempDir, left)
}

// sweep removes the folders of children of a process that was killed.
func (p *Process) sweep() {
	if p.options.TempDir == "" {
		return
	}
	old, _ := filepath.Glob(filepath.Join(p.options.TempDir, left+"*"))
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > 2*layerTime {
			_ = os.RemoveAll(dir)
		}
	}
}

// run starts the process from a thread that stays until its end: a child ends with the thread that started it, and
// Go ends threads.
func (c *child) run() error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			<-c.done
		}
	}()
	return <-started
}

// patience sets how long the child may take from now on.
func (c *child) patience(d time.Duration) { c.timer.Reset(d) }

func (c *child) kill() {
	if c.killed.CompareAndSwap(false, true) {
		killGroup(c.cmd)
	}
}

// end waits for the child, and says what an error of talking to it comes from.
func (c *child) end(err error) error {
	_ = c.in.Close()
	t, isTheirs := errors.AsType[theirs](err)
	f, isFailure := errors.AsType[*Failure](err)
	if err == nil || isTheirs || isFailure {
		c.kill() // there is nothing that it could still say
	} else {
		dying := time.AfterFunc(dyingTime, c.kill)
		defer dying.Stop()
	}
	waited := c.cmd.Wait()
	close(c.done)
	c.timer.Stop()
	c.stopped()
	_ = os.RemoveAll(c.dir)
	switch {
	case err == nil:
		return nil // it answered; how it ends is its own affair
	case isTheirs:
		return t.error
	case isFailure:
		return f
	default:
		return c.died(errors.Join(waited, err))
	}
}

// died says what a child died of that gave no answer.
func (c *child) died(err error) error {
	switch said := c.stderr.String(); {
	case c.late.Load():
		return &Failure{Time, "it took too long", err}
	case errors.Is(c.ctx.Err(), context.DeadlineExceeded):
		return &Failure{Time, "it took too long", err}
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case used(c.cmd) >= cpu*time.Second:
		return &Failure{Time, fmt.Sprintf("it took more than %d seconds of a core", cpu), err}
	case outOfMemory(said):
		return &Failure{Memory, fmt.Sprintf("it took more memory than it may (%d MiB)", memory>>20), err}
	case c.killed.Load():
		return &Failure{Crash, "the child gave no answer", err}
	case signalled(c.cmd):
		return &Failure{Machine, "the child was killed, perhaps because the machine ran out of memory", err}
	default:
		first, _, _ := strings.Cut(said, "\n")
		return &Failure{Crash, "the child crashed", fmt.Errorf("%w: %s", err, first)}
	}
}

// outOfMemory is whether Go's runtime says that it got no more. Where its collector's queue of spans got none it says
// nothing, and stumbles over the nil that it was given: of Go's own code nothing else dies there.
func outOfMemory(said string) bool {
	for _, words := range []string{
		"out of memory", "cannot allocate memory", "failed to reserve", "cannot map pages", "failed to allocate", "runtime.(*spanQueue).",
	} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}
