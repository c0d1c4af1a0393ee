package confined

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// level is how strictly children are started.
type level int

// The levels, the strictest first: namespaces of their own, or what any process may do to itself.
const (
	namespaces level = iota
	alone
)

var levels = []level{namespaces, alone}

// apply prepares a child's start.
func (l level) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if l != namespaces {
		return
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
}

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// used is how much of a core an ended child took.
func used(cmd *exec.Cmd) time.Duration {
	if cmd.ProcessState == nil {
		return 0
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func signalled(cmd *exec.Cmd) bool {
	if cmd.ProcessState == nil {
		return false
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// restrain sets what this process may use.
func restrain() error {
	for what, most := range map[int]uint64{
		unix.RLIMIT_DATA: memory, unix.RLIMIT_CPU: cpu, unix.RLIMIT_FSIZE: fileSize, unix.RLIMIT_NOFILE: files, unix.RLIMIT_CORE: 0,
	} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return nil
}

// confineSelf takes away what this process doesn't need, as far as the machine lets it, and says what it achieved and
// where the folder is now that it was given. It is done in every thread: Go runs on several.
func confineSelf(dir string) (achieved []string, inside string) {
	inside = dir
	if os.Getpid() == 1 {
		achieved = append(achieved, networkless)
		if jail(dir) == nil {
			achieved, inside = append(achieved, fileless), "/"
		}
	}
	if runtime.LockOSThread(); filter() == nil { // which the kernel puts on every thread
		achieved = append(achieved, filtered)
	} else if everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0) != nil {
		return achieved, inside
	}
	runtime.UnlockOSThread()
	achieved = append(achieved, unprivileged)
	if landlock(inside) == nil {
		achieved = append(achieved, landlocked)
	}
	if os.Getpid() == 1 {
		dropCapabilities()
	}
	return achieved, inside
}

// jail makes a folder the only part of the file system that there is.
func jail(dir string) error {
	return errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount(dir, dir, "", unix.MS_BIND, ""),
		unix.Chdir(dir),
		pivot(),
	)
}

func pivot() error {
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	return errors.Join(unix.Unmount(".", unix.MNT_DETACH), unix.Chdir("/"))
}

// everyThread makes a system call in all threads.
func everyThread(trap, a1, a2, a3 uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, a3, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// landlock forbids all access to files but to those that lie in a folder, which can be read and written, not made.
func landlock(dir string) error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return errno
	}
	const existing = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	rights := uint64(1<<13 - 1) // all of the first version
	allowed := uint64(existing)
	if version >= 2 {
		rights |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		rights |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
		allowed |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	// The kernel takes a shorter form of the attributes, which every version knows.
	attributes := struct{ files uint64 }{rights}
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0) //nolint:gosec // the kernel reads it
	if errno != 0 {
		return errno
	}
	defer func() { _ = unix.Close(int(rules)) }()
	at, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(at) }()
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: allowed, Parent_fd: int32(at)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, rules, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&beneath)), 0, 0, 0); errno != 0 { //nolint:gosec // the kernel reads it
		return errno
	}
	return everyThread(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0)
}

// dropCapabilities gives up what a process has in a user namespace of its own.
func dropCapabilities() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_ = everyThread(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0) //nolint:gosec // the kernel reads it
}

// describe says in words what children achieved, and what is lost where that isn't all.
func describe(achieved []string) string {
	words := map[string]string{
		networkless: "namespaces without a network and other processes", fileless: "no files but its own",
		unprivileged: "no new privileges", landlocked: "landlock", filtered: "no calls of the system that lead to a network or to other processes",
	}
	text := "limits of memory and time"
	for _, a := range achieved {
		text += ", " + words[a]
	}
	if !slices.Contains(achieved, networkless) {
		text += "; this machine forbids user namespaces"
		if !slices.Contains(achieved, filtered) {
			text += " and filters of system calls, so a child has the network and the rights of this process"
		}
	}
	if !slices.Contains(achieved, fileless) && !slices.Contains(achieved, landlocked) {
		text += "; it can read the files of this process"
	}
	return text
}
