// Package trend keeps what the registry was from day to day: how much it holds, how often it was pulled from, how many
// findings it has.
//
// Table trend, a row a day. The nightly clean-up writes the row of its day, once whatever the number of replicas, and
// another one of the same day over it; rows go after two years. What is added up are counts that other packages keep:
// usage by project, artifacts and pulls by repository, findings by report, the last from an index alone.
package trend
