package server

import (
	"container/list"
	"sync"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// mostPackages bounds the packages of all remembered layers, and mostLayers their number.
const (
	mostPackages = 200_000
	mostLayers   = 1000
)

// layers remembers what layers say, so that images with a common base have it read once. Only what was verified to
// be what its digest names gets in. It is remembered by registry: whether an image may name a layer is for the
// registry to know, and another one must not learn what it says.
type layers struct {
	mu       sync.Mutex
	at       map[layerKey]*list.Element
	order    *list.List // of *layer, the longest unused in front
	packages int
}

type layerKey struct {
	origin string
	digest oci.Digest
}

type layer struct {
	key      layerKey
	content  inventory.Layer
	packages int
}

func newLayers() *layers { return &layers{at: map[layerKey]*list.Element{}, order: list.New()} }

func (l *layers) get(k layerKey) (inventory.Layer, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.at[k]
	if !ok {
		return inventory.Layer{}, false
	}
	l.order.MoveToBack(e)
	return e.Value.(*layer).content, true
}

func (l *layers) put(k layerKey, content inventory.Layer) {
	n := &layer{key: k, content: content, packages: len(content.Gone) + len(content.Opaque)}
	for _, f := range content.Files {
		n.packages += 1 + len(f.Packages)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at[k] != nil || n.packages > mostPackages/4 {
		return
	}
	l.at[k] = l.order.PushBack(n)
	l.packages += n.packages
	for l.packages > mostPackages || l.order.Len() > mostLayers {
		oldest := l.order.Remove(l.order.Front()).(*layer)
		l.packages -= oldest.packages
		delete(l.at, oldest.key)
	}
}
