// Package kubernetes writes a trust policy in the words of those who decide in a cluster: Kyverno's ClusterPolicy and
// ImageValidatingPolicy, and the ClusterImagePolicy of Sigstore's policy-controller. What is written stands for itself, as the
// policy does, and asks no transparency log or authority over the network but for what those programs ask of themselves.
//
// None of them can say all that a policy can. What one can't say is refused, in words: it is never left out, and never written as
// something weaker. Where they differ for images that a policy doesn't speak of, theirs are stricter. A ClusterPolicy wants all
// attestations of a type by a signer to be of the builder, Haven wants one. And each reads signatures of Cosign in one place only: an
// ImageValidatingPolicy in bundles, the others under tags, because of bundles Kyverno and policy-controller either take any statement by
// the key for a signature, or none.
//
// The fields are those of Kyverno 1.19 (kyverno.io/v1, policies.kyverno.io/v1) and policy-controller 0.13 (policy.sigstore.dev/v1beta1).
package kubernetes
