package replication

import (
	"context"
	"errors"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// side is a registry that a policy names, ready to be asked.
type side struct {
	remote.Registry
	id   int64 // Local also where the policy names this Haven by its address
	kind remote.Kind
	name string
	// destination: many registries say of what isn't there that it may not be read. What is really denied shows when it is written.
	destination bool
}

// pair is a source and a destination.
type pair struct{ source, destination int64 }

// open returns the registry with an id. One whose address is this Haven's is this Haven: it needs no HTTP.
func (s *Service) open(ctx context.Context, id int64) (side, error) {
	here := side{Registry: s.Local, id: Local, kind: remote.Harbor, name: "this Haven"}
	if id == Local {
		return here, nil
	}
	peer, err := s.Endpoints.Peer(ctx, s.DB.Auto(), id)
	if err != nil {
		return side{}, err
	}
	if s.Itself(peer.URL) {
		return here, nil
	}
	r, err := s.Endpoints.Open(ctx, id)
	return side{Registry: r, id: id, kind: peer.Kind, name: peer.Name}, err
}

// What only some registries can tell.
type (
	// subjects tells all that has a subject in a repository, in one go.
	subjects interface {
		Subjects(ctx context.Context, repository string, yield func(subject oci.Digest, referrer oci.Descriptor) error) error
	}
	// untagged tells what of a repository has no tag, and is no part of something else.
	untagged interface {
		Untagged(ctx context.Context, repository string, yield func(oci.Descriptor) error) error
	}
	// publicly tells whether everybody may read a repository.
	publicly interface {
		Public(ctx context.Context, repository string) (bool, error)
	}
)

const (
	// patience is how long a run waits for a registry that wants to be left alone. It ends then, and is tried again later.
	patience = 2 * time.Minute
	// retries bounds how often a registry that doesn't answer is asked again before the run ends.
	retries = 3
)

// calmly asks a registry, and asks again where it was asked too often or didn't answer.
func calmly[T any](ctx context.Context, note func(string, ...any), ask func() (T, error)) (T, error) {
	waited := time.Duration(0)
	for failures := 0; ; {
		v, err := ask()
		if err == nil {
			return v, nil
		}
		var wait time.Duration
		if limit, ok := errors.AsType[*remote.LimitError](err); ok {
			wait = max(limit.RetryAfter, time.Second)
			note("a registry was asked too often; waiting %s", wait)
		} else if _, ok := errors.AsType[*remote.UnreachableError](err); ok && failures < retries {
			wait = time.Second << failures
			failures++
		} else {
			return v, err
		}
		if waited += wait; waited > patience {
			return v, err
		}
		if !pause.For(ctx, wait) {
			return v, errors.Join(context.Cause(ctx), err)
		}
	}
}

// done is calmly for what returns nothing.
func done(ctx context.Context, note func(string, ...any), ask func() error) error {
	_, err := calmly(ctx, note, func() (struct{}, error) { return struct{}{}, ask() })
	return err
}

// lacks reports whether an error says that something isn't there.
func (d side) lacks(err error) bool {
	return errors.Is(err, remote.ErrNotFound) || d.destination && errors.Is(err, remote.ErrDenied)
}

// find is the head of what may not be there.
func (d side) find(ctx context.Context, note func(string, ...any), repository string, ref oci.Reference) (oci.Descriptor, bool, error) {
	found, err := calmly(ctx, note, func() (oci.Descriptor, error) { return d.Head(ctx, repository, ref) })
	if d.lacks(err) {
		return oci.Descriptor{}, false, nil
	}
	return found, err == nil, err
}

// tags lists a repository's tags with their digests, as far as the listing tells them. there is false where the registry has no such
// repository.
func (d side) tags(ctx context.Context, note func(string, ...any), repository string) (all map[string]oci.Digest, there bool, err error) {
	all, err = calmly(ctx, note, func() (map[string]oci.Digest, error) {
		listed := map[string]oci.Digest{}
		err := d.Tags(ctx, repository, func(t remote.Tag) error {
			if len(listed) >= maxTags {
				return errTooMany
			}
			listed[t.Name] = t.Digest
			return nil
		})
		return listed, err
	})
	if d.lacks(err) {
		return map[string]oci.Digest{}, false, nil
	}
	return all, err == nil, err
}

// maxTags bounds the tags of a repository that are compared, about 200 bytes each.
const maxTags = 1_000_000

var errTooMany = errors.New("the repository has more tags than are compared")
