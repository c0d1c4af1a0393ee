package notice

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/havenregistry/haven/internal/secret"
)

// answerTime is how long Redis may take for anything; a URL can say otherwise (dial_timeout, read_timeout,
// write_timeout).
const answerTime = 2 * time.Second

// connect makes the client that a URL asks for, in go-redis's spelling: with master_name it is the
// address of a Sentinel, with further addresses (addr) that of a cluster, else one server. It does no I/O.
// The errors show nothing of the URL, which holds a password.
func connect(raw secret.Text) (redis.UniversalClient, error) {
	u, err := url.Parse(raw.Reveal())
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Host == "" {
		return nil, errors.New("expected redis://HOST:PORT or rediss://HOST:PORT (TLS)")
	}
	// The library writes to stderr in a form of its own; what matters is reported by the Board.
	logging.Disable()
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch query := u.Query(); {
	case query.Has("master_name"):
		o, err := redis.ParseFailoverURL(raw.Reveal())
		if err != nil {
			return nil, unusable(err)
		}
		limit(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.MaxRetries)
		return redis.NewFailoverClient(o), nil
	case query.Has("addr"):
		o, err := redis.ParseClusterURL(raw.Reveal())
		if err != nil {
			return nil, unusable(err)
		}
		limit(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.MaxRetries)
		o.MaintNotificationsConfig = quiet
		return redis.NewClusterClient(o), nil
	default:
		o, err := redis.ParseURL(raw.Reveal())
		if err != nil {
			return nil, unusable(err)
		}
		limit(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.MaxRetries)
		o.MaintNotificationsConfig = quiet
		return redis.NewClient(o), nil
	}
}

// limit bounds what the URL left open. Nothing is tried twice: a lost notice costs a second.
func limit(dial, read, write *time.Duration, retries *int) {
	for _, d := range []*time.Duration{dial, read, write} {
		if *d == 0 {
			*d = answerTime
		}
	}
	if *retries == 0 {
		*retries = -1
	}
}

// unusable passes on what the library says about the options, which is not the URL.
func unusable(err error) error {
	if parse := (*url.Error)(nil); errors.As(err, &parse) {
		err = parse.Err
	}
	return fmt.Errorf("expected the options of go-redis: %w", err)
}
