package main

import (
	"fmt"

	"github.com/havenregistry/haven/internal/telemetry"
)

// version prints what this binary was built from.
type version struct{}

// Run implements kong's command.
func (version) Run() error {
	fmt.Println("haven", telemetry.Version())
	return nil
}
