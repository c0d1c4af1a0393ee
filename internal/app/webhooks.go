package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/harborapi"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/webhook"
)

// announcing makes webhooks.
func (a *App) announcing(d domain, wake func()) *webhook.Service {
	host := externalHost(a.cfg.ExternalURL)
	if host == "" {
		host = a.cfg.Listen
	}
	return webhook.New(webhook.Deps{
		DB: a.db, Box: d.box, Host: host, Networks: a.cfg.WebhookNetworks, Keep: a.cfg.WebhookKeep, Calls: a.calls, Wake: wake, Clock: time.Now, Log: a.log,
		Enabled: func(ctx context.Context) (bool, error) {
			v, err := d.settings.Get(ctx)
			return v.NotificationEnabled(), err
		},
		Overview: scanOverviews{d}.of,
	})
}

// scanOverviews are what webhooks say of scans.
type scanOverviews struct{ domain }

func (d scanOverviews) of(ctx context.Context, e event.Event, scanType string) (json.RawMessage, error) {
	a, err := d.registry.GetArtifact(ctx, registry.RefOf(e), oci.DigestReference(oci.Digest(e.Digest)), registry.With{})
	if errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) {
		return nil, nil // it was deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	var shown any
	if scanType == "sbom" {
		bills, err := d.scans.Bills(ctx, []int64{a.ID})
		if b, ok := bills[a.ID]; ok {
			shown = harborapi.SBOMOverview(b)
		}
		if err != nil {
			return nil, err
		}
	} else {
		overviews, err := d.scans.Overviews(ctx, a.ProjectID, []registry.Artifact{a})
		if o, ok := overviews[a.ID]; ok {
			shown = harborapi.ScanOverview(o)
		}
		if err != nil {
			return nil, err
		}
	}
	if shown == nil {
		return nil, nil
	}
	return json.Marshal(shown)
}

// watchWebhooks exports what this process has sent, and what waits.
func (a *App) watchWebhooks() {
	for _, c := range []struct {
		name, help string
		value      func(webhook.Stats) int64
	}{
		{"haven_webhook_delivered_total", "Deliveries of webhooks that this process has made.", func(v webhook.Stats) int64 { return v.Delivered }},
		{"haven_webhook_failures_total", "Tries of this process to deliver a webhook that failed.", func(v webhook.Stats) int64 { return v.Failed }},
		{"haven_webhook_given_up_total", "Deliveries of webhooks that this process has given up.", func(v webhook.Stats) int64 { return v.GivenUp }},
		{"haven_webhook_lost_total", "Events that this process had no room for in the queues of webhooks.", func(v webhook.Stats) int64 { return v.Lost }},
	} {
		a.metrics.Counter(c.name, c.help, func() float64 { return float64(c.value(a.webhooks.Stats())) })
	}
	a.metrics.Gauge("haven_webhook_backlog", "Deliveries of webhooks that wait in the whole registry; counted every half minute.", func() float64 {
		return float64(a.webhooks.Backlog())
	})
}
