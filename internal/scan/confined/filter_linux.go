package confined

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// denied are the system calls that a child never needs: those that lead to a network, to other processes, and to
// parts of the kernel that few programs use and many attacks do. Each fails with EPERM.
var denied = []uint32{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_IO_URING_SETUP, // a ring opens sockets too
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
	unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_PIDFD_SEND_SIGNAL,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT,
	unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
}

// Offsets in struct seccomp_data; the machines that are known have the low half of an argument first.
const (
	numberAt   = 0
	machineAt  = 4
	argumentAt = 16
)

// filter denies these calls to all threads, signals to any process but this one, and new privileges. The caller stays
// on its thread. Where the machine is another than those that Haven is built for it is unix.ENOTSUP.
func filter() error {
	machine, known := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if !known {
		return unix.ENOTSUP
	}
	program := rules(machine, uint32(os.Getpid()))
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	text := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&text))) //nolint:gosec // the kernel reads it
	switch {
	case errno != 0:
		return errno
	case thread != 0: // it has a filter of its own already
		return unix.EBUSY
	default:
		return nil
	}
}

// rules is the filter as a program of the classic BPF. Jumps count the instructions that are passed over.
func rules(machine, self uint32) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	end := func(how uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: how} }
	jump := func(how uint16, k uint32, yes, no int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | how, K: k, Jt: uint8(yes), Jf: uint8(no)}
	}
	const deny = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	all := []unix.SockFilter{
		load(machineAt), jump(unix.BPF_JEQ, machine, 1, 0), end(unix.SECCOMP_RET_KILL_PROCESS),
		load(numberAt),
	}
	if machine == unix.AUDIT_ARCH_X86_64 {
		const x32 = 1 << 30 // its calls have other numbers
		all = append(all, jump(unix.BPF_JGE, x32, 0, 1), end(deny))
	}
	for _, number := range denied {
		all = append(all, jump(unix.BPF_JEQ, number, 0, 1), end(deny))
	}
	// Go's scheduler signals its own threads.
	return append(all, jump(unix.BPF_JEQ, unix.SYS_TGKILL, 0, 3), load(argumentAt), jump(unix.BPF_JEQ, self, 1, 0), end(deny),
		end(unix.SECCOMP_RET_ALLOW))
}
