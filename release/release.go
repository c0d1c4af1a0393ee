package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// release makes all files of one.
type release struct {
	root      string // the checkout
	out       string
	version   version
	platforms []platform
	key       *key // nil: nothing is signed

	mu   sync.Mutex
	sums []string // lines of SHA256SUMS
}

// sumsFile comes last: where it is, all that it lists is there.
const sumsFile = "SHA256SUMS"

func (r *release) make(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(r.root, "internal", "portal", "dist", "index.html")); err != nil {
		return fmt.Errorf("the portal isn't built, run make release: %w", err)
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil { //nolint:gosec // it is for everybody
		return err
	}
	for _, name := range []string{sumsFile, sumsFile + bundleSuffix} {
		if err := os.Remove(filepath.Join(r.out, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	parts := make([]part, len(r.platforms))
	var g errgroup.Group
	for i, p := range r.platforms {
		program, err := r.build(ctx, p) // one after the other: each build takes all processors
		if err != nil {
			return err
		}
		g.Go(func() (err error) {
			parts[i], err = r.pack(program)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := r.image(parts); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	return r.finish()
}

// part is what a platform adds to the image.
type part struct {
	platform platform
	layer    layer
	sbom     []byte
}

// pack writes the packages of a platform.
func (r *release) pack(p program) (part, error) {
	sbom, err := r.sbom(p)
	if err != nil {
		return part{}, fmt.Errorf("SBOM for %s: %w", p.platform, err)
	}
	name := fmt.Sprintf("haven_%s_%s_%s", r.version.release, p.platform.os, p.platform.arch)
	if err := r.write(name+".spdx.json", sbom); err != nil {
		return part{}, err
	}
	made := part{platform: p.platform, sbom: sbom}
	var g errgroup.Group
	g.Go(func() error { return r.archive(name, p) })
	g.Go(func() error { return r.deb(p) })
	g.Go(func() error { return r.rpm(p) })
	g.Go(func() (err error) {
		made.layer, err = newLayer([]entry{
			{path: "usr/bin/haven", mode: 0o755, content: p.content}, {path: "usr/share/doc/haven/" + noticesFile, mode: 0o644, content: p.notices},
		}, r.version.at)
		return err
	})
	if err := g.Wait(); err != nil {
		return part{}, fmt.Errorf("%s: %w", p.platform, err)
	}
	return made, nil
}

// archive writes the program with its licences, in a folder of its name.
func (r *release) archive(name string, p program) error {
	licence, err := r.read("LICENSE")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	err = writeTarGzip(&b, "", tree([]entry{
		{path: name + "/haven", mode: 0o755, content: p.content}, {path: name + "/LICENSE", mode: 0o644, content: licence},
		{path: name + "/" + noticesFile, mode: 0o644, content: p.notices},
	}), r.version.at)
	if err != nil {
		return err
	}
	return r.write(name+".tar.gz", b.Bytes())
}

// read is a file of the checkout.
func (r *release) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.root, filepath.FromSlash(path)))
}

// write writes a file of the release, and notes its checksum.
func (r *release) write(name string, content []byte) error {
	if err := r.put(name, content); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sums = append(r.sums, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name))
	return nil
}

func (r *release) put(name string, content []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), content, 0o644) //nolint:gosec // it is for everybody
}

// finish writes the checksums, by name, and their signature.
func (r *release) finish() error {
	name := func(line string) string { return line[sha256.Size*2:] }
	slices.SortFunc(r.sums, func(a, b string) int { return strings.Compare(name(a), name(b)) })
	text := []byte(strings.Join(r.sums, ""))
	if r.key != nil {
		bundle, err := r.key.signText(text)
		if err != nil {
			return fmt.Errorf("sign %s: %w", sumsFile, err)
		}
		if err := r.put(sumsFile+bundleSuffix, bundle); err != nil {
			return err
		}
	}
	return r.put(sumsFile, text)
}
