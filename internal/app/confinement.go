package app

import (
	"log/slog"

	"github.com/havenregistry/haven/internal/scan/confined"
)

// fullConfinement is the value of scan_confinement with which nothing is read otherwise.
const fullConfinement = "full"

// sayConfinement logs how far the processes that read images are confined on this machine. It starts one to find out.
func sayConfinement(log *slog.Logger, e *confined.Process) {
	if e.Fully() {
		log.Info("processes that read images are confined", "by", e.Confinement())
		return
	}
	log.Warn("processes that read images are not confined fully: see scan_confinement", "by", e.Confinement())
}
