package registry

import (
	"context"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
)

// artifactEvent is an event about an artifact, in the words of Harbor's audit log: it is found by its
// tag where there is one, and described by its digest.
func (s *Service) artifactEvent(kind event.Kind, verb, by string, ref Ref, d oci.Digest, tag string) event.Event {
	byDigest := ref.FullName() + "@" + string(d)
	resource := byDigest
	if tag != "" {
		resource = ref.FullName() + ":" + tag
	}
	return event.Event{
		Kind: kind, At: s.clock(), By: by, Success: true,
		ProjectID: ref.ProjectID, Project: ref.Project, Repository: ref.FullName(), Tag: tag, Digest: string(d),
		Resource: resource, Description: verb + " artifact: " + byDigest,
	}
}

func (s *Service) appendPushed(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, d oci.Digest, tag string) error {
	return event.Append(ctx, tx, s.artifactEvent(event.CreateArtifact, "push", by.Name, ref, d, tag))
}

func (s *Service) appendDeleted(ctx context.Context, tx db.Tx, by string, ref Ref, d oci.Digest, tag string) error {
	return event.Append(ctx, tx, s.artifactEvent(event.DeleteArtifact, "delete", by, ref, d, tag))
}

// appendTag writes that a tag was created or deleted by itself, not by a push.
func (s *Service) appendTag(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, ref Ref, d oci.Digest, tag string) error {
	return event.Append(ctx, tx, event.Event{
		Kind: kind, At: s.clock(), By: by.Name, Success: true,
		ProjectID: ref.ProjectID, Project: ref.Project, Repository: ref.FullName(), Tag: tag, Digest: string(d),
		Resource: ref.FullName() + ":" + tag,
	})
}
