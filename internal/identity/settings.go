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

func (s *Service) sessionTimeout(ctx context.Context) (time.Duration, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return 0, err
	}
	return v.SessionTimeout(), nil
}

func (s *Service) tokenExpiration(ctx context.Context) (time.Duration, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return 0, err
	}
	return v.TokenExpiration(), nil
}
