package havenapi

import (
	"context"

	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/replication"
)

// PreviewReplication answers POST /replication/policies/{id}/preview.
func (s *Server) PreviewReplication(ctx context.Context, r gen.PreviewReplicationRequestObject) (gen.PreviewReplicationResponseObject, error) {
	v, err := s.Replication.Preview(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	out := gen.PreviewReplication200JSONResponse{Repositories: v.Repositories, Unchanged: v.Unchanged, More: v.More, Changes: []gen.ReplicationChange{}}
	for _, c := range v.Changes {
		out.Changes = append(out.Changes, changeJSON(c))
	}
	return out, nil
}

func changeJSON(c replication.PreviewChange) gen.ReplicationChange {
	return gen.ReplicationChange{Action: c.Action, Source: c.Source, Destination: c.Destination, Tag: c.Tag, Digest: c.Digest, Why: c.Why}
}

// NotifyReplication answers POST /replication/policies/{id}/notify.
func (s *Server) NotifyReplication(ctx context.Context, r gen.NotifyReplicationRequestObject) (gen.NotifyReplicationResponseObject, error) {
	return gen.NotifyReplication202Response{}, s.Replication.Notified(ctx, r.ID)
}
