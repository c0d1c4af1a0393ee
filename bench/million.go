package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/havenregistry/haven/bench/dataset"
)

// fillDatabase writes the data set of a large registry.
func fillDatabase(ctx context.Context, url string) error {
	start := time.Now()
	next := 0
	err := dataset.Fill(ctx, url, dataset.Million, func(artifacts int) {
		if artifacts >= next {
			fmt.Fprintf(os.Stderr, "  %d artifacts after %s\n", artifacts, time.Since(start).Round(time.Second))
			next = artifacts + 100_000
		}
	})
	if err == nil {
		fmt.Fprintf(os.Stderr, "  filled in %s\n", time.Since(start).Round(time.Second))
	}
	return err
}
