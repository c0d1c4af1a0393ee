package app

import (
	"context"
	"math"
	"net/url"
	"os"
	"time"

	"github.com/havenregistry/haven/internal/audit"
)

// ownName is how this registry calls itself to others: the host of its first external URL, else this machine's name.
func (a *App) ownName() string {
	if len(a.cfg.ExternalURL) > 0 {
		if u, err := url.Parse(a.cfg.ExternalURL[0]); err == nil && u.Hostname() != "" {
			return u.Hostname()
		}
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// watchForwarding exports how far the forwarding of audit rows is.
func (a *App) watchForwarding(audits *audit.Service) {
	a.metrics.Counter("haven_audit_forwarded_rows_total", "Audit rows that this process has delivered to the receiver of syslog.", func() float64 {
		rows, _ := a.forwarder.Forwarded()
		return float64(rows)
	})
	a.metrics.Counter("haven_audit_forward_failures_total", "Tries of this process to deliver audit rows that failed.", func() float64 {
		_, failures := a.forwarder.Forwarded()
		return float64(failures)
	})
	state := func(figure func(audit.ForwardState) float64) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), metricTime)
			defer cancel()
			v, err := audits.Forwarding(ctx, time.Now())
			if err != nil {
				return math.NaN()
			}
			return figure(v)
		}
	}
	a.metrics.Gauge("haven_audit_forward_pending_rows", "Audit rows of the whole registry that wait to be delivered.",
		state(func(v audit.ForwardState) float64 { return float64(v.Pending) }))
	a.metrics.Gauge("haven_audit_forward_lag_seconds", "Age of the oldest audit row that waits to be delivered, 0 when none does.",
		state(func(v audit.ForwardState) float64 { return v.Lag.Seconds() }))
}
