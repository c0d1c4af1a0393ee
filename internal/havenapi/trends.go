package havenapi

import (
	"cmp"
	"context"
	"time"

	"github.com/havenregistry/haven/internal/havenapi/gen"
)

// trendDays is how many days are told of when nobody says how many.
const trendDays = 90

// ListTrends answers GET /trends.
func (s *Server) ListTrends(ctx context.Context, r gen.ListTrendsRequestObject) (gen.ListTrendsResponseObject, error) {
	rows, err := s.Trends.Last(ctx, cmp.Or(r.Params.Days, trendDays))
	if err != nil {
		return nil, err
	}
	out := gen.ListTrends200JSONResponse{}
	for _, v := range rows {
		c := v.Findings
		out = append(out, gen.TrendSample{
			Day: v.Day.Format(time.DateOnly), Bytes: v.Bytes, Artifacts: v.Artifacts, Pulls: v.Pulls,
			Critical: c.Critical, High: c.High, Medium: c.Medium, Low: c.Low, Unknown: c.Unknown, Fixable: c.Fixable,
		})
	}
	return out, nil
}
