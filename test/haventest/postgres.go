//go:build acceptance

package haventest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// OnEachDatabase runs the test on SQLite and on PostgreSQL. The database's address is
// what Options.DatabaseURL wants.
func OnEachDatabase(t *testing.T, run func(t *testing.T, databaseURL string)) {
	t.Run("sqlite", func(t *testing.T) { run(t, "") })
	t.Run("postgres", func(t *testing.T) { run(t, Postgres(t)) })
}

// Postgres starts a PostgreSQL server of the test's own, which ends with it, and
// returns the address of an empty database.
func Postgres(t *testing.T) string {
	t.Helper()
	return StartPostgres(t).URL
}

// PostgresServer is a PostgreSQL server that a test may stop and start.
type PostgresServer struct {
	URL string // of an empty database

	t       *testing.T
	dir     string
	as      []string // the words that switch to its user
	options string
}

// StartPostgres starts a PostgreSQL server of the test's own, which ends with it.
func StartPostgres(t *testing.T) *PostgresServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "haven-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &PostgresServer{t: t, dir: dir, as: owner(t, dir)}
	p.run("initdb", "-D", p.data(), "-A", "trust", "-U", "haven", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync")
	_, port, err := net.SplitHostPort(FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	p.options = fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%s -c unix_socket_directories=%s -c fsync=off", port, dir)
	p.URL = fmt.Sprintf("postgres://haven@127.0.0.1:%s/postgres?sslmode=disable", port)
	p.Start()
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(p.data(), "postmaster.pid")); err == nil {
			p.Crash()
		}
	})
	return p
}

// Start starts the server again after Stop, and waits until it takes connections.
func (p *PostgresServer) Start() {
	p.t.Helper()
	p.run("pg_ctl", "-D", p.data(), "-l", filepath.Join(p.dir, "log"), "-w", "-o", p.options, "start")
}

// Stop ends the server in order: all it has committed is there afterwards.
func (p *PostgresServer) Stop() {
	p.t.Helper()
	p.run("pg_ctl", "-D", p.data(), "-m", "fast", "-w", "stop")
}

// Crash ends the server at once. What was committed without waiting may be lost.
func (p *PostgresServer) Crash() {
	p.t.Helper()
	p.run("pg_ctl", "-D", p.data(), "-m", "immediate", "-w", "stop")
}

func (p *PostgresServer) data() string { return filepath.Join(p.dir, "data") }

func (p *PostgresServer) run(program string, args ...string) {
	p.t.Helper()
	words := slices.Concat(p.as, []string{filepath.Join(filepath.Dir(Tool(p.t, "postgres")), program)}, args)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// owner gives dir to the user that runs PostgreSQL, which refuses to run as root, and
// returns the words that switch to that user.
func owner(t *testing.T, dir string) []string {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("PostgreSQL does not run as root and there is no user postgres: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return []string{"runuser", "-u", "postgres", "--"}
}
