// Package gate decides whether an artifact may be pulled, and says why not. It is the only place that does:
// every door asks it, by tag or digest, for the bytes or only the head (S11).
//
// What it judges are images that can be run, each by its own report; an index by all images it leads to, because
// which of them a client will take isn't known. Signatures, SBOMs, charts and whatever else can't be run pass. A report that isn't
// there, isn't ready, failed, or covers an image in part is a state of its own with an outcome that the policy
// names (S12); where nobody said otherwise, it is refused.
//
// A project without a policy costs a pull nothing: the manifest's row says so. With one, a pull asks one
// statement for the policy and one for how the images stand. Nothing here scans or waits for a scan.
//
// Table gate_policy: what a project does with the states that Harbor's settings don't name. The rest of a
// policy is the project's metadata and its allowlist, which package project owns.
package gate
