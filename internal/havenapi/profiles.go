package havenapi

import (
	"bytes"
	"context"
	"time"

	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
)

// TakeProfile answers GET /profiles/{profile}.
func (s *Server) TakeProfile(ctx context.Context, r gen.TakeProfileRequestObject) (gen.TakeProfileResponseObject, error) {
	text, err := s.Profiles.Take(ctx, rest.CallFrom(ctx).Principal.Name, r.Profile, time.Duration(r.Params.Seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	return gen.TakeProfile200ApplicationOctetStreamResponse{Body: bytes.NewReader(text), ContentLength: int64(len(text))}, nil
}
