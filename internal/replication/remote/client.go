package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
)

// maxDocument bounds a page of a list, in bytes: registries without paging give all tags of a repository at once.
const maxDocument = 32 << 20

// client speaks OCI distribution with one registry. It is a Registry of its own, and what the kinds stand on. It is shared by
// all who use the endpoint, so that its connections and tokens are.
type client struct {
	kind  Kind
	base  *url.URL     // /v2/ is below
	http  *http.Client // follows redirects, without credentials to other origins
	still *http.Client // follows none
	auth  *authority
	clock func() time.Time
	// full is a repository's name as its registry has it; nil where that is the name.
	full func(name string) string
	// expired says whether an answer other than 401 means that the login has ended; nil where that isn't so.
	expired func(answer *http.Response) bool

	limits      *atomic.Pointer[Limits]
	noReferrers *atomic.Int64 // until when it is believed to have no API of referrers, in nanoseconds since 1970
	noSingle    *atomic.Bool  // the registry takes no blob with the request that begins an upload
}

// Limits is what a registry says, with its answers, about how much may be asked of it.
type Limits struct {
	Limit, Remaining int           // -1 where it isn't said
	Window           time.Duration // that the two are about; 0 where it isn't said
	At               time.Time     // when it was said
}

// Metered is a Registry that hears of limits. All that New returns do.
type Metered interface {
	// Limits is what the registry said last; false before it has.
	Limits() (Limits, bool)
}

// Limits implements Metered.
func (c *client) Limits() (Limits, bool) {
	if l := c.limits.Load(); l != nil {
		return *l, true
	}
	return Limits{}, false
}

// heed keeps what an answer says of limits, as Docker Hub and others do: "ratelimit-remaining: 76;w=21600".
func (c *client) heed(h http.Header) {
	l := Limits{Limit: -1, Remaining: -1, At: c.clock()}
	for name, to := range map[string]*int{"Ratelimit-Limit": &l.Limit, "Ratelimit-Remaining": &l.Remaining} {
		number, window, _ := strings.Cut(h.Get(name), ";")
		if n, err := strconv.Atoi(strings.TrimSpace(number)); err == nil && n >= 0 {
			*to = n
		}
		if seconds, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(window), "w="), 10, 32); err == nil && seconds > 0 {
			l.Window = time.Duration(seconds) * time.Second
		}
	}
	if l.Limit >= 0 || l.Remaining >= 0 {
		c.limits.Store(&l)
	}
}

// request is what is asked of the registry.
type request struct {
	method string
	url    *url.URL
	header http.Header
	scopes []string // of the token that is needed
	// body gives what is sent, anew at each attempt; nil sends nothing. size is its length.
	body func() (io.ReadCloser, error)
	size int64
	// still: an answer that redirects is the answer.
	still bool
}

// below is an address below /v2/.
func (c *client) below(path string) *url.URL {
	u := *c.base
	u.Path += "/v2/" + path
	return &u
}

// in is an address of a repository. Names are checked: what isn't one could lead anywhere.
func (c *client) in(repository, path string) (*url.URL, error) {
	if _, _, err := oci.ParseRepository(repository); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return c.below(c.named(repository) + path), nil
}

func (c *client) named(repository string) string {
	if c.full == nil {
		return repository
	}
	return c.full(repository)
}

// Scopes of tokens (distribution's token specification).
func (c *client) pulling(repository string) []string {
	return []string{"repository:" + c.named(repository) + ":pull"}
}
func (c *client) pushing(repository string) []string {
	return []string{"repository:" + c.named(repository) + ":pull,push"}
}
func (c *client) deleting(repository string) []string {
	return []string{"repository:" + c.named(repository) + ":delete"}
}

// send makes a request, with a second attempt where the registry wants to be told who asks, or the token has ended. The answer may
// have any status. What goes to another origin than the registry's, because its answer said so, has no credentials (S5).
func (c *client) send(ctx context.Context, q request) (*http.Response, error) {
	home := outbound.Origin(q.url) == outbound.Origin(c.base)
	if !home {
		ctx = outbound.LedBy(ctx, c.base)
	}
	scopes := q.scopes
	for attempt := 1; ; attempt++ {
		r, made, err := c.request(ctx, q, home, scopes)
		if err != nil {
			return nil, err
		}
		client := c.http
		if q.still {
			client = c.still
		}
		answer, err := client.Do(r)
		if err != nil {
			return nil, broken(ctx, q.url.Hostname(), err)
		}
		c.heed(answer.Header)
		if attempt > 2 || !home || !c.wantsLogin(answer) {
			return answer, nil
		}
		again, err := c.auth.refused(ctx, answer, r.Header.Get("Authorization"), made, scopes)
		if err != nil || again != nil {
			drain(answer)
		}
		if err != nil {
			return nil, err
		}
		if again == nil {
			return answer, nil
		}
		scopes = again
	}
}

func (c *client) request(ctx context.Context, q request, home bool, scopes []string) (r *http.Request, made bool, err error) {
	r, err = http.NewRequestWithContext(ctx, q.method, q.url.String(), http.NoBody)
	if err != nil {
		return nil, false, fmt.Errorf("ask %s: %w", q.url.Host, err)
	}
	if q.header != nil {
		r.Header = q.header.Clone()
	}
	if home {
		if made, err = c.auth.authorize(ctx, r.Header, scopes); err != nil {
			return nil, false, err
		}
	}
	if q.body != nil {
		if r.Body, err = q.body(); err != nil {
			return nil, false, err
		}
		r.ContentLength = q.size
	}
	return r, made, nil
}

// wantsLogin says whether an answer, which is of the registry itself, asks who asks.
func (c *client) wantsLogin(answer *http.Response) bool {
	if outbound.Origin(answer.Request.URL) != outbound.Origin(c.base) {
		return false
	}
	return answer.StatusCode == http.StatusUnauthorized || c.expired != nil && c.expired(answer)
}

// ask makes a request and returns the answer if its status is one of those; else what it means.
func (c *client) ask(ctx context.Context, q request, statuses ...int) (*http.Response, error) {
	answer, err := c.send(ctx, q)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(statuses, answer.StatusCode) {
		return nil, c.refusal(answer)
	}
	return answer, nil
}

// drain lets a connection be used again.
func drain(answer *http.Response) {
	_, _ = io.CopyN(io.Discard, answer.Body, maxRefusal)
	_ = answer.Body.Close()
}

// read is the whole body of an answer, which it closes.
func (c *client) read(ctx context.Context, answer *http.Response, most int64) ([]byte, error) {
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, broken(ctx, answer.Request.URL.Hostname(), err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%w: more than %d bytes", outbound.ErrTooLarge, most)
	}
	return text, nil
}

// document asks for JSON and returns the headers it came with.
func (c *client) document(ctx context.Context, q request, into any) (http.Header, error) {
	answer, err := c.ask(ctx, q, http.StatusOK)
	if err != nil {
		return nil, err
	}
	text, err := c.read(ctx, answer, maxDocument)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return nil, fmt.Errorf("%w: %s has no JSON as expected", ErrNoRegistry, q.url.Path)
	}
	return answer.Header, nil
}

// Pinger is a Registry that can be asked whether it is there and lets one in. All that New returns can.
type Pinger interface {
	// Ping asks with the endpoint's credential. Its error is for Diagnosis.
	Ping(ctx context.Context) error
}

// Prepare implements Registry. Most registries make a repository when it is pushed to.
func (c *client) Prepare(context.Context, string, bool) error { return nil }
