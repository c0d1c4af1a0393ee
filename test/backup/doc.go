//go:build acceptance

// Package backup backs a serving Haven up, restores it on the other database and store, and moves it: the program as it is.
package backup
