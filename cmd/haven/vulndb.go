package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// vulndbCommands see to a registry's vulnerability database, from anywhere.
type vulndbCommands struct {
	Import  vulndbImport  `cmd:"" help:"Send an edition: an archive of trivy.db and metadata.json or of an OCI layout, or a folder with the two files."`
	Export  vulndbExport  `cmd:"" help:"Fetch the edition in force into a file, for a registry that no line leads to."`
	State   vulndbState   `cmd:"" help:"Show which edition packages are judged by."`
	Refresh vulndbRefresh `cmd:"" help:"Have the registry ask its sources (vulndb_source) for a newer edition now."`
}

type vulndbImport struct {
	client `embed:""`
	Path   string `arg:"" placeholder:"PATH" help:"Archive or folder."`
}

type vulndbExport struct {
	client `embed:""`
	Path   string `arg:"" placeholder:"FILE" help:"Archive to write, such as trivy-db.tar.gz."`
}

type vulndbState struct {
	client `embed:""`
}

type vulndbRefresh struct {
	client `embed:""`
}

// edition is one as the API tells of it.
type edition struct {
	Version    int       `json:"version"`
	UpdatedAt  time.Time `json:"updated_at"`
	NextUpdate time.Time `json:"next_update"`
	ImportedAt time.Time `json:"imported_at"`
	Digest     string    `json:"digest"`
	Size       int64     `json:"size"`
	Source     string    `json:"source"`
}

type editionChange struct {
	Changed bool    `json:"changed"`
	Current edition `json:"current"`
}

// Run implements kong's command.
func (v *vulndbImport) Run(ctx context.Context) error {
	body, err := openEdition(v.Path)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	var change editionChange
	if err := v.call(ctx, http.MethodPost, "vulndb/import", body, &change); err != nil {
		return err
	}
	return change.print(os.Stdout)
}

// Run implements kong's command.
func (v *vulndbExport) Run(ctx context.Context) error {
	response, err := v.send(ctx, http.MethodGet, "vulndb/archive", nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	size, err := writeWhole(v.Path, response)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes, %s\n", v.Path, size, response.Header.Get("Docker-Content-Digest"))
	return nil
}

// writeWhole writes an answer to a file, which has its name when all of it is there and has the digest that the answer tells.
func writeWhole(path string, response *http.Response) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return 0, err
	}
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, sum), response.Body)
	if got := fmt.Sprintf("sha256:%x", sum.Sum(nil)); err == nil && got != response.Header.Get("Docker-Content-Digest") {
		err = fmt.Errorf("the line broke, or the registry's copy is damaged: it came with the digest %s", got)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(f.Name()))
	}
	return size, nil
}

// openEdition opens an archive, or packs a folder while it is read.
func openEdition(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return os.Open(path)
	}
	for _, name := range []string{"trivy.db", "metadata.json"} {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			return nil, fmt.Errorf("%s: expected a folder with trivy.db and metadata.json: %w", path, err)
		}
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(vulndb.Pack(w, path)) }()
	return r, nil
}

// Run implements kong's command.
func (v *vulndbRefresh) Run(ctx context.Context) error {
	var change editionChange
	if err := v.call(ctx, http.MethodPost, "vulndb/refresh", nil, &change); err != nil {
		return err
	}
	return change.print(os.Stdout)
}

func (c editionChange) print(w io.Writer) error {
	words := "This edition is in force already:"
	if c.Changed {
		words = "This edition is in force now:"
	}
	if _, err := fmt.Fprintln(w, words); err != nil {
		return err
	}
	return c.Current.print(w)
}

func (e edition) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	next := "not said"
	if !e.NextUpdate.IsZero() {
		next = e.NextUpdate.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(t, "  published\t%s\n  next\t%s\n  imported\t%s\n  from\t%s\n  digest\t%s\n", e.UpdatedAt.UTC().Format(time.RFC3339), next,
		e.ImportedAt.UTC().Format(time.RFC3339), e.Source, e.Digest)
	return t.Flush()
}

// Run implements kong's command.
func (v *vulndbState) Run(ctx context.Context) error {
	var state struct {
		Current, Previous *edition
		Sources           []string
		Confinement       string
	}
	if err := v.call(ctx, http.MethodGet, "vulndb", nil, &state); err != nil {
		return err
	}
	if state.Current == nil {
		fmt.Println("There is no vulnerability database: images can't be judged.")
	} else {
		fmt.Println("In force:")
		if err := state.Current.print(os.Stdout); err != nil {
			return err
		}
	}
	if state.Previous != nil {
		fmt.Println("Before:")
		if err := state.Previous.print(os.Stdout); err != nil {
			return err
		}
	}
	for _, s := range state.Sources {
		fmt.Println("Source:", s)
	}
	fmt.Println("Scanners are confined by:", state.Confinement)
	return nil
}
