// Package record keeps, beside the blobs, what a lost database is made anew from: small records in the store
// that say which manifests each repository has, which tags point to them, and what the projects are.
//
// A record is written after the fact and by the way: a change leaves a task in the database, in the
// transaction that causes it or in the one that hands its event out, and a worker makes the record agree with
// what the database says by then. So records may lag, a second as a rule and as long as the store is down;
// they are never read but to repair. They are not synced: the loss of power can cost those of the last half
// minute (`haven scrub` writes them again), which matters only if the database is lost as well.
//
// Tables: record_task, record_pass. The tables of projects, of the registry, of caches and of registries elsewhere are read.
package record
