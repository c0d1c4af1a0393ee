//go:build acceptance

package power

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/power/trace"
)

// traced are all calls that change files, or say which file a descriptor is.
const traced = "open,openat,openat2,creat,close,write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,truncate,fallocate," +
	"rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,sync,syncfs," +
	"mmap,dup,dup2,dup3,fcntl,copy_file_range,splice,chdir,fchdir,io_uring_setup"

// process is one `haven serve` on a directory of our choice.
type process struct {
	url     string
	command *exec.Cmd
	output  bytes.Buffer
	exited  chan error
}

// start runs the program, with more words in front of it, and waits until it is ready.
func start(t testing.TB, dir, address string, env []string, before ...string) (*process, error) {
	t.Helper()
	words := append(before, haventest.Binary(t, true), "serve")
	p := &process{url: "http://" + address, command: exec.Command(words[0], words[1:]...), exited: make(chan error, 1)}
	p.command.Dir = os.TempDir()
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.command.Env = append(os.Environ(), "HAVEN_LISTEN="+address, "HAVEN_DATA_DIR="+dir,
		"HAVEN_ADMIN_PASSWORD="+haventest.AdminPassword, "HAVEN_METRICS_LISTEN=off")
	p.command.Env = append(p.command.Env, env...)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() { p.exited <- p.command.Wait() }()
	return p, p.ready()
}

func (p *process) ready() error {
	deadline := time.After(time.Minute)
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if resp, err := http.Get(p.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				tick.Stop()
				return nil
			}
		}
		select {
		case err := <-p.exited:
			p.exited <- err
			return fmt.Errorf("haven serve ended before it was ready: %w\n%s", err, p.output.Bytes())
		case <-deadline:
			p.kill()
			return fmt.Errorf("haven serve is not ready after a minute\n%s", p.output.Bytes())
		case <-tick.C:
		}
	}
}

// kill ends the process group at once.
func (p *process) kill() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// strace is the command that traces a program into a file.
func strace(t testing.TB, file string) []string {
	t.Helper()
	return []string{
		haventest.Tool(t, "strace"), "-f", "--seccomp-bpf", "-qq", "-xx", "-X", "raw", "-s", "4000000",
		"-e", "signal=none", "-e", "trace=" + traced, "-o", file,
	}
}

// rebooted are the words that run a program as after a restart of the machine: under another
// id of the kernel's run, without which nobody could tell a power loss from a kill.
func rebooted(t testing.TB) []string {
	t.Helper()
	id := filepath.Join(t.TempDir(), "boot_id")
	if err := os.WriteFile(id, []byte("01234567-89ab-cdef-0123-456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	words := []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		words = append(words, "--map-root-user")
	}
	words = append(words, "sh", "-c", `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`, id)
	probe := exec.Command(words[0], append(slices.Clone(words[1:]), "cat", "/proc/sys/kernel/random/boot_id")...)
	if out, err := probe.CombinedOutput(); err != nil || !bytes.HasPrefix(out, []byte("01234567")) {
		t.Fatalf("this machine lets nobody mount in a namespace of its own, which the test needs: %v %s", err, out)
	}
	return words
}

// recording is what a server did to its disk, and when it answered which request.
type recording struct {
	root  string
	calls []*trace.Call
	last  int            // line
	acks  map[string]int // request id to the line at which its answer was sent
}

var answered = regexp.MustCompile(`\r\nX-Request-Id: (\S+)\r\n`)

func readRecording(t testing.TB, root, path string) *recording {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec := &recording{root: root, acks: map[string]int{}}
	if rec.calls, err = trace.Read(f); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, c := range rec.calls {
		rec.last = c.Enter
		if (c.Name != "write" && c.Name != "writev") || !bytes.HasPrefix(c.Args[1].Text, []byte("HTTP/1.1 ")) {
			continue
		}
		// From the begin of this call on the client may have the answer.
		if m := answered.FindSubmatch(c.Args[1].Text); m != nil {
			rec.acks[string(m[1])] = c.Enter
		}
	}
	return rec
}

// fast is a directory in memory where there is one: what a replayed server syncs is of no interest.
func fast(t testing.TB) string {
	t.Helper()
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "haven-power")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
