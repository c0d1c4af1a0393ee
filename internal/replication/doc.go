// Package replication keeps images where they must be: it copies them between this Haven and registries elsewhere, by policies.
//
// A policy names a source, a destination, what is copied and when. Both may be elsewhere: the images pass through without being
// kept. Work is not a log of things that happened, but a comparison of what the destination should have with what it has: an event
// names a repository and tags, and what is found different then is brought over. So whatever was missed is made up for by the next
// comparison, and the rows that say where one is due (replication_due) stay until it has succeeded.
//
// A copy takes the whole graph: what an index leads to, and what refers to an image, by the referrers API, by the tag that stands for it, or
// by Cosign's tags. Order: blobs, children, the manifest by its digest, what refers to it, and last the tag. So a tag at the destination
// never leads to something that isn't wholly there.
//
// A blob crosses once: it is asked for before, mounted where another repository of the destination is known to have got it from the same source
// (replication_blob), and two tasks of a process that want the same one wait for each other. From another source's repositories nothing
// is mounted: a manifest that names a digest is no proof of having the bytes.
//
// Tables replication_policy, replication_due, replication_copied, replication_blob, replication_seen. Executions and tasks are package
// job's, of the kinds Kind and PlanKind: the task of the latter looks what is to be done and adds one of the former for each
// repository that isn't as it should be.
package replication
