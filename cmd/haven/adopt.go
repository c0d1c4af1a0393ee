package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/adopt"
	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/secret"
)

// adoptions takes over other registries. Each exits with 0 when everything was taken, 1 when something could not be, which the report
// names, and 2 when nothing could be done.
type adoptions struct {
	Harbor       adoptHarbor       `cmd:"" help:"Take over a Harbor 2 that is stopped: projects, people, robots, policies and images. Nothing of it is changed."`
	Distribution adoptDistribution `cmd:"" help:"Take over a volume of CNCF Distribution (registry:2, registry:3). Nothing of it is changed."`
}

// adopting are the flags of all.
type adopting struct {
	config.Config `embed:""`
	Storage       string `required:"" placeholder:"DIR" help:"Folder that the registry wrote, with docker/registry/v2 in it. The images stay there."`
	DryRun        bool   `help:"Write nothing, and report what would be taken over. It is done in a temporary folder (TMPDIR), which needs the room of a database."`
	Verify        bool   `help:"Read all blobs, to find those that are damaged. Without it their sizes are compared; haven scrub reads them later."`
	JSON          bool   `name:"json" help:"Write the report as JSON."`
}

// complete fills the settings in, for images that lie where --storage says.
func (a *adopting) complete() error {
	dir, err := app.Folder(a.Storage)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	if a.StorageURL == "" {
		a.StorageURL = "file:" + dir
	}
	if named, err := app.Folder(a.StorageURL); !strings.Contains(a.Storage, "://") && (err != nil || named != dir) {
		return fmt.Errorf("storage_url: it names another place than --storage, where the images will stay: leave it out, or set it to file:%s", dir)
	}
	return a.Complete()
}

func (a *adopting) options() app.AdoptOptions {
	return app.AdoptOptions{Storage: a.Storage, Verify: a.Verify, DryRun: a.DryRun}
}

// finish writes the report.
func (a *adopting) finish(report *adopt.Report, err error) error {
	if err != nil {
		return failed(err)
	}
	if err := writeReport(report, a.JSON); err != nil {
		return failed(err)
	}
	if !a.JSON && !a.DryRun {
		fmt.Printf("Serve it with the same settings: haven serve --storage-url %s\n", a.StorageURL)
	}
	if !report.Complete() {
		return exitDamage
	}
	return nil
}

type adoptHarbor struct {
	adopting  `embed:""`
	Database  secret.Text `required:"" placeholder:"URL" help:"Harbor's PostgreSQL: postgres://USER:PASSWORD@HOST:PORT/registry. It is only read."`
	SecretKey string      `required:"" placeholder:"FILE" help:"Harbor's secretkey, by which it encrypts credentials: secret/keys/secretkey in its data folder."`
}

// Run implements kong's command.
func (a *adoptHarbor) Run(ctx context.Context) error {
	if err := a.complete(); err != nil {
		return failed(err)
	}
	o := app.HarborOptions{AdoptOptions: a.options(), Database: a.Database.Reveal(), SecretKey: a.SecretKey}
	return a.finish(app.AdoptHarbor(ctx, a.Config, a.Logger(), o, newProgress()))
}

type adoptDistribution struct {
	adopting `embed:""`
	Public   bool `help:"Make the projects public: everybody may pull. Else they are private, but for library."`
}

// Run implements kong's command.
func (a *adoptDistribution) Run(ctx context.Context) error {
	if err := a.complete(); err != nil {
		return failed(err)
	}
	return a.finish(app.AdoptDistribution(ctx, a.Config, a.Logger(), a.options(), a.Public, newProgress()))
}
