// Package record keeps, beside the blobs, what a lost database is made anew from: small records in the store
// that say which manifests each repository has, which tags point to them, and what the projects are.
//
// A record is written after the fact and by the way: a change leaves a task in the database, in the
// transaction that causes it or in the one that hands its event out, and a worker makes the record agree with
// what the database says by then. So records may lag, a second as a rule and as long as the store is down;
// they are never read but to repair. They are not synced: the loss of power can cost those of the last half
// minute (`haven scrub` writes them again), which matters only if the database is lost as well.
//
// Where a process is alone with its database and a store that packs (blob.RecordPacker), the records of a batch are written
// together, and record_place says where each lies. One that is longer than what is packed, or is from before, has a file, and
// never both for long. A record that is packed anew leaves an outdated one: the transaction that settles the batch discards it
// (record_discarded), then its space is given back. What a killed process packed for nothing is found by the next one, which
// deletes only what a later record takes the place of (Sweep). Of two records with one name the later is good: Adopt.
//
// Tables: record_task, record_pass, record_place, record_discarded. The tables of projects, of the registry, of caches and of registries elsewhere are read.
package record
