package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// tencentTCR is Tencent Cloud's registry. With an access key of the cloud (AKID…) its API gives passwords for an hour, and lists;
// with a name and password of the registry it is distribution alone.
type tencentTCR struct {
	*client
	keys    keys
	name    string
	address string
	found   *fleeting[tencentInstance]
}

// tencentInstance is a registry, in the words of the API.
type tencentInstance struct {
	ID     string `json:"RegistryId"`
	Name   string `json:"RegistryName"`
	Region string `json:"RegionName"`
}

const tencentAPI = "https://tcr.tencentcloudapi.com"

func newTencentTCR(c *client, e Endpoint, d Deps) Registry {
	name, rest, _ := strings.Cut(c.base.Hostname(), ".")
	c.move(parsed(d.at(e.URL), c.base))
	v := &vendor{client: c}
	k := keysOf(e)
	if !strings.HasPrefix(k.id, "AKID") || rest != "tencentcloudcr.com" {
		return v
	}
	t := &tencentTCR{client: c, keys: k, name: strings.TrimSuffix(name, "-vpc"), address: d.at(tencentAPI)}
	t.found = newFleeting(d.Clock, t.find)
	c.auth.login = passwords(d, t.password)
	v.repositories, v.prepare, v.deleteTag = t.repositories, t.prepare, t.deleteTag
	return v
}

// api asks for an action. Failures come with 200, too.
func (t *tencentTCR) api(ctx context.Context, action, region string, body, into any) error {
	h := http.Header{"Content-Type": {"application/json"}, "X-Tc-Action": {action}, "X-Tc-Version": {"2019-09-24"}}
	if region != "" {
		h.Set("X-Tc-Region", region)
	}
	var answer struct {
		Response json.RawMessage `json:"Response"`
	}
	_, _, err := t.call(ctx, call{method: http.MethodPost, url: t.address + "/", header: h, body: body, sign: func(_ context.Context, r *http.Request, text []byte) error {
		signTencent(r, text, t.keys, "tcr", t.clock())
		return nil
	}}, &answer)
	if err != nil {
		return err
	}
	var failed struct {
		Error *struct {
			Code    string `json:"Code"`
			Message string `json:"Message"`
		} `json:"Error"`
	}
	if json.Unmarshal(answer.Response, &failed) != nil {
		return fmt.Errorf("%w: the API answers something else than is expected", ErrNoRegistry)
	}
	if f := failed.Error; f != nil {
		return vendorRefusal(f.Code, f.Message)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Response, into)
}

func (t *tencentTCR) find(ctx context.Context) (tencentInstance, time.Time, error) {
	var found struct {
		Registries []tencentInstance `json:"Registries"`
	}
	body := map[string]any{"AllRegion": true, "Filters": []any{map[string]any{"Name": "RegistryName", "Values": []string{t.name}}}}
	if err := t.api(ctx, "DescribeInstances", "", body, &found); err != nil {
		return tencentInstance{}, time.Time{}, err
	}
	for _, each := range found.Registries {
		if each.Name == t.name {
			return each, t.clock().Add(24 * time.Hour), nil
		}
	}
	return tencentInstance{}, time.Time{}, fmt.Errorf("%w: the account has no registry %s", ErrNotFound, t.name)
}

// of asks for an action on the instance.
func (t *tencentTCR) of(ctx context.Context, action string, body map[string]any, into any) error {
	instance, err := t.found.get(ctx, false)
	if err != nil {
		return err
	}
	body["RegistryId"] = instance.ID
	return t.api(ctx, action, instance.Region, body, into)
}

func (t *tencentTCR) password(ctx context.Context) (user, password string, ends time.Time, err error) {
	var found struct {
		User  string `json:"Username"`
		Token string `json:"Token"`
		Ends  int64  `json:"ExpTime"`
	}
	err = t.of(ctx, "CreateInstanceToken", map[string]any{"TokenType": "temp"}, &found)
	return found.User, found.Token, time.UnixMilli(found.Ends), err
}

func (t *tencentTCR) repositories(ctx context.Context, prefix string, yield func(string) error) error {
	const size = 100
	return byNumber(size, func(n int) (int, error) {
		body := map[string]any{"Offset": n, "Limit": size}
		if of := namespace(prefix); of != "" {
			body["NamespaceName"] = of
		}
		var found struct {
			Rows []struct {
				Name string `json:"Name"` // with its namespace
			} `json:"RepositoryList"`
		}
		if err := t.of(ctx, "DescribeRepositories", body, &found); err != nil {
			return 0, err
		}
		for _, each := range found.Rows {
			if err := yield(each.Name); err != nil {
				return 0, err
			}
		}
		return len(found.Rows), nil
	})
}

// prepare makes the namespace, which makes repositories when they are pushed to.
func (t *tencentTCR) prepare(ctx context.Context, of, _ string, public bool) error {
	return thereAlready(t.of(ctx, "CreateNamespace", map[string]any{"NamespaceName": of, "IsPublic": public}, nil), "FailedOperation.ErrorNamespaceExist", "InvalidParameter.ErrorNamespaceExist")
}

func (t *tencentTCR) deleteTag(ctx context.Context, of, name, tag string) error {
	return t.of(ctx, "DeleteImage", map[string]any{"NamespaceName": of, "RepositoryName": name, "ImageVersion": tag}, nil)
}
