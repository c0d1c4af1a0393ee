package doctor

import (
	"context"
	"syscall"
)

// leastFiles is how many files a process should be allowed to have open: each connection is one, and each blob that is read.
const leastFiles = 4096

// files looks how many files a process of this user may have open. Go has raised the soft limit to the hard one by now.
func openFiles(_ context.Context, n *Notes) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		n.Doubt("See ulimit -n.", "the limit of open files isn't known: %v", err)
		return
	}
	if limit.Max < leastFiles {
		n.Doubt("Raise it to 65536 (systemd: LimitNOFILE=65536, containers: --ulimit nofile=65536).", "a process may have only %d files open: at most half as many clients are served at a time", limit.Max)
		return
	}
	n.Good("a process may have %d files open", limit.Max)
}
