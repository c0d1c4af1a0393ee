package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/scan/confined"
)

// fullConfinement is the value of scan_confinement with which nothing is read otherwise.
const fullConfinement = "full"

// restAfterStart is how long after a start nothing is done that a start doesn't need.
const restAfterStart = 30 * time.Second

// sayConfinement is the function of this name, when the start is over: it costs a process.
func (a *App) sayConfinement(ctx context.Context) {
	select {
	case <-time.After(restAfterStart):
		sayConfinement(a.log, a.engine)
	case <-ctx.Done():
	}
}

// sayConfinement logs how far the processes that read images are confined on this machine. It starts one to find out.
func sayConfinement(log *slog.Logger, e *confined.Process) {
	if e.Fully() {
		log.Info("processes that read images are confined", "by", e.Confinement())
		return
	}
	log.Warn("processes that read images are not confined fully: see scan_confinement", "by", e.Confinement())
}
