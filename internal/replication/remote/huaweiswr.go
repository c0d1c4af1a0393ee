package remote

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/havenregistry/haven/internal/secret"
)

// huaweiSWR is Huawei Cloud's registry. Its name and password are made of an access key of the cloud, as the console makes them:
// REGION@KEY and a hash. Whoever enters these has distribution alone; whoever enters the access key and its secret, the API too.
type huaweiSWR struct {
	*client
	keys    keys
	address string
}

var huaweiHost = regexp.MustCompile(`^swr\.([a-z0-9-]+)\.(myhuaweicloud\.(?:com|eu))$`)

func newHuaweiSWR(c *client, e Endpoint, d Deps) Registry {
	m := huaweiHost.FindStringSubmatch(c.base.Hostname())
	c.move(parsed(d.at(e.URL), c.base))
	v := &vendor{client: c}
	k := keysOf(e)
	if m == nil || k.id == "" || strings.Contains(k.id, "@") {
		return v
	}
	h := &huaweiSWR{client: c, keys: k, address: d.at("https://swr-api." + m[1] + "." + m[2])}
	c.auth.login = static(Credential{AccessKey: m[1] + "@" + k.id, Secret: huaweiPassword(k)})
	v.repositories, v.prepare, v.deleteTag = h.repositories, h.prepare, h.deleteTag
	return v
}

func (h *huaweiSWR) api(ctx context.Context, method, path string, body, into any, statuses ...int) error {
	_, _, err := h.call(ctx, call{method: method, url: h.address + "/v2/manage" + path, body: body, statuses: statuses, header: http.Header{"Content-Type": {"application/json"}},
		sign: func(_ context.Context, r *http.Request, text []byte) error {
			signHuawei(r, text, h.keys, h.clock())
			return nil
		}}, into)
	return err
}

func (h *huaweiSWR) repositories(ctx context.Context, prefix string, yield func(string) error) error {
	const size = 100
	return byNumber(size, func(n int) (int, error) {
		filter := fmt.Sprintf("offset::%d|limit::%d", (n-1)*size, size)
		if of := namespace(prefix); of != "" {
			filter = "namespace::" + of + "|" + filter
		}
		var rows []struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		}
		if err := h.api(ctx, http.MethodGet, "/repos?filter="+strings.ReplaceAll(url.QueryEscape(filter), "+", "%20"), nil, &rows); err != nil {
			return 0, err
		}
		for _, each := range rows {
			if err := yield(each.Namespace + "/" + each.Name); err != nil {
				return 0, err
			}
		}
		return len(rows), nil
	})
}

// prepare makes the organisation, which makes repositories when they are pushed to.
func (h *huaweiSWR) prepare(ctx context.Context, of, _ string, _ bool) error {
	err := h.api(ctx, http.MethodPost, "/namespaces", map[string]string{"namespace": of}, nil, http.StatusCreated, http.StatusConflict)
	return thereAlready(err)
}

// deleteTag removes a tag. A slash in a repository's name is a dollar there.
func (h *huaweiSWR) deleteTag(ctx context.Context, of, name, tag string) error {
	return h.api(ctx, http.MethodDelete, "/namespaces"+path(of)+"/repos"+path(strings.ReplaceAll(name, "/", "$"))+"/tags"+path(tag), nil, nil, http.StatusNoContent, http.StatusOK)
}

// huaweiPassword is what the console makes of an access key.
func huaweiPassword(k keys) secret.Text {
	return secret.Text(hex.EncodeToString(mac([]byte(k.secret.Reveal()), k.id)))
}
