// Package telemetry says what this program is and how it does: its version and its metrics.
package telemetry

import (
	"runtime/debug"
	"sync"
	"time"
)

// Next is the version that is being worked at.
const Next = "0.1.0"

// release is set by the linker for released builds.
var release = ""

var started = time.Now()

// Started says when this process began.
func Started() time.Time { return started }

// Version is the release, or for a build from a checkout the commit it was made from.
func Version() string {
	if release != "" {
		return release
	}
	return Next + "-dev+" + Revision()
}

// Revision is the first eight hex digits of the commit, "unknown" when the build doesn't know.
func Revision() string { return revision() }

// revision parses what the runtime keeps as text.
var revision = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 8 {
			return s.Value[:8]
		}
	}
	return "unknown"
})
