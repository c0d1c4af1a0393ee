package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"database/sql"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// postgres is a server of this test process: started by the first test that needs it, stopped by Main.
type postgres struct {
	dir  string
	port int
	cmd  *exec.Cmd
	done chan struct{}

	templateOnce sync.Once
	templateErr  error
}

var (
	startOnce sync.Once
	started   *postgres
	startErr  error
)

// Main runs the tests and stops what they started.
func Main(m *testing.M) {
	code := m.Run()
	if started != nil {
		started.stop()
	}
	os.Exit(code)
}

func server(t testing.TB) *postgres {
	t.Helper()
	startOnce.Do(func() { started, startErr = startPostgres() })
	if startErr != nil {
		t.Fatalf("PostgreSQL for tests: %v", startErr)
	}
	return started
}

func startPostgres() (*postgres, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := serverFolder()
	if err != nil {
		return nil, err
	}
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 {
		cred, err := postgresUser()
		if err != nil {
			return nil, err
		}
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, err
		}
		attr.Credential = cred
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "haven", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: attr.Credential}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &postgres{dir: dir, port: port, done: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(port),
		"-c", "unix_socket_directories="+dir, "-c", "fsync=off", "-c", "max_wal_size=128MB", "-c", "max_connections=200")
	p.cmd.Dir, p.cmd.SysProcAttr = dir, attr
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.start(); err != nil {
		return nil, err
	}
	return p, p.await()
}

const (
	inMemory    = "/dev/shm"
	memoryOfOne = 4 << 30 // there must be so much of it: some servers run at once, and none needs a tenth
)

// serverFolder makes a server's folder: in memory where there is plenty, as each test's database is hundreds of files, which
// a disk's file system makes ten times slower. Its path is short, and every user may pass through: the server doesn't run as root.
func serverFolder() (string, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(inMemory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) >= memoryOfOne {
		removeLeft()
		if dir, err := os.MkdirTemp(inMemory, "havenpg"); err == nil {
			_, err = lock(dir)
			return dir, err
		}
	}
	return os.MkdirTemp("/tmp", "havenpg")
}

// lock holds a server's folder until this process ends, however it does. Who may have it may remove the folder.
func lock(dir string) (int, error) {
	fd, err := syscall.Open(filepath.Join(dir, "lock"), syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return 0, err
	}
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		syscall.Close(fd)
		return 0, err
	}
	return fd, nil
}

// removeLeft removes from memory what killed tests left: their servers ended with them.
func removeLeft() {
	left, _ := filepath.Glob(inMemory + "/havenpg*/lock")
	for _, file := range left {
		if fd, err := lock(filepath.Dir(file)); err == nil {
			os.RemoveAll(filepath.Dir(file))
			syscall.Close(fd)
		}
	}
}

// start keeps the thread that starts the server for as long as it runs: the kernel stops the server
// when that thread ends, so a killed test leaves none behind.
func (p *postgres) start() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		result <- err
		if err == nil {
			p.cmd.Wait() // its exit status says nothing new
		}
		close(p.done)
	}()
	return <-result
}

func (p *postgres) await() error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := p.exec("SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
			return errors.Join(fmt.Errorf("the server did not come up: %w: %s", err, log))
		}
		select {
		case <-p.done:
			log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
			return fmt.Errorf("the server ended: %s", log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *postgres) stop() {
	p.cmd.Process.Signal(syscall.SIGQUIT)
	<-p.done
	os.RemoveAll(p.dir)
}

func (p *postgres) url(database string) string {
	return fmt.Sprintf("postgres://haven@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *postgres) exec(statement string) error {
	c, err := sql.Open("pgx", p.url("postgres"))
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err = c.ExecContext(ctx, statement)
	return err
}

// binaries finds the folder of initdb and postgres: on PATH, or where Debian keeps them.
func binaries() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errors.New("no initdb found; install the package postgresql (`make test` does)")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func postgresUser() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user to run it as: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
