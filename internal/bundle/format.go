package bundle

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// What lies in a bundle, besides blobs.
const (
	layoutName = "oci-layout"
	indexName  = "index.json"
	noteName   = "haven-bundle.json"
	vulndbName = "haven-vulndb.tar"
	blobsDir   = "blobs/"
)

const layoutText = `{"imageLayoutVersion":"1.0.0"}`

// What index.json says of each manifest.
const (
	refName        = "org.opencontainers.image.ref.name"
	repositoryName = "com.github.havenregistry.repository"
	subjectName    = "com.github.havenregistry.subject"
	// untaggedName marks what no tag, no index and no subject leads to.
	untaggedName = "com.github.havenregistry.untagged"
)

// maxDocument bounds index.json and haven-bundle.json, in bytes: some hundred thousand images.
const maxDocument = 256 << 20

// ErrBundle: the file is no bundle, or a damaged one. The message is for people.
var ErrBundle = errors.New("not a bundle")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBundle, fmt.Sprintf(format, args...))
}

// Note is what a bundle says of itself.
type Note struct {
	Format    int          `json:"format"` // 1
	ID        string       `json:"id"`
	Since     string       `json:"since,omitempty"` // the id of the bundle before, "" for a whole one
	CreatedAt time.Time    `json:"created_at"`
	Held      []oci.Digest `json:"held"` // blobs and manifests of this bundle and those before it, sorted
}

const format = 1

func blobName(d oci.Digest) string {
	return blobsDir + string(d.Algorithm()) + "/" + d.Hex()
}

// digestOf is the digest that an entry of the archive is named by. ok is false for other entries.
func digestOf(name string) (d oci.Digest, ok bool) {
	rest, ok := strings.CutPrefix(name, blobsDir)
	if !ok {
		return "", false
	}
	d, err := oci.ParseDigest(strings.Replace(rest, "/", ":", 1))
	return d, err == nil
}
