// Package rest is what the two HTTP APIs that speak JSON have in common: one spelling for each path, the
// check of a request against the contract, who asks and whether they may, errors as answers, listings.
//
// An API is a Frame around a generated server. Each operation declares in one table what right it needs
// (Access); one that isn't in it, or that answers without having asked, answers 500.
package rest
