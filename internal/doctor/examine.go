package doctor

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

// How long checks may take. They run beside each other, so that all of it takes as long as the slowest, and the last one.
const (
	usualTime = 10 * time.Second
	longTime  = 30 * time.Second // those that may have much to look at, or to send
)

// Deps is what checks need of packages that know more than a configuration does.
type Deps struct {
	Open OpenStore
	With WithDatabase
}

// Examine does all checks. It takes no longer than some 40 seconds, whatever hangs.
func Examine(ctx context.Context, g Given, d Deps) Report {
	began := time.Now()
	checks := []Check{
		{"settings", usualTime, g.settings},
		{"clock", usualTime, g.clock},
		{"data_dir", usualTime, func(_ context.Context, n *Notes) { folder(n, "data_dir", g.DataDir) }},
		{"storage", longTime, g.storage(d.Open)},
		{"database", longTime, g.database(d.With)},
	}
	if g.RedisURL != "" {
		checks = append(checks, Check{"redis", usualTime, g.redis})
	}
	checks = append(checks,
		Check{"names", usualTime, g.names},
		Check{"proxy", usualTime, g.proxy},
		Check{"certificate", usualTime, g.certificate},
		Check{"ports", usualTime, g.ports},
		Check{"external_url", usualTime, g.external},
		Check{"limits", usualTime, openFiles},
	)
	hidden := Secrets(g.Config)
	findings := Run(ctx, checks, hidden)
	// Last, so that its answer isn't about the load that the checks made.
	findings = append(findings, Run(ctx, []Check{{"instance", usualTime, g.instance}}, hidden)...)
	return Report{Version: telemetry.Version(), At: began.UTC(), Took: time.Since(began).Seconds(), Findings: findings}
}

// Unusable is the report on a configuration that haven serve would refuse, for each of the reasons.
func Unusable(reasons []error, hidden []string) Report {
	n := &Notes{check: "settings", hidden: hidden}
	for _, err := range reasons {
		n.Wrong("Correct the setting; docs/configuration.md lists all of them.", "%v", err)
	}
	return Report{Version: telemetry.Version(), At: time.Now().UTC(), Findings: n.close(false, 0)}
}
