package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/doctor"
)

// examination looks for what is wrong with a set-up. It exits with 0 when nothing is, warnings apart, 1 when something is, and 2 when the
// configuration can't be used.
type examination struct {
	config.Config `embed:""`
	JSON          bool `name:"json" help:"Write the report as JSON."`
}

// Run implements kong's command.
func (e *examination) Run(ctx context.Context, parsed *kong.Context) error {
	given := doctor.Given{File: fileOf(parsed), Environment: unknownVariables(parsed.Model, os.Environ())}
	if err := e.Complete(); err != nil {
		if err := writeReport(doctor.Unusable(each(err), doctor.Secrets(e.Config)), e.JSON); err != nil {
			return failed(err)
		}
		return exitFailed
	}
	given.Config = e.Config
	report := app.Examine(ctx, given)
	if ctx.Err() != nil {
		return failed(ctx.Err())
	}
	if err := writeReport(report, e.JSON); err != nil {
		return failed(err)
	}
	if !report.Healthy() {
		return exitDamage
	}
	return nil
}

// each takes joined errors apart.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// fileOf is the file of --config, "" without one.
func fileOf(parsed *kong.Context) string {
	for _, f := range parsed.Model.Flags {
		if f.Name == "config" {
			if file, ok := parsed.FlagValue(f).(configFile); ok {
				return string(file)
			}
		}
	}
	return ""
}

// unknownVariables are the names of the environment that begin as settings do and are none, of no command.
func unknownVariables(model *kong.Application, environment []string) (unknown []string) {
	known := map[string]bool{}
	var collect func(n *kong.Node)
	collect = func(n *kong.Node) {
		for _, f := range n.Flags {
			for _, name := range f.Envs {
				known[name] = true
			}
		}
		for _, c := range n.Children {
			collect(c)
		}
	}
	collect(model.Node)
	for _, v := range environment {
		name, _, _ := strings.Cut(v, "=")
		// Kubernetes tells pods of a service that is called haven by such names.
		ofService := strings.HasPrefix(name, "HAVEN_PORT") || strings.HasPrefix(name, "HAVEN_SERVICE_")
		if strings.HasPrefix(name, "HAVEN_") && !known[name] && !ofService {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
