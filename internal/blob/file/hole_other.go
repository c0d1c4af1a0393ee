//go:build !linux

package file

import (
	"errors"
	"io"
	"os"
)

func punchesHoles(*folder) bool { return false }

func punch(*os.File, int64, int64) error { return errors.ErrUnsupported }

func nextData(f *os.File, at int64) (next int64, more bool, err error) {
	end, err := f.Seek(0, io.SeekEnd)
	return at, at < end, err
}
