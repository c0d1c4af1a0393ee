package main

import (
	"context"
	"log/slog"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
)

// scanner offers Haven's scanner to registries that speak Harbor's scanner adapter API, until SIGTERM.
type scanner struct {
	config.Scanner `embed:""`
}

// Run implements kong's command.
func (s *scanner) Run(ctx context.Context) error {
	if err := s.Complete(); err != nil {
		return err
	}
	log := s.Logger()
	slog.SetDefault(log)
	a, err := app.NewScanner(ctx, s.Scanner, log)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
