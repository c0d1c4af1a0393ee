// Package vulndb keeps the vulnerability database that packages are judged by: it takes editions in, from a folder, an
// archive or a registry, verifies them, gives every replica the same one, and says when another came into force.
package vulndb
