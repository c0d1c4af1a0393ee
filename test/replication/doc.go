// Package replication holds replication of the whole program against real registries: another Haven, and CNCF Distribution. What
// crosses the line between is counted, and the line is slowed and cut, and both sides are killed.
package replication
