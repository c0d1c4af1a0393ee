package confined_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havenregistry/haven/internal/scan/confined"
)

// bad is a child that went over to the enemy, or met one.
func bad(how string) int {
	head := make([]byte, 5)
	if _, err := io.ReadFull(os.Stdin, head); err != nil {
		return 1
	}
	question := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(os.Stdin, question); err != nil {
		return 1
	}
	if strings.Contains(string(question), "hello") {
		_, _ = os.Stdout.Write([]byte{'a', 0, 0, 0, 2, '[', ']'})
		return 0
	}
	switch how {
	case "bad-floods":
		chunk := []byte{'a', 0, 0xff, 0xff, 0xff}
		for {
			if _, err := os.Stdout.Write(chunk); err != nil {
				return 0
			}
		}
	case "bad-claims":
		_, _ = os.Stdout.Write([]byte{'a', 0xff, 0xff, 0xff, 0xff})
	case "bad-lies":
		_, _ = os.Stdout.Write([]byte{'a', 0, 0, 0, 2, '{', '}'})
	case "bad-mumbles":
		_, _ = os.Stdout.Write([]byte{'f', 0, 0, 0, 2, '{', '}'})
	case "bad-crashes":
		panic("something broke")
	case "bad-eats":
		_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: 128 << 20, Max: 128 << 20})
		var all [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			all = append(all, b)
			runtime.KeepAlive(all)
		}
	case "bad-sleeps":
		time.Sleep(time.Hour)
	}
	return 0
}

// Whatever a child does, its parent says why there is no answer, soon, and says whose fault it is.
func TestBadChildren(t *testing.T) {
	for how, cause := range map[string]confined.Cause{
		"bad-floods": confined.Crash, "bad-claims": confined.Flood, "bad-lies": confined.Flood, "bad-mumbles": confined.Flood,
		"bad-crashes": confined.Crash, "bad-eats": confined.Memory,
	} {
		t.Run(how, func(t *testing.T) {
			e := confined.New(confined.Options{TempDir: t.TempDir(), Command: []string{"/proc/self/exe", how}})
			_, err := e.Layer(t.Context(), strings.NewReader("x"), "")
			var f *confined.Failure
			if !errors.As(err, &f) || f.Cause != cause && how != "bad-floods" {
				t.Errorf("expected %s, got %v", cause, err)
			}
			t.Log(err)
		})
	}
	t.Run("not there", func(t *testing.T) {
		e := confined.New(confined.Options{TempDir: t.TempDir(), Command: []string{"/nowhere/haven"}})
		_, err := e.Layer(t.Context(), strings.NewReader("x"), "")
		if reason, fault := confined.AtFault(err); fault || err == nil {
			t.Errorf("the image is at fault: %s, %v", reason, err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		e := confined.New(confined.Options{TempDir: t.TempDir(), Command: []string{"/proc/self/exe", "bad-sleeps"}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := e.Layer(ctx, strings.NewReader("x"), ""); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// tries is a child that was taken over after it had confined itself. It says what it could still do.
func tries(dir string) int {
	parent := uintptr(os.Getppid())
	achieved, _ := confined.ConfineSelf(dir)
	fmt.Println("achieved", strings.Join(achieved, " "))
	// Each fails by its arguments alone where it isn't denied.
	call := func(what string, trap, a1, a2, a3 uintptr) {
		if _, _, errno := unix.Syscall(trap, a1, a2, a3); errno != unix.EPERM {
			fmt.Printf("%s: %v\n", what, errno)
		}
	}
	const nothing = 1 << 20
	call("socket", unix.SYS_SOCKET, nothing, 0, 0)
	call("pair of sockets", unix.SYS_SOCKETPAIR, nothing, 0, 0)
	call("ring", unix.SYS_IO_URING_SETUP, 0, 0, 0)
	call("program", unix.SYS_EXECVE, 0, 0, 0)
	call("signal to the parent", unix.SYS_KILL, parent, 0, 0)
	call("signal to a thread of the parent", unix.SYS_TGKILL, parent, parent, 0)
	call("tracing", unix.SYS_PTRACE, nothing, parent, 0)
	call("memory of the parent", unix.SYS_PROCESS_VM_READV, parent, 0, 0)
	call("namespace", unix.SYS_UNSHARE, nothing, 0, 0)
	if _, _, errno := unix.Syscall(unix.SYS_TGKILL, uintptr(os.Getpid()), uintptr(unix.Gettid()), 0); errno != 0 {
		fmt.Printf("a signal to itself fails: %v\n", errno)
	}
	var threads sync.WaitGroup // those that were there, and those that come later
	for range 8 {
		threads.Go(func() {
			runtime.LockOSThread()
			call("socket of another thread", unix.SYS_SOCKET, nothing, 0, 0)
		})
	}
	threads.Wait()
	fmt.Println("end")
	return 0
}

// A child reaches neither a network nor other processes, also where the machine forbids namespaces.
func TestConfinedChildTries(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "/proc/self/exe", "bad-tries", t.TempDir()).CombinedOutput()
	said := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(said) != 2 || !strings.HasPrefix(said[0], "achieved") || said[1] != "end" {
		t.Errorf("%v\n%s", err, out)
	}
}
