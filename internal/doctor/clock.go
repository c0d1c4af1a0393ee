package doctor

import (
	"context"
	"time"
)

const (
	// noticeable is a difference between clocks that people should know of, wrongful one by which tokens and leases of others end too early.
	noticeable = 2 * time.Second
	wrongful   = 30 * time.Second
)

// compareClock notes by how much another clock differs from this machine's. exact is by how much it can be off without meaning anything.
func compareClock(n *Notes, whose string, skew, exact time.Duration) {
	const advice = "Let all machines keep time by NTP (chrony, systemd-timesyncd)."
	switch by := max(skew.Abs()-exact, 0); {
	case by >= wrongful:
		n.Wrong(advice, "%s is %s from this machine's clock: tokens and leases end at the wrong time", whose, skew.Round(time.Second))
	case by >= noticeable:
		n.Doubt(advice, "%s is %s from this machine's clock", whose, skew.Round(100*time.Millisecond))
	default:
		n.Good("%s agrees with this machine's clock", whose)
	}
}

// clock compares the clock of the file system; the database's and that of the external address are compared where these are asked.
func (g *Given) clock(ctx context.Context, n *Notes) {
	if now := time.Now(); now.Year() < built {
		n.Wrong("Set the clock, by NTP best.", "this machine's clock says %s", now.UTC().Format(time.DateTime))
	}
	dir, err := existing(g.DataDir)
	if err != nil {
		return // the check of the folder says so
	}
	skew, err := skewed(ctx, dir)
	if err != nil {
		return
	}
	// A file's time may be the kernel's last tick.
	compareClock(n, "the clock of the file system of data_dir", skew, 100*time.Millisecond)
}

// built is the year before which no clock can be right.
const built = 2025
