//go:build !linux

package file

import "os"

func startWrite(*os.File, int64, int64) {}

func wholeSync(*os.File) bool { return false }

func syncWhole(*os.File) bool { return false }
