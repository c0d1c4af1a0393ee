package oci

// Descriptor names content by media type, digest and size in bytes. Its JSON form is
// the image specification's.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       Digest            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Data         []byte            `json:"data,omitempty"`
	Platform     *Platform         `json:"platform,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
}

// Platform says where an index's child runs.
type Platform struct {
	Architecture string   `json:"architecture"`
	OS           string   `json:"os"`
	OSVersion    string   `json:"os.version,omitempty"`
	OSFeatures   []string `json:"os.features,omitempty"`
	Variant      string   `json:"variant,omitempty"`
}

// IsForeign says whether the content may be absent from the registry: a layer of a
// foreign or non-distributable type whose descriptor says where else it is.
func (d Descriptor) IsForeign() bool {
	return len(d.URLs) > 0 && IsForeignLayer(d.MediaType)
}
