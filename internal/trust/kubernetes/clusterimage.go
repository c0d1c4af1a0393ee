package kubernetes

import (
	"fmt"
	"net/url"
	"regexp"
)

// ctlogOff is a transparency log of which nothing is said: none is asked for.
type ctlogOff struct{}

type clusterImageSpec struct {
	Mode        string      `yaml:"mode"`
	Images      []glob      `yaml:"images"`
	Authorities []authority `yaml:"authorities"`
}

type authority struct {
	Name            string             `yaml:"name"`
	Key             celKey             `yaml:"key"`
	CTLog           ctlogOff           `yaml:"ctlog"`
	Attestations    []namedAttestation `yaml:"attestations,omitempty"`
	SignatureFormat string             `yaml:"signatureFormat"`
}

type namedAttestation struct {
	Name          string `yaml:"name"`
	PredicateType string `yaml:"predicateType"`
}

var stars = regexp.MustCompile(`\*+`)

// clusterImagePolicies writes one object for each of the demands that must hold together: an image must satisfy each object whose
// pattern its name fits, by one of the object's authorities.
func (w *writer) clusterImagePolicies(name string) ([]object, error) {
	globs := make([]glob, len(w.patterns))
	for i, pattern := range w.patterns {
		globs[i] = glob{stars.ReplaceAllString(pattern, "**")} // one star stops at a slash there
	}
	var objects []object
	for i, d := range w.root().all() {
		var authorities []authority
		for _, choice := range d.any() {
			more, err := w.authorities(choice)
			if err != nil {
				return nil, err
			}
			authorities = append(authorities, more...)
		}
		for n := range authorities {
			authorities[n].Name = fmt.Sprintf("authority-%d", n)
		}
		own := name
		if i > 0 {
			own = fmt.Sprintf("%s-%d", name, i+1)
		}
		objects = append(objects, object{"policy.sigstore.dev/v1beta1", ClusterImagePolicy, metadata{own}, clusterImageSpec{"enforce", globs, authorities}})
	}
	return objects, nil
}

// authorities writes a demand without parts: any of them will do. They read signatures and attestations under tags: of bundles, that
// program reads only those with a certificate.
func (w *writer) authorities(d demand) ([]authority, error) {
	var known []credential
	var attestations []namedAttestation
	var err error
	switch a := d.rule.Attestation; {
	case d.rule.SignedBy != "":
		known, err = w.known(d.path+".signed_by", d.rule.SignedBy)
	case a == nil:
		err = w.refuse(d.path, "all_of within any_of; an %s can", ImageValidatingPolicy)
	default:
		path := d.path + ".attestation"
		switch _, bad := url.ParseRequestURI(a.PredicateType); {
		case a.Rule != "":
			return nil, w.refuse(path+".rule", "a rule in CEL; an %s can", ImageValidatingPolicy)
		case a.Builder != "":
			return nil, w.refuse(path+".builder", "who built without letting through what says nothing of it; an %s can", ImageValidatingPolicy)
		case bad != nil:
			return nil, w.refuse(path+".predicate_type", "a type that isn't an address, as https://slsa.dev/provenance/v1")
		}
		attestations = []namedAttestation{{"attestation", a.PredicateType}}
		known, err = w.attesters(path, *a)
	}
	if err != nil {
		return nil, err
	}
	var authorities []authority
	for _, c := range known {
		if c.notation != nil {
			return nil, w.refuse(c.path, "anything of signatures of Notation")
		}
		authorities = append(authorities, authority{Key: celKey{c.key}, Attestations: attestations, SignatureFormat: "legacy"})
	}
	return authorities, nil
}
