// Package foreign verifies images of registries other than Haven by itself: it asks the registry what a name means, reads what
// is attached to it, and judges that by a trust policy, with the verifiers that Haven uses for its own projects.
//
// The registry is believed nothing (S13). Manifests and blobs count by their digests, signatures by the policy's keys,
// certificates and roots, and each must be about the very digest that was asked about. Where a registry can't be asked, that is
// a Failure and no verdict; what it answers but can't be read is no signature (S12).
//
// Read are Cosign's tags (sha256-….sig and .att), and what the referrers API lists, or where there is none the tag that
// stands for it. A signature of an index covers the images that the index names. No registry says which indexes name an
// image, so the index is looked at that a tag beside the digest means.
//
// All is bounded (S15): the time of an evaluation, what is read in it, and how much of that.
package foreign
