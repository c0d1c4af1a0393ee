// Package webhook tests that the whole program tells others what happens, whatever those others do.
package webhook
