package havenapi

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
)

// GetAuditForwarding answers GET /audit/forwarding.
func (s *Server) GetAuditForwarding(ctx context.Context, _ gen.GetAuditForwardingRequestObject) (gen.GetAuditForwardingResponseObject, error) {
	v, err := s.Audit.Forwarding(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	return gen.GetAuditForwarding200JSONResponse{
		State: gen.AuditForwardingState(v.State()), Endpoint: v.Endpoint, Protocol: v.Protocol,
		SentRows: v.Sent, LastSentID: v.LastID, LastSentTime: wire.TimeIfAny(v.ConfirmedAt), LastRowTime: wire.TimeIfAny(v.LastRowAt),
		PendingRows: v.Pending, LagSeconds: v.Lag.Seconds(), LastError: v.Failure, LastErrorTime: wire.TimeIfAny(v.FailedAt),
	}, nil
}
