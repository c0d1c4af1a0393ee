package remote

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// volcengineCR is Volcengine's registry. With an access key of the cloud (AKLT…) its API gives passwords for a while, and lists;
// with a name and password of the registry it is distribution alone.
type volcengineCR struct {
	*client
	keys         keys
	name, region string
	address      string
}

const volcengineAPI = "https://open.volcengineapi.com"

var volcengineHost = regexp.MustCompile(`^(.+)-([a-z]{2}-[a-z]+[0-9]*)\.cr\.(?:i?volces|bytepluses)\.com$`)

func newVolcengineCR(c *client, e Endpoint, d Deps) Registry {
	m := volcengineHost.FindStringSubmatch(c.base.Hostname())
	c.move(parsed(d.at(e.URL), c.base))
	v := &vendor{client: c}
	k := keysOf(e)
	if m == nil || !strings.HasPrefix(k.id, "AKLT") {
		return v
	}
	r := &volcengineCR{client: c, keys: k, name: m[1], region: m[2], address: d.at(volcengineAPI)}
	c.auth.login = passwords(d, r.password)
	v.repositories, v.prepare, v.deleteTag = r.repositories, r.prepare, r.deleteTag
	return v
}

func (r *volcengineCR) api(ctx context.Context, action string, body map[string]any, into any) error {
	body["Registry"] = r.name
	_, _, err := r.call(ctx, call{method: http.MethodPost, url: r.address + "/?Action=" + action + "&Version=2022-05-12", body: body, header: http.Header{"Content-Type": {"application/json"}},
		sign: func(_ context.Context, req *http.Request, text []byte) error {
			signVolcengine(req, text, r.keys, r.region, "cr", r.clock())
			return nil
		}}, into)
	return err
}

func (r *volcengineCR) password(ctx context.Context) (user, password string, ends time.Time, err error) {
	var found struct {
		Result struct {
			Token string    `json:"Token"`
			User  string    `json:"Username"`
			Ends  time.Time `json:"ExpireTime"`
		} `json:"Result"`
	}
	err = r.api(ctx, "GetAuthorizationToken", map[string]any{}, &found)
	return found.Result.User, found.Result.Token, found.Result.Ends, err
}

func (r *volcengineCR) repositories(ctx context.Context, prefix string, yield func(string) error) error {
	const size = 100
	return byNumber(size, func(n int) (int, error) {
		body := map[string]any{"PageNumber": n, "PageSize": size}
		if of := namespace(prefix); of != "" {
			body["Filter"] = map[string]any{"Namespaces": []string{of}}
		}
		var found struct {
			Result struct {
				Items []struct {
					Namespace string `json:"Namespace"`
					Name      string `json:"Name"`
				} `json:"Items"`
			} `json:"Result"`
		}
		if err := r.api(ctx, "ListRepositories", body, &found); err != nil {
			return 0, err
		}
		for _, each := range found.Result.Items {
			if err := yield(each.Namespace + "/" + each.Name); err != nil {
				return 0, err
			}
		}
		return len(found.Result.Items), nil
	})
}

// prepare makes namespace and repository.
func (r *volcengineCR) prepare(ctx context.Context, of, name string, public bool) error {
	if err := thereAlready(r.api(ctx, "CreateNamespace", map[string]any{"Name": of}, nil), "AlreadyExists"); err != nil {
		return err
	}
	access := "Private"
	if public {
		access = "Public"
	}
	return thereAlready(r.api(ctx, "CreateRepository", map[string]any{"Namespace": of, "Name": name, "AccessLevel": access}, nil), "AlreadyExists")
}

func (r *volcengineCR) deleteTag(ctx context.Context, of, name, tag string) error {
	return r.api(ctx, "DeleteTags", map[string]any{"Namespace": of, "Repository": name, "Names": []string{tag}}, nil)
}
