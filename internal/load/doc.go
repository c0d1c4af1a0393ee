// Package load keeps a registry that is asked for more than it can do working for those whom it can serve. It refuses early and cheaply: when too
// many requests of a class are under way (503), and when one account or network asks too often (429), each with Retry-After and in the form of the
// API that was asked.
//
// Classes keep requests apart that are long from those that are short: a blob that a slow client downloads for an hour takes no place that a
// manifest needs, and none that the portal needs. Health and metrics have no class and are always answered.
//
// All figures are of one process, kept in memory, in bounded space. Replicas don't share them: a limit holds for each.
package load
