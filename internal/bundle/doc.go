// Package bundle carries images to registries that no line leads to: in an archive that whoever has a disk can take along.
//
// The archive is a tar of an OCI image layout (image-spec 1.1, "Image Layout"), so other programs read it too: oci-layout,
// index.json, and blobs by their digests. index.json names each tag as org.opencontainers.image.ref.name, PROJECT/REPOSITORY:TAG,
// and each manifest of a repository with that repository as an annotation. Besides there is haven-bundle.json, which says which bundle
// this is, which one came before it, and what all of these hold; and, if wanted, an edition of the vulnerability database.
//
// A bundle that was made since an earlier one holds what that one, and those before it, don't. It says all that is there nevertheless:
// what is missing in it has to be in the registry that it is brought to.
//
// A Writer is a remote.Registry to copy to, and a Reader is one to copy from. A bundle is believed nothing: manifests and blobs
// count by their digests, and all that is read at once is bounded (S13, S15).
package bundle
