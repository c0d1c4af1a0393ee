package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/setting"
)

func (s *Service) settings(ctx context.Context) (setting.Values, error) {
	v, err := s.setting.Get(ctx)
	if err != nil {
		return v, fmt.Errorf("read the settings: %w", err)
	}
	return v, nil
}

func (s *Service) robotPrefix(ctx context.Context) (string, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return "", err
	}
	return v.RobotPrefix(), nil
}

// sessionLives is how long sessions live: without use, and at all.
type sessionLives struct{ idle, longest time.Duration }

func (l sessionLives) over(createdAt, seenAt, now time.Time) bool {
	return !now.Before(createdAt.Add(l.longest)) || !now.Before(seenAt.Add(l.idle))
}

func (s *Service) sessionLives(ctx context.Context) (sessionLives, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return sessionLives{}, err
	}
	return sessionLives{idle: v.SessionTimeout(), longest: v.SessionLifetime()}, nil
}

func (s *Service) tokenExpiration(ctx context.Context) (time.Duration, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return 0, err
	}
	return v.TokenExpiration(), nil
}
