package distribution

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/proxycache"
)

// Proxy answers for projects that are a cache of a registry elsewhere. Package proxycache implements it.
type Proxy interface {
	Manifest(ctx context.Context, ref registry.Ref, r oci.Reference, ask proxycache.Ask) (registry.Manifest, error)
	StatBlob(ctx context.Context, ref registry.Ref, d oci.Digest) (size int64, err error)
	Blob(ctx context.Context, ref registry.Ref, d oci.Digest) (blob.Content, error)
	Tags(ctx context.Context, ref registry.Ref, last string, n int) (names []string, more bool, err error)
	Referrers(ctx context.Context, ref registry.Ref, subject oci.Digest, artifactType string) ([]oci.Descriptor, error)
	// LookAgain looks for new signatures of an image that lacks one, and reports whether the gate is to be asked again.
	LookAgain(ctx context.Context, ref registry.Ref, d oci.Digest) (bool, error)
	Forget(ctx context.Context, ref registry.Ref, r oci.Reference) (found bool, err error)
	// Elsewhere is the name that upstream has for a repository, "" where it is the one that was asked for.
	Elsewhere(ctx context.Context, ref registry.Ref) (string, error)
}

// Mirrors finds projects that clients don't name. It answers from memory.
type Mirrors interface {
	OfHost(host string) (project string)
	OfRegistry(name string) (project string)
}

// mirrored is the project that a request means without naming it: by the registry that the client believes to speak to,
// which containerd says (?ns=docker.io), or by the host it reached us by. "" is none.
func (h *Handler) mirrored(r *http.Request) string {
	if h.Mirrors == nil {
		return ""
	}
	if strings.Contains(r.URL.RawQuery, "ns=") {
		if project := h.Mirrors.OfRegistry(r.URL.Query().Get("ns")); project != "" {
			return project
		}
	}
	return h.Mirrors.OfHost(r.Host)
}

// mirroredHost is mirrored for token requests, which don't name a registry.
func (h *Handler) mirroredHost(r *http.Request) string {
	if h.Mirrors == nil {
		return ""
	}
	return h.Mirrors.OfHost(r.Host)
}

// inMirror puts the project before a repository's name that lacks it.
func inMirror(project, repository string) string {
	if project == "" || strings.HasPrefix(repository, project+"/") {
		return repository
	}
	return project + "/" + repository
}

// viaCache finds out whether the project is a cache, which an ordinary one pays a look into a map for. Pushes to one are refused;
// done says that the client was sent to the name that upstream has for the repository.
func (h *Handler) viaCache(c *call, action authz.Action) (done bool, err error) {
	if h.Proxy == nil {
		return false, nil
	}
	ctx := c.r.Context()
	upstream, err := h.Projects.Upstream(ctx, c.repo.ProjectID)
	if err != nil || upstream == 0 {
		return false, err
	}
	if action == authz.Push {
		return false, fmt.Errorf("%w: %s", errPushCache, c.repo.Project)
	}
	c.cached = true
	if action != authz.Pull {
		return false, nil
	}
	name, err := h.Proxy.Elsewhere(ctx, c.repo)
	if err != nil || name == "" {
		return false, err
	}
	c.w.Header().Set("Location", renamed(*c.r.URL, c.repo, name))
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusMovedPermanently)
	return true, nil
}

// renamed is where a request goes for another name of the repository.
func renamed(to url.URL, repo registry.Ref, name string) string {
	path := to.Path
	to.Path = strings.Replace(path, "/v2/"+repo.FullName()+"/", "/v2/"+repo.Project+"/"+name+"/", 1)
	if to.Path == path { // it doesn't name the project
		to.Path = strings.Replace(path, "/v2/"+repo.Name+"/", "/v2/"+name+"/", 1)
	}
	to.RawPath = ""
	return to.RequestURI()
}

// find looks a manifest up: without its bytes for a HEAD.
func (h *Handler) find(c *call, r oci.Reference) (registry.Manifest, error) {
	head := c.r.Method == http.MethodHead
	switch {
	case c.cached:
		_, scanner := c.principal.Granted(c.repo.FullName(), authz.ScannerPull)
		return h.Proxy.Manifest(c.r.Context(), c.repo, r, proxycache.Ask{Head: head, Scanner: scanner})
	case head:
		return h.Registry.ManifestInfo(c.r.Context(), c.repo, r)
	}
	return h.Registry.Manifest(c.r.Context(), c.repo, r)
}

// lookAgain reports whether a refusal may be out of date: upstream's image may have been signed since it came.
func (h *Handler) lookAgain(c *call, m registry.Manifest, err error) (bool, error) {
	refusal, ok := errors.AsType[*gate.Refusal](err)
	if !c.cached || !ok || refusal.Verdict.Unsigned() == "" {
		return false, nil
	}
	return h.Proxy.LookAgain(c.r.Context(), c.repo, m.Digest)
}

// forget has a cache forget what waits there for being whole.
func (h *Handler) forget(c *call, r oci.Reference) (bool, error) {
	if !c.cached {
		return false, nil
	}
	return h.Proxy.Forget(c.r.Context(), c.repo, r)
}

// unknown reports whether err says that there is no such thing.
func unknown(err error) bool {
	return errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrTagUnknown) || errors.Is(err, registry.ErrRepositoryUnknown)
}

// blobFromUpstream streams a blob while it comes.
func (h *Handler) blobFromUpstream(c *call, d oci.Digest) error {
	content, err := h.Proxy.Blob(c.r.Context(), c.repo, d)
	if err != nil {
		return err
	}
	defer content.Close()
	blobHeaders(c, d)
	http.ServeContent(c.w, c.r, "", zeroTime, content)
	return nil
}

// appendNew adds those of more that aren't among all.
func appendNew(all, more []oci.Descriptor) []oci.Descriptor {
	seen := make(map[oci.Digest]bool, len(all))
	for _, d := range all {
		seen[d.Digest] = true
	}
	for _, d := range more {
		if !seen[d.Digest] {
			seen[d.Digest] = true
			all = append(all, oci.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, ArtifactType: d.ArtifactType, Annotations: d.Annotations})
		}
	}
	return all
}

// cacheAnswer tells what only a cache has to say.
func (h *Handler) cacheAnswer(c *call, err error) (answer, bool) {
	if errors.Is(err, errPushCache) {
		return answer{http.StatusForbidden, "DENIED", "denied: " + err.Error()}, true
	}
	if wait, ok := errors.AsType[*proxycache.WaitError](err); ok {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(wait.After.Seconds())+1))
		return answer{http.StatusTooManyRequests, "TOOMANYREQUESTS", wait.Error()}, true
	}
	if refused, ok := errors.AsType[*proxycache.RefusedError](err); ok {
		return answer{http.StatusPreconditionFailed, "PROJECTPOLICYVIOLATION", refused.Error()}, true
	}
	if unavailable, ok := errors.AsType[*proxycache.UnavailableError](err); ok {
		if c.r.Context().Err() == nil {
			h.Log.WarnContext(c.r.Context(), "upstream can't serve what isn't cached", "path", c.r.URL.Path, "error", unavailable.Err)
		}
		c.w.Header().Set("Retry-After", "5")
		return answer{http.StatusServiceUnavailable, "UNAVAILABLE", unavailable.Error()}, true
	}
	return answer{}, false
}
