//go:build !linux

package app

import "runtime/debug"

// giveBack returns memory that only the start needed.
func giveBack() { debug.FreeOSMemory() }
