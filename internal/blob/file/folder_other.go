//go:build !linux

package file

import (
	"errors"
	"io/fs"
	"os"
)

func openBeneath(*os.File, string, int, fs.FileMode) (*os.File, error) {
	return nil, errors.ErrUnsupported
}
