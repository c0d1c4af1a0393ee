package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/telemetry"
)

// scanTime bounds a scan from when a worker has it; registries give up after half an hour.
const scanTime = 20 * time.Minute

// Run works on the queue until ctx is cancelled, and returns nil then.
func (s *Server) Run(ctx context.Context) error {
	var g errgroup.Group
	for range s.Workers {
		g.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case n := <-s.scans.queue:
					s.work(ctx, n)
				}
			}
		})
	}
	return g.Wait()
}

// work does one scan, and says what became of it.
func (s *Server) work(ctx context.Context, n *scan) {
	began := s.Clock()
	bounded, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	reports, err := s.scan(bounded, n.order)
	if err != nil {
		s.Log.WarnContext(ctx, "a scan failed", "id", n.id, "repository", n.order.artifact.Repository, "digest", n.order.digest, "error", err)
		s.scans.end(n, nil, reason(err))
		return
	}
	s.Log.InfoContext(ctx, "a scan is done", "id", n.id, "repository", n.order.artifact.Repository, "digest", n.order.digest, "took", s.Clock().Sub(began))
	s.scans.end(n, reports, "")
}

// reason is what a registry is told of a failure.
func reason(err error) string {
	if f, ok := errors.AsType[failed](err); ok {
		return string(f)
	}
	if f, ok := errors.AsType[*confined.Failure](err); ok {
		return "the image can't be scanned: " + f.Reason
	}
	switch {
	case errors.Is(err, vulndb.ErrNone):
		return "the scanner has no vulnerability database yet"
	case errors.Is(err, context.DeadlineExceeded):
		return "the scan took longer than " + scanTime.String()
	case errors.Is(err, context.Canceled):
		return "the scanner is being stopped"
	}
	return "internal error"
}

// scan makes the reports that were asked for.
func (s *Server) scan(ctx context.Context, o order) (map[kind][]byte, error) {
	src := &source{registries: s.registries, order: o}
	m, err := src.manifest(ctx)
	if err != nil {
		return nil, err
	}
	inv, err := s.inventory(ctx, src, m)
	if err != nil {
		return nil, err
	}
	own, err := s.metadata(ctx)
	if err != nil {
		return nil, err
	}
	about := about{GeneratedAt: s.Clock().UTC(), Artifact: o.artifact, Scanner: own.Scanner}
	reports := map[kind][]byte{}
	for _, k := range o.kinds {
		var text []byte
		if k.mediaType == adapter.SBOMReport {
			text, err = s.bill(ctx, src, inv, about, k.sbom)
		} else {
			text, err = s.vulnerabilities(ctx, inv, about)
		}
		if err != nil {
			return nil, err
		}
		reports[k] = text
	}
	return reports, nil
}

// inventory reads the layers that aren't known yet. What could not be looked into is no clean image.
func (s *Server) inventory(ctx context.Context, src *source, m *oci.Manifest) (inventory.Inventory, error) {
	if len(m.Layers) == 0 {
		return inventory.Inventory{}, failed("the manifest has no layers")
	}
	var all []inventory.Layer
	for _, d := range m.Layers {
		if d.IsForeign() {
			return inventory.Inventory{}, failed("the layer " + d.Digest.String() + " isn't in the registry")
		}
		l, err := s.layer(ctx, src, d)
		if err != nil {
			return inventory.Inventory{}, err
		}
		all = append(all, l)
	}
	inv := inventory.Merge(all)
	if len(inv.Unread) > 0 {
		return inv, failed("the image can't be read wholly: " + inv.Unread[0])
	}
	return inv, nil
}

func (s *Server) layer(ctx context.Context, src *source, d oci.Descriptor) (inventory.Layer, error) {
	key := layerKey{outbound.Origin(src.registry), d.Digest}
	if known, ok := s.layers.get(key); ok {
		return known, nil
	}
	blob, err := src.blob(ctx, d)
	if err != nil {
		return inventory.Layer{}, err
	}
	defer blob.Close()
	v := blob.(*verified)
	l, err := s.Engine.Layer(ctx, v, d.MediaType)
	if err == nil {
		err = v.whole()
	}
	if v.err != nil && !errors.Is(v.err, io.EOF) { // the registry's fault comes before what follows from it
		if errors.Is(v.err, errOtherBytes) {
			return l, failed("the registry sends other bytes than " + d.Digest.String() + " names")
		}
		return l, src.broken(ctx, v.err)
	}
	if err != nil {
		return l, fmt.Errorf("read layer %s: %w", d.Digest, err)
	}
	l.Digest = d.Digest.String()
	s.layers.put(key, l)
	return l, nil
}

// vulnerabilities judges the packages and writes the report.
func (s *Server) vulnerabilities(ctx context.Context, inv inventory.Inventory, a about) ([]byte, error) {
	edition, err := s.Editions.Current(ctx)
	if err != nil {
		return nil, err
	}
	subjects, places := distinct(inv.Packages)
	if inv.OS.Family == "" && len(subjects) == 0 {
		return nil, failed("neither an operating system nor an application that is known was found")
	}
	verdicts, err := s.Engine.Judge(ctx, edition, subjects)
	if err != nil {
		return nil, err
	}
	if len(verdicts) != len(subjects) {
		return nil, errors.New("the engine judged another number of packages")
	}
	for i, v := range verdicts {
		if v.Unknown && subjects[i].Class == inventory.OSPackage {
			return nil, failed("not evaluated: the database has no advisories for " + subjects[i].Scope)
		}
	}
	return a.vulnerabilities(subjects, verdicts, places)
}

// distinct are the packages without repetitions, and the layers that each lies in.
func distinct(packages []inventory.Package) (subjects []inventory.Subject, places [][]string) {
	at := map[string]int{}
	for _, p := range packages {
		key := p.Key()
		i, ok := at[key]
		if !ok {
			i = len(subjects)
			at[key] = i
			subjects, places = append(subjects, p.Subject), append(places, nil)
		}
		if p.Layer != "" && !slices.Contains(places[i], p.Layer) {
			places[i] = append(places[i], p.Layer)
		}
	}
	return subjects, places
}

// bill writes an SBOM.
func (s *Server) bill(ctx context.Context, src *source, inv inventory.Inventory, a about, mediaType string) ([]byte, error) {
	format := confined.SPDX
	if mediaType == adapter.CycloneDX {
		format = confined.CycloneDX
	}
	r := confined.SBOMRequest{
		Format: format, Name: src.registry.Host + "/" + src.artifact.Repository, Digest: src.digest.String(), Created: a.GeneratedAt, Version: telemetry.Version(),
	}
	if src.artifact.Tag != "" {
		r.Tags = []string{src.artifact.Tag}
	}
	document, err := s.Engine.SBOM(ctx, inv, r)
	if err != nil {
		return nil, err
	}
	return a.bill(mediaType, document)
}
