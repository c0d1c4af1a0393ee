package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// postgres is a PostgreSQL server on 127.0.0.1, with the settings of a fresh installation.
type postgres struct {
	url string
	dir string
	bin string
	as  []string // words that run a program as the server's user
}

// startPostgres starts a server on the cluster in dir, which it makes when there is none.
func startPostgres(ctx context.Context, dir string) (*postgres, error) {
	program, err := exec.CommandContext(ctx, "scripts/tools", "path", "postgres").Output()
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL is missing (scripts/tools install postgres): %w", err)
	}
	p := &postgres{dir: dir, bin: filepath.Dir(strings.TrimSpace(string(program)))}
	if p.as, err = ownedByPostgres(dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "cluster")
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		if err := p.run(ctx, "initdb", "-D", data, "-A", "trust", "-U", "haven", "--locale=C.UTF-8", "-E", "UTF8"); err != nil {
			return nil, err
		}
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	// Nothing here is an absolute path longer than a socket's may be.
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%s -c unix_socket_directories=", port)
	if err := p.run(ctx, "pg_ctl", "-D", data, "-l", filepath.Join(dir, "postgres.log"), "-w", "-t", "300", "-o", options, "start"); err != nil {
		return nil, err
	}
	p.url = fmt.Sprintf("postgres://haven@127.0.0.1:%s/postgres?sslmode=disable", port)
	return p, nil
}

func (p *postgres) stop() error {
	return p.run(context.Background(), "pg_ctl", "-D", filepath.Join(p.dir, "cluster"), "-m", "fast", "-w", "stop")
}

func (p *postgres) run(ctx context.Context, program string, args ...string) error {
	words := slices.Concat(p.as, []string{filepath.Join(p.bin, program)}, args)
	command := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // PostgreSQL's own programs
	command.Dir = p.dir
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// ownedByPostgres makes dir and gives it to the user that runs PostgreSQL, which refuses to run as root. It
// returns the words that switch to that user.
func ownedByPostgres(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and there is no user postgres: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	return []string{"runuser", "-u", "postgres", "--"}, os.Chown(dir, uid, gid)
}
