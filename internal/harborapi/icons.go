package harborapi

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/rest"
)

//go:embed icons/*.svg
var iconFiles embed.FS

// icons are the pictures of kinds of artifacts: clients get a digest with each artifact and ask for the
// picture by it.
type icons struct {
	byDigest map[string]string // base64
	digests  map[string]string // by file name
}

func newIcons() (icons, error) {
	set := icons{map[string]string{}, map[string]string{}}
	for _, name := range []string{"image", "chart", "signature", "sbom", "wasm", "other"} {
		b, err := iconFiles.ReadFile("icons/" + name + ".svg")
		if err != nil {
			return set, fmt.Errorf("read icon %s: %w", name, err)
		}
		sum := sha256.Sum256(b)
		digest := "sha256:" + hex.EncodeToString(sum[:])
		set.digests[name], set.byDigest[digest] = digest, base64.StdEncoding.EncodeToString(b)
	}
	return set, nil
}

// of is the digest of the picture for an artifact type or an accessory type.
func (i icons) of(kind string) string {
	switch kind {
	case "IMAGE":
		return i.digests["image"]
	case "CHART":
		return i.digests["chart"]
	case "WASM":
		return i.digests["wasm"]
	case "SBOM", "sbom.harbor":
		return i.digests["sbom"]
	case "signature.cosign", "signature.notation":
		return i.digests["signature"]
	}
	return i.digests["other"]
}

// GetIcon answers with a picture, for everybody: they are the same in every registry.
func (s *Server) GetIcon(_ context.Context, r gen.GetIconRequestObject) (gen.GetIconResponseObject, error) {
	content, ok := s.icons.byDigest[r.Digest]
	if !ok {
		return nil, rest.Problem{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: fmt.Sprintf("the icon %s not found", printable(r.Digest))}
	}
	return gen.GetIcon200JSONResponse{ContentType: "image/svg+xml", Content: content}, nil
}
