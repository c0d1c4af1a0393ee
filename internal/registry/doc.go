// Package registry is the heart of Haven: repositories, manifests, tags, referrers, blobs and
// uploads. It decides what a repository holds and shows; who may ask is decided before.
//
// The database is the only truth. Bytes lie in a blob.Store, are addressed by content and shared by
// all repositories, but membership is not shared: a repository serves a blob only when a row of
// repository_blob says so (S10). Reading, mounting and naming a blob in a manifest all ask that row.
//
// Tables: repository, blob, repository_blob, upload, manifest_content, manifest, manifest_blob,
// manifest_child, tag, tag_history, trash, blob_hold. Other packages may read them, only this one writes them.
//
// Invariants that every method keeps:
//
//   - A manifest's blobs are members of its repository and durable, and its children are there.
//   - manifest.listed is what relist computes from tags, parents and accessory_of.
//   - A manifest_content row exists exactly as long as a manifest names it.
//   - A repository is hidden until its first manifest arrives. A deleted one stays hidden under a name
//     that no client can ask for, so that its uploads and memberships can be reclaimed by index. What was deleted and can be
//     restored lies in a hidden one too (trash.go): who reads manifests without a repository's name leaves hidden ones out.
package registry
