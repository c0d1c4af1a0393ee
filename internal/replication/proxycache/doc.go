// Package proxycache answers pulls from projects that are a cache of a registry elsewhere: with what is here, and with what it
// fetches from there while it stores it.
//
// A tag is asked for upstream with each pull, by default, and never longer than two seconds where something is here that can be
// served instead. What has a digest is asked for once: all clients of a process stream from one fetch of a blob while it grows, and
// processes that share the database take turns by a claim (proxy_fetch), so that a registry elsewhere is asked for each
// blob and manifest once, whoever many want it.
//
// A manifest is served, byte for byte, as soon as it came. What it names may not be here then, and an ordinary manifest's row exists
// only when all it names is there: so it waits in proxy_manifest, with what it lacks in proxy_missing, and becomes an ordinary
// manifest with its tags by registry.PutManifest when the last of that has come. Of an index clients mostly want one
// image: the index stays where it is, whole, and the image is an artifact like others.
//
// Nothing that is here goes because upstream has lost it. What nobody pulled for a while goes (Expire), and over the project's limit
// what was pulled longest ago.
//
// The gate holds from the first pull on. In a project with rules, or that scans before it serves, an image is fetched whole,
// looked at, and served then; who asks meanwhile is told to come again (WaitError).
//
// Upstream is believed nothing: bytes count by their digest, and a blob is served and stored only in repositories whose
// manifests name it, or where upstream served it under that name. A blob that is here already in another repository of the
// same project is taken from there, never from another project (S10).
//
// Tables: proxy_policy, proxy_manifest, proxy_missing, proxy_tag, proxy_fetch, proxy_upstream, mirror.
package proxycache
