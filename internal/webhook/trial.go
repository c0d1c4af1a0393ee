package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

const homeOf = `SELECT project_id FROM webhook_policy WHERE id = $1`

// Home returns the project that a policy belongs to, or fault.NotFound.
func (s *Service) Home(ctx context.Context, id int64) (projectID int64, err error) {
	projectID, err = db.Get(ctx, s.DB.Auto(), db.ScanInt, homeOf, id)
	if errors.Is(err, db.ErrNotFound) {
		return 0, fault.NotFoundf("webhook policy %d not found", id)
	}
	return projectID, err
}

// Trial is what came of a request that only tries a target.
type Trial struct {
	Target     Target
	Delivered  bool
	Complaint  string
	Answer     int64
	AnswerBody string
	TookMillis int64

	RequestHead string // without secrets
	RequestBody string
}

// Try sends a push that nobody made to the targets of a policy, at once and beside their queues, and tells what came of it.
// Nothing of it is kept.
func (s *Service) Try(ctx context.Context, by string, project Project, id int64) ([]Trial, error) {
	p, err := s.Get(ctx, project.ID, id)
	if err != nil {
		return nil, err
	}
	namespace := project.Name
	if namespace == "" {
		namespace = "example"
	}
	now := s.Clock()
	d, err := dataOf(event.Event{
		Kind: event.CreateArtifact, Repository: namespace + "/webhook-test", Tag: "test", Digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	}, facts{host: s.Host, made: now})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	v := told{UUID: newUUID(), EventType: Pushed, Operator: by, OccurredAt: now, Data: text}
	trials := make([]Trial, len(p.Targets))
	var g errgroup.Group
	for i, t := range p.Targets {
		g.Go(func() error {
			a, err := s.send(ctx, p, t, v)
			if err != nil {
				return err
			}
			head, body, err := requestHead(p, t, v, a.at)
			trials[i] = Trial{
				Target: t, Delivered: a.verdict == delivered, Complaint: a.complaint, Answer: int64(a.status), AnswerBody: a.body, TookMillis: a.took.Milliseconds(),
				RequestHead: head, RequestBody: string(body),
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("try webhook policy %d: %w", id, err)
	}
	return trials, nil
}
