package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/havenregistry/haven/internal/declared"
	"github.com/havenregistry/haven/internal/secret"
)

// declaredCommands keep a registry as a document says.
type declaredCommands struct {
	Export declaredExport `cmd:"" help:"Print what the registry is, as a document without secrets."`
	Plan   declaredPlan   `cmd:"" help:"Say what differs between a document and the registry. Ends with 0 where nothing does, with 2 where something does, with 1 after an error."`
	Apply  declaredApply  `cmd:"" help:"Make the registry what a document says."`
}

type declaredExport struct {
	client `embed:""`
}

type declaredPlan struct {
	client `embed:""`
	File   string `arg:"" help:"The document."`
	Prune  bool   `help:"Count as a difference what the registry has and a list of the document doesn't."`
	JSON   bool   `name:"json" help:"Print the plan as JSON."`
}

type declaredApply struct {
	client `embed:""`
	File   string `arg:"" help:"The document."`
	Prune  bool   `help:"Delete what the registry has and a list of the document doesn't; but no project with repositories, and nothing that came with the installation."`
}

// differs is the status of a plan with something in it.
const differs = exitError(2)

// planning reports whether args are those of haven config plan: a mistake in them must not look as if something differed.
func planning(args []string) bool {
	return slices.Contains(args, "config") && slices.Contains(args, "plan")
}

func (c *client) api() (*declared.API, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	password, err := c.credentials()
	if err != nil {
		return nil, err
	}
	return declared.NewAPI(base, c.Username, secret.Text(password)), nil
}

// Run implements kong's command.
func (e *declaredExport) Run(ctx context.Context) error {
	api, err := e.api()
	if err != nil {
		return err
	}
	document, err := api.Export(ctx)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(document)
	return err
}

// Run implements kong's command.
func (p *declaredPlan) Run(ctx context.Context) error {
	document, err := declared.ReadFile(p.File)
	if err != nil {
		return err
	}
	api, err := p.api()
	if err != nil {
		return err
	}
	plan, err := api.Plan(ctx, document, p.Prune)
	if err != nil {
		return err
	}
	if p.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		err = e.Encode(plan)
	} else {
		err = plan.Print(os.Stdout)
	}
	if err == nil && !plan.Empty() {
		err = differs
	}
	return err
}

// Run implements kong's command.
func (a *declaredApply) Run(ctx context.Context) error {
	document, err := declared.ReadFile(a.File)
	if err != nil {
		return err
	}
	api, err := a.api()
	if err != nil {
		return err
	}
	show := func(p declared.Plan) error { return p.Print(os.Stdout) }
	return api.Apply(ctx, document, a.Prune, show, func(format string, args ...any) { fmt.Printf(format+"\n", args...) })
}
