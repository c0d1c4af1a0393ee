package main

import "github.com/havenregistry/haven/internal/scan/confined"

// scanWorker is the confined child that reads layers and judges packages for haven serve. Nobody calls it by hand.
type scanWorker struct {
	Dir string `arg:"" help:"Folder that the parent made."`
}

// Run implements kong's command.
func (s *scanWorker) Run() error {
	if status := confined.Work(s.Dir); status != 0 {
		return exitError(status)
	}
	return nil
}
