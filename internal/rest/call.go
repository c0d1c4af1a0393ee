package rest

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
)

// Call is what a handler needs of its request beyond the decoded parameters. The guard makes one for each
// request and puts it into the context.
type Call struct {
	Operation string
	Access    Access
	Principal authz.Principal
	URL       url.URL // as the client sent it
	Host      string  // that the client asked
	Scheme    string  // by which it asked
	Request   *http.Request
	Response  http.Header // of the answer, until it is written
	Decided   bool        // whether the operation's permission was asked for; an answer without that is a bug
}

type callKey struct{}

func withCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns the request's call. Handlers only run below the guard, so there is one.
func CallFrom(ctx context.Context) *Call { return ctx.Value(callKey{}).(*Call) }

// Created sets Location to the request's path plus the id of what was created.
func Created(ctx context.Context, id int64) {
	CreatedAt(ctx, strconv.FormatInt(id, 10))
}

// CreatedAt is Created for what isn't named by a number.
func CreatedAt(ctx context.Context, segment string) {
	c := CallFrom(ctx)
	c.Response.Set("Location", strings.TrimRight(c.URL.EscapedPath(), "/")+"/"+segment)
}

// ByName reports whether the client says that the project in the path is a name, numeric or not.
func (c *Call) ByName() bool {
	v, err := strconv.ParseBool(c.Request.Header.Get("X-Is-Resource-Name"))
	return err == nil && v
}

// Cookie is the value of a cookie, "" without it.
func (c *Call) Cookie(name string) string {
	found, err := c.Request.Cookie(name)
	if err != nil {
		return ""
	}
	return found.Value
}
