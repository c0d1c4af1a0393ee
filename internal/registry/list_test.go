package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

var all = With{Tags: true, Accessories: true}

// attach makes an artifact with a subject.
func (f fixture) attach(ref Ref, subject oci.Descriptor, artifactType, seed string) document {
	f.t.Helper()
	config := f.blob(ref, oci.MediaTypeEmpty, []byte("{}"))
	layer := f.blob(ref, "application/octet-stream", []byte("about it: "+seed))
	return document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, ArtifactType: artifactType, Config: &config,
		Layers: []oci.Descriptor{layer}, Subject: &subject, Annotations: map[string]string{"seed": seed}}
}

// names returns the artifacts as their tags, or ends of digests.
func (f fixture) list(in Ref, filter ArtifactFilter, list db.List) []oci.Digest {
	f.t.Helper()
	rows, total, err := f.ListArtifacts(ctx, in, filter, all, list)
	f.ok(err)
	found := []oci.Digest{}
	for _, a := range rows {
		found = append(found, a.Digest)
	}
	if list.Size == 0 && int(total) != len(found) {
		f.t.Errorf("total %d of %d rows", total, len(found))
	}
	return found
}

func TestListArtifacts(t *testing.T) {
	each(t, func(f fixture) {
		a := f.push(app, f.image(app, "a"), "v1")
		amd, arm := f.push(app, f.image(app, "amd"), ""), f.push(app, f.image(app, "arm"), "")
		tagged := f.push(app, f.image(app, "tagged"), "v3")
		amd.Platform, arm.Platform = &oci.Platform{OS: "linux", Architecture: "amd64"}, &oci.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
		ix := f.push(app, index(amd, arm, tagged, amd), "multi")
		f.push(app, f.image(app, "a"), "latest")
		signature := f.push(app, f.attach(app, a, "application/vnd.cncf.notary.signature", "s"), "")
		f.push(app, f.attach(app, signature, "application/spdx+json", "of the signature"), "tagged-accessory")
		untagged := f.push(app, f.image(app, "untagged"), "")
		chart := f.push(other, f.chart(other), "1.0")
		f.push(theirs, f.image(theirs, "x"), "v1")

		filter := func(key string, op db.Op, values ...string) db.List {
			return db.List{Filters: []db.Filter{{Key: key, Op: op, Values: values}}}
		}
		digests := func(all ...oci.Descriptor) []oci.Digest {
			found := []oci.Digest{}
			for _, d := range all {
				found = append(found, d.Digest)
			}
			return found
		}
		project := Ref{ProjectID: 1, Project: "alpha"}
		for name, c := range map[string]struct {
			in     Ref
			latest bool
			list   db.List
			want   []oci.Digest
		}{
			"all":               {in: app, want: digests(untagged, ix, tagged, a)},
			"page":              {in: app, list: db.List{Page: 2, Size: 2}, want: digests(tagged, a)},
			"sorted":            {in: app, list: db.List{Sort: []db.Sort{{Key: "push_time"}}}, want: digests(a, tagged, ix, untagged)},
			"sorted by tag":     {in: app, list: db.List{Sort: []db.Sort{{Key: "tags"}}}, want: digests(untagged, a, ix, tagged)},
			"signed":            {in: app, list: filter("signed", db.Equal, "true"), want: digests(a)},
			"not signed":        {in: app, list: filter("signed", db.Equal, "false"), want: digests(untagged, ix, tagged)},
			"project":           {in: project, want: digests(chart, untagged, ix, tagged, a)},
			"latest":            {in: project, latest: true, want: digests(chart, untagged)},
			"latest of a type":  {in: project, latest: true, list: filter("media_type", db.Equal, oci.MediaTypeImageIndex), want: digests(ix)},
			"with children":     {in: app, list: filter("base", db.Equal, "*"), want: digests(untagged, ix, tagged, arm, amd, a)},
			"any tag":           {in: app, list: filter("tags", db.Equal, "*"), want: digests(ix, tagged, a)},
			"no tag":            {in: app, list: filter("tags", db.Equal, "nil"), want: digests(untagged)},
			"a tag":             {in: app, list: filter("tags", db.Equal, "latest"), want: digests(a)},
			"a tag, other case": {in: app, list: filter("tags", db.Equal, "Latest"), want: digests()},
			"part of a tag":     {in: app, list: filter("tags", db.Contains, "v"), want: digests(tagged, a)},
			"part, other case":  {in: app, list: filter("tags", db.Contains, "V"), want: digests()},
			"one of tags":       {in: app, list: filter("tags", db.AnyOf, "v3", "multi"), want: digests(ix, tagged)},
			"type":              {in: project, list: filter("type", db.Equal, "CHART"), want: digests(chart)},
			"digest":            {in: app, list: filter("digest", db.Equal, string(a.Digest)), want: digests(a)},
			"part of a digest":  {in: app, list: filter("digest", db.Contains, strings.ToUpper(string(a.Digest[9:40]))), want: digests(a)},
			"no part of one":    {in: app, list: filter("digest", db.Contains, ""), want: digests(untagged, ix, tagged, a)},
			"part in a project": {in: project, list: filter("digest", db.Contains, string(a.Digest[9:40])), want: digests(a)},
			"pushed since":      {in: app, list: filter("push_time", db.Between, "2026-01-02T03:04:05", ""), want: digests(untagged, ix, tagged, a)},
			"pushed until":      {in: app, list: filter("push_time", db.Between, "", "2026-01-02T03:04:05"), want: digests()},
			"nowhere":           {in: Ref{ProjectID: 2, Project: "beta", Name: "none"}, want: digests()},
		} {
			if got := f.list(c.in, ArtifactFilter{LatestInRepository: c.latest}, c.list); !slices.Equal(got, c.want) {
				f.t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		f.checkIndex(ix, amd, arm)
		one, err := f.GetArtifact(ctx, app, oci.DigestReference(a.Digest), With{})
		f.ok(err)
		layers, err := f.Layers(ctx, one)
		f.ok(err)
		if len(layers) == 0 || layers[0].Size == 0 || layers[0].Digest == "" {
			f.t.Errorf("layers = %+v", layers)
		}
		f.checkSigned(a, signature)
	})
}

func (f fixture) checkIndex(ix, amd, arm oci.Descriptor) {
	f.t.Helper()
	got, err := f.GetArtifact(ctx, app, oci.TagReference("multi"), all)
	f.ok(err)
	if got.Type != TypeImage || got.ConfigMediaType != oci.MediaTypeImageIndex || got.ArtifactType != "" || string(got.ExtraAttrs) != "{}" || got.Size <= ix.Size {
		f.t.Errorf("index = %+v", got)
	}
	if len(got.References) != 4 || got.References[0].ChildDigest != amd.Digest || got.References[3].ChildID != got.References[0].ChildID ||
		got.References[1].Platform == nil || got.References[1].Platform.Variant != "v8" || got.References[2].Platform != nil {
		f.t.Errorf("references = %+v", got.References)
	}
}

func (f fixture) checkSigned(a, signature oci.Descriptor) {
	f.t.Helper()
	got, err := f.GetArtifact(ctx, app, oci.DigestReference(a.Digest), all)
	f.ok(err)
	if len(got.Tags) != 2 || got.Tags[0].Name != "latest" || got.Tags[1].Name != "v1" || got.Repository != "alpha/app" || got.ProjectID != 1 {
		f.t.Errorf("artifact = %+v", got)
	}
	if len(got.Accessories) != 1 || got.Accessories[0].Type != AccessoryNotation || got.Accessories[0].Digest != signature.Digest ||
		got.Accessories[0].SubjectID != got.ID || got.Accessories[0].SubjectRepository != "alpha/app" {
		f.t.Errorf("accessories = %+v", got.Accessories)
	}
	var attrs struct {
		Author, OS, Architecture string
		Created                  string
		Config                   struct{ Env []string }
	}
	if err := json.Unmarshal(got.ExtraAttrs, &attrs); err != nil || attrs.Author != "m" || attrs.OS != "linux" || attrs.Created != "2026-01-02T03:04:05Z" || attrs.Config.Env[0] != "SEED=a" {
		f.t.Errorf("attributes = %s, %v", got.ExtraAttrs, err)
	}
	rows, total, err := f.ListAccessories(ctx, app, got.ID, db.List{})
	if err != nil || total != 1 || len(rows) != 1 || rows[0] != got.Accessories[0] {
		f.t.Errorf("list of accessories = %+v, %d, %v", rows, total, err)
	}
	tags, total, err := f.ListTags(ctx, app, got.ID, db.List{Sort: []db.Sort{{Key: "name"}}})
	if err != nil || total != 2 || tags[0].Name != "latest" {
		f.t.Errorf("list of tags = %+v, %d, %v", tags, total, err)
	}
	if tags, total, err := f.ListTags(ctx, other, got.ID, db.List{}); err != nil || total != 0 || len(tags) != 0 {
		f.t.Errorf("tags asked for in another repository = %+v, %v", tags, err)
	}
}

// A page costs the same number of statements whatever is in it.
func TestListingsCostTheSame(t *testing.T) {
	each(t, func(f fixture) {
		cost := func() map[string]int64 {
			found := map[string]int64{}
			for name, run := range map[string]func() error{
				"artifacts": func() error { _, _, err := f.ListArtifacts(ctx, app, ArtifactFilter{}, all, db.List{}); return err },
				"of a project": func() error {
					_, _, err := f.ListArtifacts(ctx, Ref{ProjectID: 1, Project: "alpha"}, ArtifactFilter{}, all, db.List{})
					return err
				},
				"repositories": func() error { _, _, err := f.ListRepositories(ctx, Scope{All: true}, db.List{}); return err },
				"tags":         func() error { _, _, err := f.Tags(ctx, app, "", 100); return err },
				"referrers":    func() error { _, _, err := f.Referrers(ctx, app, oci.SHA256Of(nil), "", 0, 100); return err },
				"catalog":      func() error { _, _, err := f.Catalog(ctx, Scope{Public: true, AccountID: 1}, "", 100); return err },
			} {
				before := f.db.Executed()
				f.ok(run())
				found[name] = f.db.Executed() - before
			}
			return found
		}
		one := f.push(app, f.image(app, "0"), "0")
		f.push(app, index(one), "ix")
		few := cost()
		for i := 1; i <= 30; i++ {
			seed := fmt.Sprint(i)
			d := f.push(app, f.image(app, seed), seed)
			f.push(app, f.image(app, seed), "also-"+seed)
			f.push(app, index(d, one), "ix"+seed)
			f.push(app, f.attach(app, d, "text/plain", seed), "")
			f.push(Ref{1, "alpha", "r" + seed}, index(), "")
		}
		for name, n := range cost() {
			if n != few[name] || n > 7 {
				f.t.Errorf("%s: %d statements for a few rows, %d for many, want at most 7", name, few[name], n)
			}
		}
	})
}

func TestRepositoriesAndCatalog(t *testing.T) {
	each(t, func(f fixture) {
		f.exec(`UPDATE project SET public = TRUE WHERE id = 2`)
		f.exec(`INSERT INTO project (name, owner_id, public, created_at, updated_at) SELECT 'a', 1, TRUE, 0, 0`)
		f.exec(`INSERT INTO project (name, owner_id, public, created_at, updated_at) SELECT 'a-b', 1, FALSE, 0, 0`)
		for _, ref := range []Ref{app, other, theirs, {3, "a", "x"}, {3, "a", "x-y"}, {3, "a", "x/y"}, {4, "a-b", "z"}} {
			f.push(ref, index(), "v1")
		}
		_, err := f.StartUpload(ctx, Ref{1, "alpha", "hidden"})
		f.ok(err)
		everything := []string{"a-b/z", "a/x", "a/x-y", "a/x/y", "alpha/app", "alpha/team/other", "beta/app"}
		for name, c := range map[string]struct {
			scope Scope
			last  string
			n     int
			want  []string
		}{
			"all":             {Scope{All: true}, "", -1, everything},
			"first":           {Scope{All: true}, "", 2, everything[:2]},
			"next":            {Scope{All: true}, "a/x", 3, everything[2:5]},
			"last in between": {Scope{All: true}, "alpha/b", -1, everything[5:]},
			"no slash":        {Scope{All: true}, "b", -1, everything[6:]},
			"public":          {Scope{Public: true}, "", -1, []string{"a/x", "a/x-y", "a/x/y", "beta/app"}},
			"some":            {Scope{ProjectIDs: []int64{1}}, "", -1, everything[4:6]},
			"nothing":         {Scope{}, "", -1, nil},
			"anonymous":       {VisibleTo(authz.Principal{}), "", -1, []string{"a/x", "a/x-y", "a/x/y", "beta/app"}},
			"robot": {VisibleTo(authz.Principal{Kind: authz.Robot, ID: 9, Grants: []authz.Grant{{Scope: authz.OneProject, ProjectID: 4,
				Permission: authz.Permission{Resource: authz.Repository, Action: authz.Pull}}}}), "", 1, everything[:1]},
		} {
			got, more, err := f.Catalog(ctx, c.scope, c.last, c.n)
			if err != nil || !slices.Equal(got, c.want) || more != (c.n == len(c.want)) {
				f.t.Errorf("catalog, %s: %q, %v, %v; want %q", name, got, more, err, c.want)
			}
		}
		f.exec(`INSERT INTO project_member (project_id, account_id, role_id, created_at, updated_at) VALUES (1, 1, 3, 0, 0)`)
		rows, total, err := f.ListRepositories(ctx, VisibleTo(authz.Principal{Kind: authz.User, ID: 1}), db.List{
			Size: 1, Page: 1, Filters: []db.Filter{{Key: "name", Op: db.Contains, Values: []string{"alpha/"}}}, Sort: []db.Sort{{Key: "name", Desc: true}}})
		if err != nil || total != 2 || len(rows) != 1 || rows[0].FullName() != "alpha/team/other" || rows[0].ArtifactCount != 1 {
			f.t.Errorf("repositories = %+v, %d, %v", rows, total, err)
		}
		f.ok(f.UpdateRepository(ctx, pusher, app, "**hello**"))
		if got, err := f.GetRepository(ctx, app); err != nil || got.Description != "**hello**" || got.ProjectID != 1 {
			f.t.Errorf("repository = %+v, %v", got, err)
		}
	})
}

func TestReferrers(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "subject")
		subject := image.descriptor()
		var want []oci.Digest
		for i := range 5 { // before the subject
			kind := "text/odd"
			if i%2 == 0 {
				kind = "text/even"
			}
			d := f.attach(app, subject, kind, fmt.Sprint(i))
			put, err := f.put(app, d, "")
			f.ok(err)
			if put.Subject != subject.Digest {
				f.t.Errorf("subject = %q", put.Subject)
			}
			want = append(want, put.Digest)
		}
		f.push(app, image, "v1")
		byConfig := f.attach(app, subject, "", "by config")
		want = append(want, f.push(app, byConfig, "a-tag").Digest)
		f.push(other, f.attach(other, subject, "text/odd", "elsewhere"), "")

		var got []oci.Digest
		pages := 0
		for after, more := int64(0), true; more; pages++ {
			page, next, err := f.Referrers(ctx, app, subject.Digest, "", after, 4)
			f.ok(err)
			for _, r := range page {
				got = append(got, r.Digest)
			}
			after, more = next, next != 0
		}
		if !slices.Equal(got, want) || pages != 2 {
			f.t.Errorf("referrers = %v in %d pages, want %v in 2", got, pages, want)
		}
		page, next, err := f.Referrers(ctx, app, subject.Digest, "text/even", 0, 100)
		if err != nil || next != 0 || len(page) != 3 || page[1].Annotations["seed"] != "2" || page[1].ArtifactType != "text/even" ||
			page[1].MediaType != oci.MediaTypeImageManifest || page[1].Size == 0 {
			f.t.Errorf("referrers of a type = %+v, %d, %v", page, next, err)
		}
		page, _, err = f.Referrers(ctx, app, subject.Digest, oci.MediaTypeEmpty, 0, 100)
		if err != nil || len(page) != 1 || page[0].Digest != byConfig.descriptor().Digest {
			f.t.Errorf("referrers by the type of their configuration = %+v, %v", page, err)
		}
		// The fallback of clients without the referrers API is a tag like others.
		f.push(app, index(), subject.Digest.ReferrersTag())
		if page, _, err := f.Referrers(ctx, app, oci.SHA256Of([]byte("nobody")), "", 0, 100); err != nil || len(page) != 0 {
			f.t.Errorf("referrers of nothing = %+v, %v", page, err)
		}
	})
}

func TestReferrersPageIsBoundedByWeight(t *testing.T) {
	each(t, func(f fixture) {
		subject := f.image(app, "subject").descriptor()
		for i := range 3 {
			heavy := f.attach(app, subject, "text/plain", fmt.Sprint(i))
			heavy.Annotations["heavy"] = fmt.Sprintf("%02000000d", i)
			f.push(app, heavy, "")
		}
		seen := 0
		for after, more := int64(0), true; more; {
			page, next, err := f.Referrers(ctx, app, subject.Digest, "", after, 100)
			f.ok(err)
			if len(page) != 1 {
				f.t.Errorf("a page of %d, want 1", len(page))
			}
			seen += len(page)
			after, more = next, next != 0
		}
		if seen != 3 {
			f.t.Errorf("%d referrers, want 3", seen)
		}
	})
}
