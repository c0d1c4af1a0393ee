package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/backup"
	"github.com/havenregistry/haven/internal/config"
)

// backupCommands make backups of a whole registry and see to them. They exit with 0 when all is well, 1 when something is damaged or lost,
// and 2 when it couldn't be done.
type backupCommands struct {
	Create backupCreate `cmd:"" help:"Make a backup of this Haven, while it serves: its database, and the blobs that the target doesn't have yet."`
	List   backupList   `cmd:"" help:"List the backups in a target."`
	Verify backupVerify `cmd:"" help:"Read a backup back wholly, and compare all of it with its digests."`
	Delete backupDelete `cmd:"" help:"Delete backups, and the blobs that no other one names."`
	Prune  backupPrune  `cmd:"" help:"Delete all backups but the last ones."`
}

// backupTarget is where backups are.
type backupTarget struct {
	Target string `arg:"" help:"A folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX, with the parameters of a storage_url."`
}

// pace is how fast blobs are read.
type pace struct {
	MaxRate  byteRate `placeholder:"RATE" help:"Read at most so many bytes of blobs a second: 100MB/s."`
	Parallel int      `default:"4" placeholder:"N" help:"Blobs at a time."`
}

func (p pace) pace() (backup.Pace, error) {
	if p.Parallel < 1 || p.Parallel > 64 {
		return backup.Pace{}, errors.New("parallel: expected 1 to 64")
	}
	return backup.Pace{Parallel: p.Parallel, MaxRate: int64(p.MaxRate)}, nil
}

type backupCreate struct {
	config.Config `embed:""`
	backupTarget  `embed:""`
	pace          `embed:""`
	WithSecretKey bool `help:"Put the secret key file into the backup, too: whoever can read the target can then read all secrets in it."`
	JSON          bool `name:"json" help:"Write what the backup is as JSON."`
}

// Run implements kong's command.
func (b *backupCreate) Run(ctx context.Context) error {
	if err := b.Complete(); err != nil {
		return failed(err)
	}
	pace, err := b.pace.pace()
	if err != nil {
		return failed(err)
	}
	made, err := app.Backup(ctx, b.Config, b.Logger(), app.BackupTarget(b.Target), b.WithSecretKey, pace, newProgress())
	if err != nil {
		return failed(err)
	}
	if b.JSON {
		err = writeJSON(summaryOf(made))
	} else {
		fmt.Printf("Backup %s: %s rows, %s blobs with %s, of which %s with %s were copied.\n", made.ID, humanize.Comma(made.RowCount()),
			humanize.Comma(made.Blobs.Count), humanize.Bytes(uint64(made.Blobs.Bytes)), humanize.Comma(made.Blobs.Copied), humanize.Bytes(uint64(made.Blobs.CopiedBytes)))
	}
	if err != nil {
		return failed(err)
	}
	if made.Blobs.Missing > 0 {
		fmt.Fprintf(os.Stderr, "haven: %d blobs are not in it, as the store has lost them; all else is. haven scrub tells which images need them.\n", made.Blobs.Missing)
		return exitDamage
	}
	return nil
}

// backupSummary is what is told of a backup.
type backupSummary struct {
	ID          string    `json:"id"`
	CreatedAt   time.Time `json:"created_at"`
	Seconds     float64   `json:"seconds"`
	Version     string    `json:"version"`
	Database    string    `json:"database"`
	Schema      int64     `json:"schema"`
	Rows        int64     `json:"rows"`
	Blobs       int64     `json:"blobs"`
	Bytes       int64     `json:"bytes"`
	Copied      int64     `json:"copied"`
	CopiedBytes int64     `json:"copied_bytes"`
	Missing     int64     `json:"missing"`
	SecretKey   bool      `json:"secret_key"`
}

func summaryOf(d backup.Description) backupSummary {
	return backupSummary{
		ID: d.ID, CreatedAt: d.CreatedAt, Seconds: d.FinishedAt.Sub(d.CreatedAt).Seconds(), Version: d.Version, Database: d.Database, Schema: d.Schema,
		Rows: d.RowCount(), Blobs: d.Blobs.Count, Bytes: d.Blobs.Bytes, Copied: d.Blobs.Copied, CopiedBytes: d.Blobs.CopiedBytes, Missing: d.Blobs.Missing,
		SecretKey: d.SecretKey != nil,
	}
}

type backupList struct {
	backupTarget `embed:""`
	JSON         bool `name:"json" help:"Write the list as JSON."`
}

// Run implements kong's command.
func (l *backupList) Run(ctx context.Context) error {
	return l.with(ctx, func(t backup.Target) error {
		all, err := t.List(ctx)
		if err != nil {
			return err
		}
		summaries := make([]backupSummary, len(all))
		for i, d := range all {
			summaries[i] = summaryOf(d)
		}
		if l.JSON {
			return writeJSON(summaries)
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tOF\tROWS\tBLOBS\tBYTES\tCOPIED\tVERSION")
		for _, s := range summaries {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\n", s.ID, s.CreatedAt.Local().Format(time.DateTime), s.Rows, s.Blobs,
				humanize.Bytes(uint64(s.Bytes)), humanize.Bytes(uint64(s.CopiedBytes)), s.Version)
		}
		return w.Flush()
	})
}

// with opens the target and runs f.
func (t backupTarget) with(ctx context.Context, f func(backup.Target) error) error {
	target, err := app.BackupTarget(t.Target).Open(ctx, false)
	if err != nil {
		return failed(err)
	}
	err = f(target)
	var status exitError
	if err = errors.Join(err, target.Close()); err == nil || errors.As(err, &status) {
		return err
	}
	return failed(err)
}

type backupVerify struct {
	backupTarget `embed:""`
	pace         `embed:""`
	Backup       string `placeholder:"ID" help:"Which one. Default: the last one."`
	JSON         bool   `name:"json" help:"Write the report as JSON."`
}

// Run implements kong's command.
func (b *backupVerify) Run(ctx context.Context) error {
	pace, err := b.pace.pace()
	if err != nil {
		return failed(err)
	}
	return b.with(ctx, func(t backup.Target) error {
		d, err := t.Find(ctx, b.Backup)
		if err != nil {
			return err
		}
		v := backup.Verify{Target: t, Pace: pace, Progress: newProgress()}
		report, err := v.Run(ctx, d)
		if err != nil {
			return err
		}
		err = writeReport(report, b.JSON)
		if err == nil && !report.Whole() {
			return exitDamage
		}
		return err
	})
}

type backupDelete struct {
	backupTarget `embed:""`
	IDs          []string `arg:"" name:"id" help:"The backups."`
}

// Run implements kong's command.
func (b *backupDelete) Run(ctx context.Context) error {
	return b.with(ctx, func(t backup.Target) error { return tellRemoved(t.Delete(ctx, b.IDs, newProgress())) })
}

type backupPrune struct {
	backupTarget `embed:""`
	Keep         int `required:"" placeholder:"N" help:"How many of the last backups stay, at least 1."`
}

// Run implements kong's command.
func (b *backupPrune) Run(ctx context.Context) error {
	return b.with(ctx, func(t backup.Target) error { return tellRemoved(t.Prune(ctx, b.Keep, newProgress())) })
}

func tellRemoved(r backup.Removed, err error) error {
	if err != nil {
		return err
	}
	for _, id := range r.Backups {
		fmt.Println("deleted", id)
	}
	for _, id := range r.Unfinished {
		fmt.Println("deleted what was left of", id+", which was never finished")
	}
	fmt.Printf("%s blobs with %s went.\n", humanize.Comma(r.Blobs), humanize.Bytes(uint64(r.Bytes)))
	return nil
}
