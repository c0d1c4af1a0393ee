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
		SentRows: v.Sent, LastSentID: v.LastID, LastSentTime: timeOrNone(v.ConfirmedAt), LastRowTime: timeOrNone(v.LastRowAt),
		PendingRows: v.Pending, LagSeconds: v.Lag.Seconds(), LastError: v.Failure, LastErrorTime: timeOrNone(v.FailedAt),
	}, nil
}

func timeOrNone(t time.Time) *wire.Time {
	if t.IsZero() {
		return nil
	}
	v := wire.Time(t)
	return &v
}
