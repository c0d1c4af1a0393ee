package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/havenregistry/haven/internal/bundle"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/secret"
)

// bundleCommands carry images to a registry that no line leads to.
type bundleCommands struct {
	Create bundleCreate `cmd:"" help:"Put images of a registry into a file, with their signatures, bills of materials and all else that is said about them."`
	Apply  bundleApply  `cmd:"" help:"Bring the images of a file to a registry."`
	Show   bundleShow   `cmd:"" help:"List what a file holds."`
	Verify bundleVerify `cmd:"" help:"Read a file wholly, and compare everything in it with its digest."`
}

type bundleCreate struct {
	client `embed:""`
	File   string   `arg:"" help:"File to write, such as images.tar."`
	Images []string `arg:"" placeholder:"IMAGE" help:"What to take: PROJECT, PROJECT/REPOSITORY or PROJECT/REPOSITORY:TAG; each may be a pattern (team/**:v*)."`
	Since  string   `placeholder:"FILE" help:"A bundle made before: what it holds, and those before it, is left out."`
	VulnDB bool     `name:"vulndb" help:"Take the vulnerability database along; for administrators."`
	Quiet  bool     `short:"q" help:"Don't tell of each image."`
}

type bundleApply struct {
	client `embed:""`
	File   string `arg:"" help:"File to read."`
	Quiet  bool   `short:"q" help:"Don't tell of each image."`
}

type bundleShow struct {
	File string `arg:"" help:"File to read."`
}

type bundleVerify struct {
	File string `arg:"" help:"File to read."`
}

// registry is the one that the flags name, to be copied from and to.
func (c *client) registry() (remote.Registry, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	password, err := c.credentials()
	if err != nil {
		return nil, err
	}
	return remote.New(remote.Endpoint{
		Kind: remote.Harbor, URL: base.String(), Credential: remote.Credential{Type: "basic", AccessKey: c.Username, Secret: secret.Text(password)},
	}, remote.Deps{HTTP: remote.NewHTTP()})
}

// told is what writes to standard error.
func told(quiet bool) bundle.Told {
	if quiet {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
}

// Run implements kong's command.
func (b *bundleCreate) Run(ctx context.Context) error {
	var chosen []bundle.Chosen
	for _, text := range b.Images {
		c, err := bundle.ParseChosen(text)
		if err != nil {
			return err
		}
		chosen = append(chosen, c)
	}
	var since *bundle.Reader
	if b.Since != "" {
		var err error
		if since, err = bundle.Open(b.Since); err != nil {
			return err
		}
		defer func() { _ = since.Close() }()
	}
	from, err := b.registry()
	if err != nil {
		return err
	}
	w, err := bundle.NewWriter(b.File, since)
	if err != nil {
		return err
	}
	copied, err := w.Fill(ctx, from, chosen, told(b.Quiet))
	if err == nil && b.VulnDB {
		err = b.addVulnDB(ctx, w)
	}
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Printf("%s: bundle %s with %s of %d repositories, %s\n", b.File, w.Note().ID, artifacts(copied.Artifacts), copied.Repositories, humanize.Bytes(uint64(w.Size())))
	return nil
}

func (b *bundleCreate) addVulnDB(ctx context.Context, w *bundle.Writer) error {
	response, err := b.send(ctx, http.MethodGet, "vulndb/archive", nil)
	if err != nil {
		return fmt.Errorf("fetch the vulnerability database: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.ContentLength < 0 {
		return errors.New("fetch the vulnerability database: the registry doesn't say how large it is")
	}
	return w.AddVulnerabilityDatabase(response.ContentLength, response.Body)
}

func artifacts(n int) string {
	if n == 1 {
		return "1 artifact"
	}
	return humanize.Comma(int64(n)) + " artifacts"
}

// Run implements kong's command.
func (b *bundleApply) Run(ctx context.Context) error {
	r, err := bundle.Open(b.File)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	to, err := b.registry()
	if err != nil {
		return err
	}
	copied, err := r.Apply(ctx, to, told(b.Quiet))
	if err != nil {
		return errors.Join(err, errors.New("what was brought by then is there; run it again to go on"))
	}
	fmt.Println(applied(copied))
	edition := r.VulnerabilityDatabase()
	if edition == nil {
		return nil
	}
	var change editionChange
	if err := b.call(ctx, http.MethodPost, "vulndb/import", edition, &change); err != nil {
		return fmt.Errorf("bring the vulnerability database: %w", err)
	}
	return change.print(os.Stdout)
}

func applied(c replication.Copied) string {
	text := fmt.Sprintf("%s brought, with %d blobs of %s; %d tags and artifacts were there already", artifacts(c.Artifacts), c.Blobs, humanize.Bytes(uint64(c.Bytes)), c.Unchanged)
	if c.Refused > 0 {
		text += fmt.Sprintf("; %d are refused by the registry's rules", c.Refused)
	}
	return text
}

// Run implements kong's command.
func (b *bundleShow) Run(ctx context.Context) error {
	r, err := bundle.Open(b.File)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	n := r.Note()
	fmt.Printf("bundle %s of %s", n.ID, n.CreatedAt.Format(time.RFC3339))
	if n.Since != "" {
		fmt.Printf(", what is new since %s", n.Since)
	}
	if r.VulnerabilityDatabase() != nil {
		fmt.Print(", with a vulnerability database")
	}
	fmt.Println()
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	err = r.Repositories(ctx, "", func(repository string) error {
		return r.Tags(ctx, repository, func(tag remote.Tag) error {
			_, err := fmt.Fprintf(t, "%s:%s\t%s\n", repository, tag.Name, tag.Digest)
			return err
		})
	})
	return errors.Join(err, t.Flush())
}

// Run implements kong's command.
func (b *bundleVerify) Run(ctx context.Context) error {
	r, err := bundle.Open(b.File)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	p := newProgress()
	var before int64
	err = r.Verify(ctx, func(done, all int64) {
		if before == 0 {
			p.Stage("reading", all, true)
		}
		p.Add(done - before)
		before = done
	})
	p.Done()
	if err != nil {
		return err
	}
	fmt.Printf("%s: all of it is as its digests say\n", b.File)
	return nil
}
