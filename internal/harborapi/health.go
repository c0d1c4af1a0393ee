package harborapi

import (
	"context"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/harborapi/gen"
)

// Part is a part of the registry that can be unhealthy. Without a Check it is well as long as it answers.
type Part struct {
	Name  string
	Check func(ctx context.Context) error
}

// healthFor is how long an answer about health holds. A check may write to the disk, and anybody may ask.
const healthFor = 2 * time.Second

type lastHealth struct {
	mu     sync.Mutex // held while the parts are checked, so that one caller at a time does
	answer gen.OverallHealthStatus
	at     time.Time       // zero: never checked
	sick   map[string]bool // parts that the log says are unhealthy
}

// GetHealth answers GET /health, with 200 whatever it says, as Harbor's monitors expect. The causes of a
// failure stay in the log.
func (s *Server) GetHealth(ctx context.Context, _ gen.GetHealthRequestObject) (gen.GetHealthResponseObject, error) {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	if age := s.Clock().Sub(s.health.at); s.health.at.IsZero() || age < 0 || age >= healthFor {
		s.health.answer = s.checkParts(context.WithoutCancel(ctx))
		s.health.at = s.Clock()
	}
	return gen.GetHealth200JSONResponse(s.health.answer), nil
}

func (s *Server) checkParts(ctx context.Context) gen.OverallHealthStatus {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer := gen.OverallHealthStatus{Status: "healthy"}
	for _, part := range s.Health {
		status := gen.ComponentHealthStatus{Name: part.Name, Status: "healthy"}
		if part.Check != nil {
			if err := part.Check(ctx); err != nil {
				status.Status, status.Error, answer.Status = "unhealthy", "see the server's log", "unhealthy"
				s.logHealth(ctx, part.Name, err)
			} else {
				s.logHealth(ctx, part.Name, nil)
			}
		}
		answer.Components = append(answer.Components, status)
	}
	return answer
}

// logHealth says once that a part has become unhealthy, and once that it is well again, however often somebody
// asks. It needs the lock.
func (s *Server) logHealth(ctx context.Context, part string, err error) {
	if s.health.sick == nil {
		s.health.sick = map[string]bool{}
	}
	switch sick := err != nil; {
	case sick == s.health.sick[part]:
		return
	case sick:
		s.Log.WarnContext(ctx, "unhealthy", "component", part, "error", err)
	default:
		s.Log.InfoContext(ctx, "healthy again", "component", part)
	}
	s.health.sick[part] = err != nil
}
