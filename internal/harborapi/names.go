package harborapi

import "strings"

// hrefName encodes a repository's name twice, as links show it.
func hrefName(name string) string { return strings.ReplaceAll(name, "/", "%252F") }
