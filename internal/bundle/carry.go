package bundle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Chosen says which images go into a bundle: repositories and tags by patterns as those of replication ("**" crosses slashes).
type Chosen struct {
	Repositories string
	Tags         string // "" for all
}

// ParseChosen reads PROJECT, PROJECT/REPOSITORY or either of them with :TAG. All three may be patterns; a project alone stands for all of
// its repositories.
func ParseChosen(text string) (c Chosen, err error) {
	last := strings.LastIndexByte(text, '/') + 1
	name, tags, tagged := strings.Cut(text[last:], ":") // a pattern of tags may have a colon
	c.Repositories, c.Tags = text[:last]+name, tags
	if tagged && tags == "" {
		return c, fault.Invalidf("%q: expected a tag behind the colon", text)
	}
	if c.Repositories == "" || strings.Contains(c.Repositories, "@") {
		return c, fault.Invalidf("%q: expected PROJECT, PROJECT/REPOSITORY or PROJECT/REPOSITORY:TAG", text)
	}
	if !strings.Contains(c.Repositories, "/") {
		c.Repositories += "/**"
	}
	return c, nil
}

func (c Chosen) filters() []replication.Filter {
	filters := []replication.Filter{{Type: replication.ByName, Value: c.Repositories}}
	if c.Tags != "" {
		filters = append(filters, replication.Filter{Type: replication.ByTag, Value: c.Tags})
	}
	return filters
}

// Told hears what happens, line by line.
type Told func(format string, args ...any)

// Fill copies what is chosen of a registry into a bundle, with all that is said about it. A choice that nothing fits is an error.
func (w *Writer) Fill(ctx context.Context, from remote.Registry, chosen []Chosen, told Told) (done replication.Copied, err error) {
	for _, c := range chosen {
		part, err := replication.Copy{From: from, To: w, Filters: c.filters(), Note: told}.Run(ctx)
		if err != nil {
			return done, fmt.Errorf("copy %s: %w", c.Repositories, err)
		}
		if part.Artifacts == 0 {
			return done, fault.NotFoundf("nothing there is called %s", c)
		}
		done.Repositories += part.Repositories
		done.Artifacts += part.Artifacts
		done.Blobs += part.Blobs
		done.Bytes += part.Bytes
	}
	return done, nil
}

// String is the choice as ParseChosen reads it.
func (c Chosen) String() string {
	if c.Tags == "" {
		return c.Repositories
	}
	return c.Repositories + ":" + c.Tags
}

// Apply copies all of a bundle into a registry. What is there already doesn't go over the line; tags move to where the bundle has
// them. It can be repeated: it goes on from where it ended.
func (r *Reader) Apply(ctx context.Context, to remote.Registry, told Told) (replication.Copied, error) {
	return replication.Copy{From: source{r, to}, To: to, Note: told}.Run(ctx)
}

// source is a bundle beside the registry that it is brought to, which has the manifests of the bundles before it.
type source struct {
	*Reader
	to remote.Registry
}

// Manifest implements remote.Registry.
func (s source) Manifest(ctx context.Context, repository string, ref oci.Reference) (remote.Manifest, error) {
	m, err := s.Reader.Manifest(ctx, repository, ref)
	if !errors.Is(err, remote.ErrNotFound) {
		return m, err
	}
	d, known := s.Head(ctx, repository, ref)
	if known != nil {
		return m, err
	}
	there, missing := s.to.Manifest(ctx, repository, oci.DigestReference(d.Digest))
	if missing != nil {
		return m, err
	}
	return there, nil
}
