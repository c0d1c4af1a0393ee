package distribution

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/oci"
)

// kind is what a path below /v2/ names.
type kind int

const (
	base kind = iota
	catalog
	tagList
	manifest
	blobByDigest
	uploadStart
	upload
	referrers
)

// kindNames are the kinds of paths as metrics and traces have them.
var kindNames = [...]string{
	base: "/v2/", catalog: "/v2/_catalog", tagList: "/v2/{name}/tags/list", manifest: "/v2/{name}/manifests/{reference}",
	blobByDigest: "/v2/{name}/blobs/{digest}", uploadStart: "/v2/{name}/blobs/uploads/", upload: "/v2/{name}/blobs/uploads/{id}", referrers: "/v2/{name}/referrers/{digest}",
}

// route is a parsed path. reference is the last part where there is one: a tag or digest, or an upload id.
type route struct {
	kind       kind
	repository string
	reference  string
}

// parseRoute splits an escaped path. Escapes that would change how it splits are refused, as are empty
// and dotted parts, by the grammar of names (S3). mirrored is the project that is meant by a name without it, "" for none.
func parseRoute(escaped, mirrored string) (route, error) {
	rest := strings.TrimPrefix(strings.TrimPrefix(escaped, "/v2"), "/")
	if lower := strings.ToLower(rest); strings.Contains(lower, "%2f") || strings.Contains(lower, "%5c") || strings.Contains(lower, "%00") {
		return route{}, errPath
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return route{}, errPath
	}
	switch path {
	case "":
		return route{kind: base}, nil
	case "_catalog":
		return route{kind: catalog}, nil
	}
	rt, nameParts := matchTail(strings.Split(path, "/"))
	if nameParts == nil {
		return route{}, errPath
	}
	rt.repository = inMirror(mirrored, strings.Join(nameParts, "/"))
	if _, _, err := splitRepository(rt.repository); err != nil {
		return route{}, err
	}
	return rt, nil
}

// matchTail reads the end of a path, and returns the parts before it: the repository's name.
func matchTail(parts []string) (route, []string) {
	n := len(parts)
	at := func(i int) string {
		if i < 0 || n+i < 0 || i >= n {
			return ""
		}
		return parts[i]
	}
	last := at(n - 1)
	switch {
	case n > 3 && at(n-3) == "blobs" && at(n-2) == "uploads" && last != "":
		return route{kind: upload, reference: last}, parts[:n-3]
	case n > 3 && at(n-3) == "blobs" && at(n-2) == "uploads":
		return route{kind: uploadStart}, parts[:n-3]
	case n > 2 && at(n-2) == "blobs" && last == "uploads":
		return route{kind: uploadStart}, parts[:n-2]
	case n > 2 && at(n-2) == "blobs":
		return route{kind: blobByDigest, reference: last}, parts[:n-2]
	case n > 2 && at(n-2) == "manifests":
		return route{kind: manifest, reference: last}, parts[:n-2]
	case n > 2 && at(n-2) == "referrers":
		return route{kind: referrers, reference: last}, parts[:n-2]
	case n > 2 && at(n-2) == "tags" && last == "list":
		return route{kind: tagList}, parts[:n-2]
	}
	return route{}, nil
}

// splitRepository checks a full name and cuts it into project and the name in it. A registry of
// projects has no repositories outside of them.
func splitRepository(full string) (projectName, name string, err error) {
	projectName, name, err = oci.ParseRepository(full)
	if err == nil && name == "" {
		err = errNoProject
	}
	return projectName, name, err
}

// endpoint is what a method does on a kind of path, and the right it needs there.
type endpoint struct {
	action authz.Action
	serve  func(h *Handler, c *call) error
}

// buildEndpoints lists every operation of /v2/.
func buildEndpoints() map[kind]map[string]endpoint {
	return map[kind]map[string]endpoint{
		base:    {http.MethodGet: {serve: (*Handler).ping}, http.MethodHead: {serve: (*Handler).ping}},
		catalog: {http.MethodGet: {serve: (*Handler).catalog}},
		tagList: {http.MethodGet: {authz.Pull, (*Handler).listTags}, http.MethodHead: {authz.Pull, (*Handler).listTags}},
		manifest: {
			http.MethodGet:    {authz.Pull, (*Handler).getManifest},
			http.MethodHead:   {authz.Pull, (*Handler).headManifest},
			http.MethodPut:    {authz.Push, (*Handler).putManifest},
			http.MethodDelete: {authz.Delete, (*Handler).deleteManifest},
		},
		blobByDigest: {
			http.MethodGet:    {authz.Pull, (*Handler).getBlob},
			http.MethodHead:   {authz.Pull, (*Handler).headBlob},
			http.MethodDelete: {authz.Delete, (*Handler).deleteBlob},
		},
		uploadStart: {http.MethodPost: {authz.Push, (*Handler).startUpload}},
		upload: {
			http.MethodGet:    {authz.Push, (*Handler).uploadStatus},
			http.MethodHead:   {authz.Push, (*Handler).uploadStatus},
			http.MethodPatch:  {authz.Push, (*Handler).appendUpload},
			http.MethodPut:    {authz.Push, (*Handler).finishUpload},
			http.MethodDelete: {authz.Push, (*Handler).cancelUpload},
		},
		referrers: {http.MethodGet: {authz.Pull, (*Handler).listReferrers}, http.MethodHead: {authz.Pull, (*Handler).listReferrers}},
	}
}

// actionsAt names the rights that a challenge asks for. A client that pushes needs to pull as well.
func actionsAt(k kind, method string) string {
	switch {
	case k == upload || k == uploadStart:
		return "pull,push"
	case method == http.MethodGet || method == http.MethodHead:
		return "pull"
	case method == http.MethodDelete:
		return "delete"
	default:
		return "pull,push"
	}
}
