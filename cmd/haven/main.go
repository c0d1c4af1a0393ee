// Command haven is a container registry with security built in.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/havenregistry/haven/internal/config"
)

// commands is the whole command line, one file per command.
type commands struct {
	Config  configFile  `name:"config" placeholder:"FILE" env:"HAVEN_CONFIG" help:"YAML file with settings, under the flags' names with _ for -."`
	Serve   serve       `cmd:"" help:"Run the registry."`
	Scanner scanner     `cmd:"" help:"Offer the scanner to a Harbor or another Haven, by Harbor's scanner adapter API."`
	Migrate migrate     `cmd:"" help:"Bring the database's schema up to date, or check it."`
	Doctor  examination `cmd:"" help:"Look for what is wrong with this set-up, and say what to do."`
	Scrub   scrub       `cmd:"" help:"Find blobs that are lost or damaged, and whatever else the database and the store don't agree on."`
	Rebuild rebuild     `cmd:"" help:"Make a lost database anew from the store alone."`
	Restore restore     `cmd:"" help:"Fill an empty Haven from a backup, on whichever database and store."`
	Move    move        `cmd:"" help:"Take this Haven to another database and store, while it serves."`
	Adopt   adoptions   `cmd:"" help:"Take over another registry: its images where they lie, and a Harbor's database."`
	Health  health      `cmd:"" help:"Ask the Haven that serves on this machine whether it is ready: exit status 0 if so."`
	Version version     `cmd:"" help:"Print the version."`

	Admission  admissionCommands `cmd:"" help:"Refuse pods before they start: an admission webhook for Kubernetes."`
	Backups    backupCommands    `cmd:"" name:"backup" help:"Make backups of this Haven, and see to them."`
	Declared   declaredCommands  `cmd:"" name:"config" help:"Keep a registry as a document says: settings, projects, robots, registries elsewhere, replication."`
	Trash      trashCommands     `cmd:"" help:"Restore what was deleted, by a registry's API."`
	Bundle     bundleCommands    `cmd:"" help:"Carry images to a registry that no line leads to, in a file."`
	VulnDB     vulndbCommands    `cmd:"" name:"vulndb" help:"See to a registry's vulnerability database, by its API."`
	ScanWorker scanWorker        `cmd:"" hidden:"" help:"Read layers for haven serve, confined."`
}

// exitError ends the program with a status and no message of its own.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	// Trivy's package of logs, which is linked for scan-worker alone, takes over the default of all when the program
	// starts, and keeps what is said in memory: the error logs of net/http too.
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	var c commands
	parser, err := kong.New(&c,
		kong.Name("haven"),
		kong.Description("A container registry with security built in."),
		kong.UsageOnError(),
		kong.DefaultEnvars("HAVEN"),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "haven:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "haven: %v\nTry haven --help.\n", err)
		if planning(args) {
			return 1
		}
		return 2
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run()
	var status exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	default:
		fmt.Fprintln(os.Stderr, "haven:", err)
		return 1
	}
}

// configFile is the flag --config: it adds the file's values below flags and environment variables.
type configFile string

// BeforeResolve implements kong's hook.
func (f configFile) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path := string(ctx.FlagValue(trace.Flag).(configFile))
	if path == "" {
		return nil
	}
	r, err := config.File(path)
	if err != nil {
		return err
	}
	ctx.AddResolver(r)
	return nil
}
