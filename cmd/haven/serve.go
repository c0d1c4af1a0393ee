package main

import (
	"context"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
)

// serve runs the whole registry until SIGTERM, then drains.
type serve struct {
	config.Config `embed:""`
}

// Run implements kong's command.
func (s *serve) Run(ctx context.Context) error {
	if err := s.Complete(); err != nil {
		return err
	}
	a, err := app.New(ctx, s.Config, s.Logger())
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
