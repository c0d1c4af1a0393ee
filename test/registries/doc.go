// Package registries holds Haven's client of other registries against real ones: CNCF Distribution, with its ways of asking who asks.
package registries
