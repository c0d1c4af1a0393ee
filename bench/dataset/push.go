package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
	signature    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	baseSize     = 30 << 20
	layerSize    = 200 << 10
	configSize   = 1500
	bundleSize   = 3000
	attributes   = `{"architecture":"amd64","author":"","created":"2026-01-02T03:04:05Z","os":"linux","config":{"Env":["PATH=/bin"]}}`
)

// push writes artifacts of one repository.
type push struct {
	*filler
	repository  int64
	project     int64
	first, last manifest
}

// manifest is one that was written.
type manifest struct {
	id     int64
	digest string
	size   int // of its bytes
	at     int64
	row    []any // not written yet; tagged is the last
}

// next writes the i-th artifact of the repository, or several.
func (p *push) next(shape Shape, r repository, i int) {
	switch {
	case r.kind == Tags, r.kind == Subject && i == 0:
		p.tag(p.image(true), i)
	case r.kind == Subject:
		p.signature(p.first)
	case r.kind == Moving:
		m := p.image(true)
		for t := range shape.Tags {
			p.tag(m, t)
		}
	default:
		p.mixed(i, r.artifacts-i)
	}
}

// mixed writes the i-th artifact of a usual repository, or three at once where there may be so many: most
// are tagged images; of twenty one is untagged, and three are an index over two children; every
// forty-first signs the one before.
func (p *push) mixed(i, most int) {
	switch {
	case i%41 == 40:
		p.signature(p.last)
	case i%20 == 16:
		p.image(true)
	case i%20 == 17 && most >= 3:
		p.tag(p.index(p.image(false), p.image(false)), i)
	default:
		p.tag(p.image(true), i)
	}
}

func (p *push) tag(m manifest, i int) {
	p.tags.add(p.tags.id(), p.repository, "v"+strconv.Itoa(i), m.id, m.at+int64(i), int64(0))
	m.row[len(m.row)-1] = true
}

func (p *push) image(listed bool) manifest {
	config, layer, base := p.blob(configSize), p.blob(layerSize), p.base[p.pushed%len(p.base)]
	content := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[`+
		`{"mediaType":%q,"digest":%q,"size":%d},{"mediaType":%q,"digest":%q,"size":%d}]}`,
		manifestType, configType, p.digestOf(config), configSize, layerType, p.digestOf(base), baseSize, layerType, p.digestOf(layer), layerSize)
	m := p.manifest(content, manifestType, configType, "IMAGE", baseSize+layerSize, "", listed)
	for _, b := range []int64{config, layer, base} {
		p.manifestBlobs.add(m.id, b, p.repository)
		if b != base || p.memberOf[base] != p.repository {
			p.members.add(p.repository, b, m.at, p.project)
		}
	}
	p.memberOf[base] = p.repository
	p.usage[p.project] += configSize + layerSize
	if in := [2]int64{p.project, base}; !p.counted[in] {
		p.counted[in] = true
		p.usage[p.project] += baseSize
	}
	return m
}

func (p *push) index(children ...manifest) manifest {
	content := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[`, indexType)
	for i, c := range children {
		if i > 0 {
			content += ","
		}
		content += fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"platform":%s}`, manifestType, c.digest, c.size, platform(i))
	}
	m := p.manifest(content+"]}", indexType, indexType, "IMAGE", 2*baseSize, "", true)
	for i, c := range children {
		p.children.add(m.id, i, c.id, platform(i))
	}
	return m
}

func platform(i int) string {
	return fmt.Sprintf(`{"architecture":%q,"os":"linux"}`, []string{"amd64", "arm64"}[i%2])
}

func (p *push) signature(subject manifest) {
	blob := p.blob(bundleSize)
	content := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[],`+
		`"subject":{"mediaType":%q,"digest":%q,"size":%d}}`, manifestType, signature, signature, p.digestOf(blob), bundleSize, manifestType, subject.digest, subject.size)
	m := p.manifest(content, manifestType, signature, "SIGNATURE", bundleSize, subject.digest, false)
	p.manifestBlobs.add(m.id, blob, p.repository)
	p.members.add(p.repository, blob, m.at, p.project)
}

func (p *push) manifest(content, mediaType, config, kind string, size int, subject string, listed bool) manifest {
	m := manifest{id: p.manifests.id(), digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))), size: len(content), at: p.now()}
	artifactType, accessory, pulled := config, "", int64(0)
	if subject != "" {
		artifactType, accessory = signature, "signature.cosign"
	}
	if p.pushed%3 == 0 {
		pulled = m.at + int64(p.pushed*7919%100_000)*second
	}
	p.usage[p.project] += int64(len(content))
	if subject != "" {
		p.usage[p.project] += bundleSize
	}
	p.contents.add(m.digest, []byte(content), "{}", attributes)
	p.manifests.add(m.id, p.repository, m.digest, mediaType, config, artifactType, kind, int64(size+p.pushed*104_729%1_000_000), int64(len(content)),
		subject, subject, accessory, listed, m.at, pulled, p.project, false)
	m.row = p.manifests.rows[len(p.manifests.rows)-1]
	if p.pushed++; p.first.id == 0 {
		p.first = m
	}
	p.last = m
	return m
}

// blob adds a row with a digest that looks like any.
func (f *filler) blob(size int64) int64 {
	id := f.blobs.id()
	d := f.digestOf(id)
	f.blobs.add(id, d, size, "docker/registry/v2/blobs/sha256/"+d[7:9]+"/"+d[7:]+"/data", f.now())
	return id
}

// digestOf is the digest of the blob with an id.
func (f *filler) digestOf(blob int64) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(binary.LittleEndian.AppendUint64([]byte("dataset"), uint64(blob))))
}
