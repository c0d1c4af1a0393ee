package load

import (
	"net/http"
	"strings"
)

// Class is requests that share places, as they take about as long and cost about the same.
type Class int

// The classes. Those of None are always answered.
const (
	None     Class = iota
	Blob           // a blob is sent to a client, which may take any time
	Upload         // bytes of a blob are received, likewise
	Registry       // what is short at /v2/ and /service/token: manifests, tags, questions, deletions
	API            // both APIs
	Search         // what looks through many rows
	Live           // answers that go on until somebody goes
	Portal         // pages and sign-in
	classes
)

var classNames = [classes]string{"none", "blob", "upload", "registry", "api", "search", "live", "portal"}

// String is the class's name in metrics.
func (c Class) String() string { return classNames[c] }

// shares say how many places of the greatest number a class has: one in so many.
var shares = [classes]int{Blob: 1, Upload: 4, Registry: 2, API: 8, Search: 128, Live: 8, Portal: 8}

// leastPlaces is how many places each class has, however few there are in all.
const leastPlaces = 4

// places is how many requests of a class may be under way at a time where most is the greatest number of any class.
func (c Class) places(most int) int { return max(most/shares[c], leastPlaces) }

// ClassOf says which class a request is of. It allocates nothing.
func ClassOf(r *http.Request) Class {
	path := r.URL.Path
	switch {
	case path == "/healthz" || path == "/readyz":
		return None
	case strings.HasPrefix(path, "/v2/"):
		return classOfRegistry(r.Method, path)
	case path == "/v2" || path == "/service/token":
		return Registry
	case !strings.HasPrefix(path, "/api/"):
		return Portal
	}
	switch strings.TrimSuffix(path, "/") {
	case "/api/haven/v1/search", "/api/v2.0/search", "/api/v2.0/security/vul":
		return Search
	}
	// EventSource asks so. Who does it elsewhere gets the fewer places.
	if r.Header.Get("Accept") == "text/event-stream" && strings.HasPrefix(path, "/api/haven/") {
		return Live
	}
	return API
}

func classOfRegistry(method, path string) Class {
	at := strings.LastIndex(path, "/blobs/")
	if at < 0 {
		return Registry
	}
	upload := strings.HasPrefix(path[at:], "/blobs/uploads/") || path[at:] == "/blobs/uploads"
	switch {
	case upload && (method == http.MethodPost || method == http.MethodPatch || method == http.MethodPut):
		return Upload
	case !upload && method == http.MethodGet:
		return Blob
	}
	return Registry
}
