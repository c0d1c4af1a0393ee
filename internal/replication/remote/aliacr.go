package remote

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// aliACR is Alibaba Cloud's registry, of the enterprise edition, which has instances, or of the personal one. With an access key of the
// cloud (LTAI…) its API gives passwords for an hour, and lists; with a name and password of the registry it is distribution alone.
type aliACR struct {
	*client
	keys             keys
	region, instance string // the instance's name; "" for the personal edition
	address          string
	id               *fleeting[string] // of the instance
}

var (
	aliPersonal   = regexp.MustCompile(`^registry(?:-vpc|-internal)?\.([a-z0-9-]+)\.aliyuncs\.com$`)
	aliEnterprise = regexp.MustCompile(`^([a-z0-9-]+?)-registry(?:-vpc)?\.([a-z0-9-]+)\.cr\.aliyuncs\.com$`)
)

func newAliACR(c *client, e Endpoint, d Deps) (Registry, error) {
	a := &aliACR{client: c, keys: keysOf(e)}
	host := c.base.Hostname()
	if m := aliPersonal.FindStringSubmatch(host); m != nil {
		a.region = m[1]
	} else if m := aliEnterprise.FindStringSubmatch(host); m != nil {
		a.instance, a.region = m[1], m[2]
	}
	c.move(parsed(d.at(e.URL), c.base))
	v := &vendor{client: c}
	if a.region == "" { // a name of one's own
		return v, nil
	}
	for _, name := range []string{"dockerauth", "dockerauth-vpc", "dockerauth-internal", "dockerauth-ee", "dockerauth-ee-vpc"} {
		c.auth.leads(d.at("https://" + name + "." + a.region + ".aliyuncs.com"))
	}
	if !strings.HasPrefix(a.keys.id, "LTAI") {
		return v, nil
	}
	a.address = d.at("https://cr." + a.region + ".aliyuncs.com")
	a.id = newFleeting(d.Clock, a.findInstance)
	c.auth.login = passwords(d, a.password)
	v.repositories, v.prepare = a.repositories, a.prepare
	return v, nil
}

const (
	aliOld = "2016-06-07" // the personal edition's API
	aliNew = "2018-12-01"
)

// old asks the API of the personal edition.
func (a *aliACR) old(ctx context.Context, action, method, path string, body, into any, statuses ...int) error {
	_, _, err := a.call(ctx, call{method: method, url: a.address + path, body: body, statuses: statuses, sign: func(_ context.Context, r *http.Request, text []byte) error {
		signAli(r, text, a.keys, action, aliOld, a.clock())
		return nil
	}}, into)
	return err
}

// new asks the API of the enterprise edition.
func (a *aliACR) new(ctx context.Context, action string, values url.Values, into any) error {
	values.Set("RegionId", a.region)
	_, _, err := a.call(ctx, call{method: http.MethodPost, url: a.address + "/?" + canonicalQuery(values), sign: func(_ context.Context, r *http.Request, text []byte) error {
		signAli(r, text, a.keys, action, aliNew, a.clock())
		return nil
	}}, into)
	return err
}

func (a *aliACR) findInstance(ctx context.Context) (string, time.Time, error) {
	var found struct {
		Instances []struct {
			ID   string `json:"InstanceId"`
			Name string `json:"InstanceName"`
		} `json:"Instances"`
	}
	if err := a.new(ctx, "ListInstance", url.Values{"InstanceName": {a.instance}, "PageNo": {"1"}, "PageSize": {"100"}}, &found); err != nil {
		return "", time.Time{}, err
	}
	for _, each := range found.Instances {
		if each.Name == a.instance {
			return each.ID, a.clock().Add(24 * time.Hour), nil
		}
	}
	return "", time.Time{}, fmt.Errorf("%w: there is no instance %s in %s", ErrNotFound, a.instance, a.region)
}

func (a *aliACR) password(ctx context.Context) (user, password string, ends time.Time, err error) {
	if a.instance == "" {
		var found struct {
			Data struct {
				Token string `json:"authorizationToken"`
				User  string `json:"tempUserName"`
				Ends  int64  `json:"expireDate"`
			} `json:"data"`
		}
		err = a.old(ctx, "GetAuthorizationToken", http.MethodGet, "/tokens", nil, &found)
		return found.Data.User, found.Data.Token, time.UnixMilli(found.Data.Ends), err
	}
	id, err := a.id.get(ctx, false)
	if err != nil {
		return "", "", time.Time{}, err
	}
	var found struct {
		Token string `json:"AuthorizationToken"`
		User  string `json:"TempUsername"`
		Ends  int64  `json:"ExpireTime"`
	}
	err = a.new(ctx, "GetAuthorizationToken", url.Values{"InstanceId": {id}}, &found)
	return found.User, found.Token, time.UnixMilli(found.Ends), err
}

func (a *aliACR) repositories(ctx context.Context, prefix string, yield func(string) error) error {
	const size = 100
	if a.instance == "" {
		return byNumber(size, func(n int) (int, error) {
			var found struct {
				Data struct {
					Repos []struct {
						Namespace string `json:"repoNamespace"`
						Name      string `json:"repoName"`
					} `json:"repos"`
				} `json:"data"`
			}
			if err := a.old(ctx, "GetRepoList", http.MethodGet, fmt.Sprintf("/repos?Page=%d&PageSize=%d", n, size), nil, &found); err != nil {
				return 0, err
			}
			for _, each := range found.Data.Repos {
				if err := yield(each.Namespace + "/" + each.Name); err != nil {
					return 0, err
				}
			}
			return len(found.Data.Repos), nil
		})
	}
	id, err := a.id.get(ctx, false)
	if err != nil {
		return err
	}
	return byNumber(size, func(n int) (int, error) {
		var found struct {
			Repositories []struct {
				Namespace string `json:"RepoNamespaceName"`
				Name      string `json:"RepoName"`
			} `json:"Repositories"`
		}
		values := url.Values{"InstanceId": {id}, "PageNo": {strconv.Itoa(n)}, "PageSize": {strconv.Itoa(size)}}
		if of := namespace(prefix); of != "" {
			values.Set("RepoNamespaceName", of)
		}
		if err := a.new(ctx, "ListRepository", values, &found); err != nil {
			return 0, err
		}
		for _, each := range found.Repositories {
			if err := yield(each.Namespace + "/" + each.Name); err != nil {
				return 0, err
			}
		}
		return len(found.Repositories), nil
	})
}

// prepare makes the namespace, which makes repositories when they are pushed to.
func (a *aliACR) prepare(ctx context.Context, of, _ string, _ bool) error {
	var err error
	if a.instance == "" {
		err = a.old(ctx, "CreateNamespace", http.MethodPut, "/namespace", map[string]any{"Namespace": map[string]string{"Namespace": of}}, nil)
	} else {
		var id string
		if id, err = a.id.get(ctx, false); err != nil {
			return err
		}
		err = a.new(ctx, "CreateNamespace", url.Values{"InstanceId": {id}, "NamespaceName": {of}, "AutoCreateRepo": {"true"}, "DefaultRepoType": {"PRIVATE"}}, nil)
	}
	return thereAlready(err, "NAMESPACE_EXIST", "NAMESPACE_ALREADY_EXIST")
}
