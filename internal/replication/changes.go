package replication

import (
	"fmt"

	"github.com/havenregistry/haven/internal/oci"
)

// changes is what has to happen at the destination.
type changes struct {
	artifacts []artifact
	tags      []signatureTag        // of artifacts that are there
	referrers []oci.Digest          // of artifacts that are there
	deletions []deletion            // what the source has lost
	skipped   []string              // what is left alone, and why
	unchanged int                   // tags and artifacts that are as they should be
	same      map[string]oci.Digest // tags that are alike on both sides
	forget    []string              // tags that the policy isn't responsible for any more
	unsure    bool                  // it isn't known whether the destination has such a repository
	fresh     bool                  // the destination has no such repository
}

// artifact is one that the destination lacks, or has under other tags.
type artifact struct {
	digest oci.Digest
	tags   []string // none: it has no tag
	why    string
}

// signatureTag is one of Cosign's tags, which are made of the digest of what is signed.
type signatureTag struct {
	name    string
	subject oci.Digest
	digest  oci.Digest // what it leads to at the source
}

type deletion struct {
	tag      string // "": the manifest
	digest   oci.Digest
	referrer bool // it says something about another one, so that no tag need lead to it
}

// count is how many things there are to do.
func (c changes) count() int {
	return len(c.artifacts) + len(c.tags) + len(c.referrers) + len(c.deletions)
}

// items is how many tags and artifacts that concerns: what Harbor counts.
func (c changes) items() (n int) {
	for _, a := range c.artifacts {
		n += max(len(a.tags), 1)
	}
	return n + len(c.tags) + len(c.referrers) + len(c.deletions)
}

// maxSkipped bounds the words on what was left alone.
const maxSkipped = 1000

func (ch *changes) skip(format string, args ...any) {
	if len(ch.skipped) < maxSkipped {
		ch.skipped = append(ch.skipped, fmt.Sprintf(format, args...))
	}
}
