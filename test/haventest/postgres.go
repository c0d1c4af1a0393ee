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
	bin := filepath.Dir(Tool(t, "postgres"))
	dir, err := os.MkdirTemp("", "haven-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := owner(t, dir)
	run := func(program string, args ...string) {
		t.Helper()
		words := slices.Concat(as, []string{filepath.Join(bin, program)}, args)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
	}
	data := filepath.Join(dir, "data")
	run("initdb", "-D", data, "-A", "trust", "-U", "haven", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync")
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%s -c unix_socket_directories=%s -c fsync=off", port, dir)
	run("pg_ctl", "-D", data, "-l", filepath.Join(dir, "log"), "-w", "-o", options, "start")
	t.Cleanup(func() { run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop") })
	return fmt.Sprintf("postgres://haven@127.0.0.1:%s/postgres?sslmode=disable", port)
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
