// Package proxycache holds what projects promise that are a cache of another registry, with real clients, a real upstream and a line
// between them that breaks.
package proxycache
