package app

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBack returns memory that is not in use: garbage, such as of reading descriptions, and pages of the program
// and its constants, of which half belong to what runs once. The kernel reads such a page again from the file,
// mostly from its cache, when somebody comes by.
func giveBack() {
	debug.FreeOSMemory()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		var rights string
		if n, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil || n != 3 {
			continue
		}
		// What can be written may have been, and would be lost.
		if strings.HasSuffix(lines.Text(), program) && (rights == "r-xp" || rights == "r--p") {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED) // only advice
		}
	}
}
