package preheat

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"
)

// kraken speaks with the proxy of a Kraken, which takes notifications of pushes as CNCF Distribution sends them and fetches what
// they are about. It has its own credential for the registry, and says nothing of its progress.
type kraken struct{}

type krakenNotification struct {
	Events []krakenEvent `json:"events"`
}

type krakenEvent struct {
	ID        string       `json:"id"`
	TimeStamp time.Time    `json:"timestamp"`
	Action    string       `json:"action"`
	Target    krakenTarget `json:"target"`
}

type krakenTarget struct {
	MediaType  string `json:"mediaType"`
	Digest     string `json:"digest"`
	Repository string `json:"repository"`
	URL        string `json:"url"`
	Tag        string `json:"tag"`
}

func (kraken) ping(ctx context.Context, c conn) error {
	return c.call(ctx, http.MethodGet, "/health", nil, nil)
}

func (kraken) preheat(ctx context.Context, c conn, i Image) (string, error) {
	e := krakenEvent{ID: rand.Text(), TimeStamp: time.Now().UTC(), Action: "push", Target: krakenTarget{
		MediaType: i.MediaType, Digest: string(i.Digest), Repository: i.Repository, URL: i.URL, Tag: i.Tag,
	}}
	return "", c.call(ctx, http.MethodPost, "/registry/notifications", krakenNotification{[]krakenEvent{e}}, nil)
}

func (kraken) done(context.Context, conn, string) (bool, error) { return true, nil }
