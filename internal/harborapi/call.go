package harborapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
)

// call is what a handler needs of its request beyond the decoded parameters. The access middleware
// makes one for each request and puts it into the context.
type call struct {
	operation string
	access    access
	principal authz.Principal
	url       url.URL // as the client sent it
	host      string  // that the client asked
	scheme    string  // by which it asked
	request   *http.Request
	response  http.Header // of the answer, until it is written
	decided   bool        // whether the operation's permission was asked for; an answer without that is a bug
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callFrom returns the request's call. Handlers only run below the access middleware, so there is one.
func callFrom(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// created sets Location to the request's path plus the id of what was created.
func created(ctx context.Context, id int64) {
	createdAt(ctx, strconv.FormatInt(id, 10))
}

func createdAt(ctx context.Context, segment string) {
	c := callFrom(ctx)
	c.response.Set("Location", strings.TrimRight(c.url.EscapedPath(), "/")+"/"+segment)
}

// byName reports whether the client says that the project in the path is a name, numeric or not.
func (c *call) byName() bool {
	v, err := strconv.ParseBool(c.request.Header.Get("X-Is-Resource-Name"))
	return err == nil && v
}

// cookie is the value of a cookie, "" without it.
func (c *call) cookie(name string) string {
	found, err := c.request.Cookie(name)
	if err != nil {
		return ""
	}
	return found.Value
}
