package trivy

import (
	"errors"
	"fmt"
)

// Limits bound what reading one layer takes.
type Limits struct {
	Unpacked int64 // bytes of the layer's archive, unpacked
	Entries  int   // of the archive
	Path     int   // bytes of a path; longer ones are none on Linux
	Memory   int64 // bytes of a file that is held in memory to be looked into
	Spooled  int64 // bytes of a file that is written down to be looked into
	Packages int   // in the layer
	Listed   int   // packages in a bill of materials that lies in the layer
	Paths    int   // that the package managers' lists say they installed
	Nesting  int   // of archives in an archive
	Inner    int64 // bytes of all that is unpacked from one such archive
	Members  int   // of such an archive
	Unread   int   // reasons that are kept
}

// Usual are the limits in use. The largest layers that people push hold models of tens of gigabytes.
var Usual = Limits{
	Unpacked: 64 << 30,
	Entries:  2_000_000,
	Path:     4096,
	Memory:   16 << 20,
	Spooled:  1 << 30,
	Packages: 100_000,
	Listed:   50_000,
	Paths:    2_000_000,
	Nesting:  4,
	Inner:    2 << 30,
	Members:  200_000,
	Unread:   20,
}

// ErrContent is what an error is that follows from the bytes that were read.
var ErrContent = errors.New("the layer can't be read")

// contentError is one, in words for people.
type contentError struct{ reason string }

func (e contentError) Error() string   { return e.reason }
func (contentError) Is(err error) bool { return err == ErrContent }

func contentf(format string, args ...any) error {
	return contentError{fmt.Sprintf(format, args...)}
}
