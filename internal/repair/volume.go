package repair

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

// A volume of CNCF Distribution, which Harbor uses too, says by links what repositories have:
//
//	repositories/<name>/_manifests/revisions/sha256/<hex>/link         a manifest, whose bytes are a blob
//	repositories/<name>/_manifests/tags/<tag>/current/link             what a tag points to
const volumeRoot = "docker/registry/v2"

// volume is a source of such links.
type volume struct{ files fs.FS }

func openVolume(dir string) (volume, bool) {
	if dir == "" {
		return volume{}, false
	}
	v := volume{os.DirFS(dir)}
	stat, err := fs.Stat(v.files, volumeRoot+"/repositories")
	return v, err == nil && stat.IsDir()
}

func (volume) name() string { return "a volume of CNCF Distribution" }

// projects yields none: the first part of a repository's name is a project of which nothing else is known.
func (volume) projects(context.Context, func(record.ProjectContent) error) error { return nil }

func (v volume) manifests(ctx context.Context, yield func(record.Name) error) error {
	return v.each(ctx, func(n record.Name, manifests string) error {
		return v.below(manifests+"/revisions", func(algorithm string) error {
			return v.below(manifests+"/revisions/"+algorithm, func(encoded string) error {
				d, err := oci.ParseDigest(algorithm + ":" + encoded)
				if err != nil {
					return nil
				}
				// A deleted manifest leaves the folder and takes the link.
				if _, err := fs.Stat(v.files, manifests+"/revisions/"+algorithm+"/"+encoded+"/link"); err != nil {
					return ignoreAbsent(err)
				}
				n.Kind, n.Digest = record.Manifest, d
				return yield(n)
			})
		})
	})
}

func (v volume) tags(ctx context.Context, yield func(record.Name, record.TagContent) error, lost func(string, error)) error {
	return v.each(ctx, func(n record.Name, manifests string) error {
		return v.below(manifests+"/tags", func(tag string) error {
			d, at, err := v.link(manifests + "/tags/" + tag + "/current/link")
			if errors.Is(err, fs.ErrNotExist) { // deleted
				return nil
			}
			if _, named := oci.ParseTag(tag); named != nil || errors.Is(err, record.ErrContent) {
				lost(n.FullName()+":"+tag, record.ErrContent)
				return nil
			}
			if err != nil {
				return err
			}
			n.Kind, n.Digest = record.Manifest, d
			return yield(n, record.TagContent{Name: tag, PushedAt: at})
		})
	})
}

// each calls yield for every repository with its folder of manifests. What has no project goes into library.
func (v volume) each(ctx context.Context, yield func(n record.Name, manifests string) error) error {
	root := volumeRoot + "/repositories"
	return fs.WalkDir(v.files, root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !entry.IsDir() || name == root {
			return ignoreAbsent(err)
		}
		if !strings.HasPrefix(path.Base(name), "_") {
			return nil
		}
		if path.Base(name) != "_manifests" {
			return fs.SkipDir
		}
		n := record.Name{}
		if n.Project, n.Repository, err = oci.ParseRepository(strings.TrimPrefix(path.Dir(name), root+"/")); err != nil {
			return fs.SkipDir
		}
		if n.Repository == "" {
			n.Project, n.Repository = "library", n.Project
		}
		if err := yield(n, name); err != nil {
			return err
		}
		return fs.SkipDir
	})
}

// below calls yield with the names of the folders in dir.
func (v volume) below(dir string, yield func(name string) error) error {
	entries, err := fs.ReadDir(v.files, dir)
	if err != nil {
		return ignoreAbsent(err)
	}
	for _, entry := range entries {
		if err := yield(entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// repository is the folder of a repository.
func (v volume) repository(n record.Name) string {
	plain := volumeRoot + "/repositories/" + n.Repository
	if _, err := fs.Stat(v.files, plain+"/_manifests"); err == nil && n.Project == "library" {
		return plain
	}
	return volumeRoot + "/repositories/" + n.FullName()
}

func (v volume) manifest(_ context.Context, n record.Name) (m record.ManifestContent, err error) {
	algorithm, encoded := string(n.Digest.Algorithm()), n.Digest.Hex()
	content, err := fs.ReadFile(v.files, volumeRoot+"/blobs/"+algorithm+"/"+encoded[:2]+"/"+encoded+"/data")
	if errors.Is(err, fs.ErrNotExist) {
		return m, errGone
	}
	m.Bytes = content
	m.PushedAt = v.written(v.repository(n) + "/_manifests/revisions/" + algorithm + "/" + encoded + "/link")
	return m, err
}

// link reads a link and when it was written.
func (v volume) link(name string) (d oci.Digest, at time.Time, err error) {
	content, err := fs.ReadFile(v.files, name)
	if err != nil {
		return "", at, err
	}
	if d, err = oci.ParseDigest(strings.TrimSpace(string(content))); err != nil {
		return "", at, record.ErrContent
	}
	return d, v.written(name), nil
}

// written is when a link was written: as good a push time as there is.
func (v volume) written(name string) time.Time {
	stat, err := fs.Stat(v.files, name)
	if err != nil {
		return time.Now()
	}
	return stat.ModTime()
}

// Volume is what the links of a volume of CNCF Distribution say, for those who take it over. Its repositories are named by the first
// part of their names, which stands for a project; those with one part are in the project library.
type Volume struct{ links volume }

// NewVolume reads the volume whose folder is the root of files.
func NewVolume(files fs.FS) Volume { return Volume{volume{files}} }

// Manifests yields the name of each manifest that a repository has, in no order.
func (v Volume) Manifests(ctx context.Context, yield func(record.Name) error) error {
	return v.links.manifests(ctx, yield)
}

// PushedAt is when a manifest came to its repository, as far as the links tell.
func (v Volume) PushedAt(n record.Name) time.Time {
	return v.links.written(v.links.repository(n) + "/_manifests/revisions/" + string(n.Digest.Algorithm()) + "/" + n.Digest.Hex() + "/link")
}

// Tags yields each tag with the name of its manifest; lost hears of those that name nothing.
func (v Volume) Tags(ctx context.Context, yield func(record.Name, record.TagContent) error, lost func(what string, why error)) error {
	return v.links.tags(ctx, yield, lost)
}
