package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// describe says what was measured where, when and how.
func describe(ctx context.Context, o options) []string {
	command := "make bench"
	if o.quick {
		command = "QUICK=1 make bench"
	}
	if only := o.only.String(); only != "" {
		command += " (only " + only + ")"
	}
	lines := []string{
		"date: " + time.Now().UTC().Format("2006-01-02 15:04") + " UTC",
		"commit: " + commit(ctx),
		"command: `" + command + "`",
		fmt.Sprintf("machine: %d × %s, %s of memory, Linux %s, data on %s", runtime.NumCPU(),
			field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"), firstLine("/proc/sys/kernel/osrelease"), fileSystem(o.dir)),
		"program: " + runtime.Version() + ", SQLite, files, unless PostgreSQL is named; client and server share the machine, over 127.0.0.1",
		"load average at the start: " + firstLine("/proc/loadavg"),
	}
	if o.note != "" {
		lines = append(lines, "meanwhile: "+o.note)
	}
	return lines
}

func commit(ctx context.Context) string {
	id, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no", "--", "cmd", "internal", "web", "go.mod").Output()
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(string(id)) + " with changes"
	}
	return strings.TrimSpace(string(id))
}

// field is the value of the first line of the file that starts with the name.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func fileSystem(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "an unknown file system"
	}
	switch st.Type {
	case 0xef53:
		return "ext4"
	case 0x58465342:
		return "XFS"
	case 0x9123683e:
		return "Btrfs"
	case 0x01021994:
		return "tmpfs (memory: nothing is durable)"
	case 0x794c7630:
		return "overlayfs"
	}
	return fmt.Sprintf("file system %#x", st.Type)
}
