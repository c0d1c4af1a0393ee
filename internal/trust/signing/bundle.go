package signing

import (
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/sigstore"
)

const annotationCreated = "org.opencontainers.image.created"

// signatureBundle is a signature as Cosign 3 writes it.
func signatureBundle(w work) (accessory, error) {
	return stated(w, sigstore.PredicateSigned, struct{}{}, w.row.at)
}

// stated is a statement, signed, as a referrer.
func stated(w work, predicateType string, predicate any, at time.Time) (accessory, error) {
	content, err := sigstore.Statement(w.digest, predicateType, predicate, sigstore.Key{Hint: w.key.hint, Sign: w.key.sign})
	if err != nil {
		return accessory{}, err
	}
	return accessory{
		artifactType: sigstore.MediaType, configType: oci.MediaTypeEmpty, layerType: sigstore.MediaType, content: content,
		annotations: sigstore.Annotations(predicateType, at),
	}, nil
}
