package app

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/telemetry"
)

// watchScans exports what this process has scanned, judged and refused.
func (a *App) watchScans(g *gate.Gate) {
	stats, failures := a.scans.Stats(), &a.foreign.failures
	a.metrics.Family(telemetry.Family{Name: "haven_scans_total", Help: "Tries of this process at scans, by scanner and by how they ended; retried ones are tried again.",
		Labels: []string{"scanner", "outcome"}, Grows: true, Read: func(report telemetry.Report) {
			tries := stats.Tries.All()
			for _, by := range scan.Bys() {
				for _, ending := range scan.Endings() {
					report(float64(tries[scan.Tries{By: by, Ending: ending}]), string(by), string(ending))
				}
			}
		}})
	a.metrics.Spread(stats.Took)
	a.metrics.Family(telemetry.Family{Name: "haven_scan_layers_total", Help: "Layers that scans of this process asked for: read, kept from an earlier scan, or unreadable.",
		Labels: []string{"result"}, Grows: true, Read: func(report telemetry.Report) {
			fates := stats.Layers.All()
			for _, fate := range scan.LayerFates() {
				report(float64(fates[fate]), string(fate))
			}
		}})
	a.metrics.Counter("haven_scan_layer_bytes_total", "Bytes of the layers that this process has read, as they are kept.", func() float64 { return float64(stats.LayerBytes.Load()) })
	a.metrics.Counter("haven_reevaluated_packages_total", "Packages that this process has judged anew because of another edition of the vulnerability database.",
		func() float64 { return float64(stats.Judged.Load()) })
	a.metrics.Counter("haven_reevaluated_reports_changed_total", "Reports whose summary changed by that.", func() float64 { return float64(stats.Changed.Load()) })
	a.metrics.Family(telemetry.Family{Name: "haven_scanner_failures_total", Help: "Scans by other scanners that gave this process no report, by reason.",
		Labels: []string{"reason"}, Grows: true, Read: func(report telemetry.Report) {
			seen := failures.All()
			for _, reason := range adapter.Kinds() {
				report(float64(seen[reason]), reason)
			}
		}})
	a.metrics.Family(telemetry.Family{Name: "haven_gate_refusals_total", Help: "Pulls that this process refused, by the state of the image that stood in the way.",
		Labels: []string{"state"}, Grows: true, Read: func(report telemetry.Report) {
			refused := g.Refusals()
			for _, state := range gate.States() {
				if state != gate.Clean {
					report(float64(refused[state]), string(state))
				}
			}
		}})
	a.watchEvaluation()
}

// vulnDBFor is how long figures of the vulnerability database are believed.
const vulnDBFor = 10 * time.Second

// watchEvaluation exports whether everything is judged by the edition in force.
func (a *App) watchEvaluation() {
	last := remembered(vulnDBFor, func(ctx context.Context) (*scan.Evaluation, error) {
		e, ok, err := a.scans.LastEvaluation(ctx)
		if err != nil || !ok {
			return nil, err
		}
		return &e, nil
	})
	figure := func(name, help string, of func(scan.Evaluation) float64) {
		a.metrics.Family(telemetry.Family{Name: name, Help: help, Read: func(report telemetry.Report) {
			if e, err := last(); err == nil && e != nil {
				report(of(*e))
			}
		}})
	}
	figure("haven_reevaluation_running", "1 while images are still judged anew by the edition of the vulnerability database in force.",
		func(e scan.Evaluation) float64 { return oneIf(e.FinishedAt.IsZero()) })
	figure("haven_reevaluation_seconds", "How long the last time took that all images were judged anew, or has taken until now.", func(e scan.Evaluation) float64 {
		until := e.FinishedAt
		if until.IsZero() {
			until = time.Now()
		}
		return until.Sub(e.StartedAt).Seconds()
	})
}

// watchVulnDB exports which edition of the vulnerability database is in force; nothing while there is none.
func (a *App) watchVulnDB() {
	state := remembered(vulnDBFor, a.vulndb.State)
	figure := func(name, help string, of func(vulndb.Edition) float64) {
		a.metrics.Family(telemetry.Family{Name: name, Help: help, Read: func(report telemetry.Report) {
			if known, err := state(); err == nil && known.Current != nil {
				report(of(*known.Current))
			}
		}})
	}
	figure("haven_vulndb_age_seconds", "Age of the vulnerability database in force, since it was published.", func(e vulndb.Edition) float64 { return time.Since(e.UpdatedAt).Seconds() })
	figure("haven_vulndb_published_timestamp_seconds", "When the vulnerability database in force was published: which edition it is.", func(e vulndb.Edition) float64 { return float64(e.UpdatedAt.Unix()) })
	figure("haven_vulndb_imported_timestamp_seconds", "When it came into force here.", func(e vulndb.Edition) float64 { return float64(e.ImportedAt.Unix()) })
	a.metrics.Family(telemetry.Family{Name: "haven_vulndb_updates_total", Help: "Imports and refreshes of the vulnerability database by this process, by how they ended.",
		Labels: []string{"outcome"}, Grows: true, Read: func(report telemetry.Report) {
			ended := a.vulndb.Ended()
			for _, ending := range vulndb.Endings() {
				report(float64(ended[ending]), string(ending))
			}
		}})
}
