package distribution

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// maxMountSources is how many repositories are looked at for a blob that may be mounted from anywhere.
const maxMountSources = 10

// mount makes a blob of another repository a member of this one, when the caller may read it there
// ("end-11"). When it can't be mounted, for whatever reason, the client is to upload it: the answer tells
// nothing of a repository that the caller may not read (S9).
func (h *Handler) mount(c *call, digest, from string) (done bool, err error) {
	d, err := oci.ParseDigest(digest)
	if err != nil {
		return false, err
	}
	sources, err := h.mountSources(c, d, from)
	if err != nil {
		return false, err
	}
	for _, source := range sources {
		_, err := h.Registry.Mount(c.r.Context(), c.repo, source, d)
		switch {
		case err == nil:
			return true, blobCreated(c, d)
		case !errors.Is(err, registry.ErrBlobUnknown) && !errors.Is(err, registry.ErrRepositoryUnknown):
			return false, err
		}
	}
	return false, nil
}

// mountSources are the repositories to try: the one that the request names, or without a name those that
// hold the blob, as far as the caller may read them with what it has sent.
func (h *Handler) mountSources(c *call, d oci.Digest, from string) ([]registry.Ref, error) {
	ctx := c.r.Context()
	if from != "" {
		ref, ok, err := h.mayMountFrom(ctx, c.principal, from)
		if !ok || err != nil {
			return nil, err
		}
		return []registry.Ref{ref}, nil
	}
	holders, err := h.Registry.Holders(ctx, d, h.mountScope(c.principal), maxMountSources)
	if err != nil {
		return nil, err
	}
	var sources []registry.Ref
	for _, holder := range holders {
		ref, err := h.mayUse(ctx, c.principal, holder.FullName(), authz.Pull)
		if refused(err) {
			ref, err = h.mayUse(ctx, authz.Principal{}, holder.FullName(), authz.Pull)
		}
		switch {
		case err == nil:
			sources = append(sources, ref)
		case !refused(err):
			return nil, err
		}
	}
	return sources, nil
}

// mountScope is where to look for a blob: of a token, besides public projects, those that it names.
func (h *Handler) mountScope(p authz.Principal) registry.Scope {
	scope := registry.VisibleTo(p)
	for _, g := range p.Token {
		scope.ProjectIDs = append(scope.ProjectIDs, g.ProjectID)
	}
	return scope
}

// mayMountFrom reports whether the caller may read the repository. A public one may be read whatever the
// token says. When only the token is too narrow, and its holder could have a wider one, the answer is a
// challenge that asks for it.
func (h *Handler) mayMountFrom(ctx context.Context, p authz.Principal, from string) (registry.Ref, bool, error) {
	for _, who := range []authz.Principal{p, {}} {
		ref, err := h.mayUse(ctx, who, from, authz.Pull)
		if !refused(err) {
			return ref, err == nil, err
		}
	}
	holder, err := h.Identity.Holder(ctx, p)
	if err != nil || p.Kind != authz.Bearer {
		return registry.Ref{}, false, err
	}
	if _, err := h.mayUse(ctx, holder, from, authz.Pull); !refused(err) {
		return registry.Ref{}, false, errors.Join(err, authz.ErrUnauthenticated)
	}
	return registry.Ref{}, false, nil
}

// refused reports whether err says that the repository may not be read, or can't be one.
func refused(err error) bool {
	return errors.Is(err, authz.ErrUnauthenticated) || errors.Is(err, authz.ErrForbidden) ||
		errors.Is(err, oci.ErrNameInvalid) || errors.Is(err, errNoProject)
}
