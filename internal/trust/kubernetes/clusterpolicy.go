package kubernetes

import (
	"regexp"
	"strings"

	"github.com/havenregistry/haven/internal/trust/policy"
)

type clusterPolicySpec struct {
	// The default of both is to let pass and report. Versions before 1.13 know only the first, later ones have the second.
	ValidationFailureAction string              `yaml:"validationFailureAction"`
	Background              bool                `yaml:"background"`
	WebhookConfiguration    kyvernoWebhook      `yaml:"webhookConfiguration"`
	Rules                   []clusterPolicyRule `yaml:"rules"`
}

type kyvernoWebhook struct {
	FailurePolicy  string `yaml:"failurePolicy,omitempty"`
	TimeoutSeconds int    `yaml:"timeoutSeconds"`
}

type clusterPolicyRule struct {
	Name         string         `yaml:"name"`
	Match        kyvernoMatch   `yaml:"match"`
	VerifyImages []verifyImages `yaml:"verifyImages"`
}

type kyvernoMatch struct {
	Any []kyvernoFilter `yaml:"any"`
}

type kyvernoFilter struct {
	Resources kyvernoResources `yaml:"resources"`
}

type kyvernoResources struct {
	Kinds []string `yaml:"kinds"`
}

type verifyImages struct {
	Type            string               `yaml:"type"`
	ImageReferences []string             `yaml:"imageReferences"`
	FailureAction   string               `yaml:"failureAction"`
	MutateDigest    bool                 `yaml:"mutateDigest"`
	VerifyDigest    bool                 `yaml:"verifyDigest"`
	Required        bool                 `yaml:"required"`
	Attestors       []attestorSet        `yaml:"attestors,omitempty"`
	Attestations    []kyvernoAttestation `yaml:"attestations,omitempty"`
}

// attestorSet holds when all entries do, or with Count 1 when one does.
type attestorSet struct {
	Count   int             `yaml:"count,omitempty"`
	Entries []attestorEntry `yaml:"entries"`
}

// attestorEntry has exactly one of its fields.
type attestorEntry struct {
	Keys         *kyvernoKeys        `yaml:"keys,omitempty"`
	Keyless      *kyvernoKeyless     `yaml:"keyless,omitempty"`
	Certificates *kyvernoCertificate `yaml:"certificates,omitempty"`
	Attestor     *attestorSet        `yaml:"attestor,omitempty"`
}

type kyvernoKeys struct {
	PublicKeys string       `yaml:"publicKeys"`
	Rekor      kyvernoRekor `yaml:"rekor"`
	CTLog      kyvernoCTLog `yaml:"ctlog"`
}

type kyvernoKeyless struct {
	Issuer        string       `yaml:"issuer,omitempty"`
	IssuerRegExp  string       `yaml:"issuerRegExp,omitempty"`
	Subject       string       `yaml:"subject,omitempty"`
	SubjectRegExp string       `yaml:"subjectRegExp,omitempty"`
	Roots         string       `yaml:"roots"`
	Rekor         kyvernoRekor `yaml:"rekor"`
	CTLog         kyvernoCTLog `yaml:"ctlog"`
}

type kyvernoCertificate struct {
	Cert string `yaml:"cert"`
}

type kyvernoRekor struct {
	URL        string `yaml:"url"`
	PubKey     string `yaml:"pubkey,omitempty"`
	IgnoreTlog bool   `yaml:"ignoreTlog,omitempty"`
}

type kyvernoCTLog struct {
	PubKey       string `yaml:"pubkey,omitempty"`
	IgnoreSCT    bool   `yaml:"ignoreSCT,omitempty"`
	TSACertChain string `yaml:"tsaCertChain,omitempty"`
}

type kyvernoAttestation struct {
	Type       string             `yaml:"type"`
	Attestors  []attestorSet      `yaml:"attestors"`
	Conditions []kyvernoCondition `yaml:"conditions,omitempty"`
}

type kyvernoCondition struct {
	All []kyvernoTest `yaml:"all"`
}

type kyvernoTest struct {
	Key      string `yaml:"key"`
	Operator string `yaml:"operator"`
	Value    string `yaml:"value"`
}

func (w *writer) clusterPolicy(name string) ([]object, error) {
	var notary, cosign bool
	verify := verifyImages{Type: "Cosign", ImageReferences: w.patterns, FailureAction: "Enforce", MutateDigest: true, VerifyDigest: true, Required: true}
	for _, d := range w.root().all() {
		if d.rule.Attestation != nil {
			attestation, err := w.kyvernoAttestation(d.path, *d.rule.Attestation)
			if err != nil {
				return nil, err
			}
			verify.Attestations = append(verify.Attestations, attestation)
			cosign = true
			continue
		}
		kinds := kindsOf{}
		entry, err := w.signatures(d, kinds)
		if err != nil {
			return nil, err
		}
		cosign, notary = cosign || kinds["cosign"], notary || kinds["notation"]
		set := attestorSet{Entries: []attestorEntry{entry}}
		if entry.Attestor != nil {
			set = *entry.Attestor
		}
		verify.Attestors = append(verify.Attestors, set)
	}
	if cosign && notary {
		return nil, w.refuse("require", "anything of signatures of Cosign and of Notation together; an %s can", ImageValidatingPolicy)
	}
	if notary {
		verify.Type = "Notary"
	}
	return []object{{"kyverno.io/v1", ClusterPolicy, metadata{name}, clusterPolicySpec{
		ValidationFailureAction: "Enforce",
		WebhookConfiguration:    kyvernoWebhook{"Fail", 30},
		Rules: []clusterPolicyRule{{
			Name:         "trust-policy",
			Match:        kyvernoMatch{[]kyvernoFilter{{kyvernoResources{[]string{"Pod"}}}}},
			VerifyImages: []verifyImages{verify},
		}},
	}}}, nil
}

// kindsOf notes which formats of signatures a rule speaks of.
type kindsOf map[string]bool

// signatures writes a rule of signatures only, as one entry.
func (w *writer) signatures(d demand, kinds kindsOf) (attestorEntry, error) {
	if d.rule.Attestation != nil {
		return attestorEntry{}, w.refuse(d.path, "an attestation within any_of; an %s can", ImageValidatingPolicy)
	}
	if d.rule.SignedBy != "" {
		known, err := w.known(d.path+".signed_by", d.rule.SignedBy)
		if err != nil {
			return attestorEntry{}, err
		}
		return w.entryOf(known, kinds)
	}
	set := attestorSet{}
	if len(d.rule.AnyOf) > 0 {
		set.Count = 1
	}
	for _, part := range d.parts() {
		entry, err := w.signatures(part, kinds)
		if err != nil {
			return attestorEntry{}, err
		}
		set.Entries = append(set.Entries, entry)
	}
	return attestorEntry{Attestor: &set}, nil
}

// entryOf writes credentials of which one will do.
func (w *writer) entryOf(known []credential, kinds kindsOf) (attestorEntry, error) {
	set := attestorSet{Count: 1}
	for _, c := range known {
		entry, err := w.entry(c)
		if err != nil {
			return attestorEntry{}, err
		}
		if c.notation != nil {
			kinds["notation"] = true
		} else {
			kinds["cosign"] = true
		}
		set.Entries = append(set.Entries, entry)
	}
	if len(set.Entries) == 1 {
		return set.Entries[0], nil
	}
	return attestorEntry{Attestor: &set}, nil
}

func (w *writer) entry(c credential) (attestorEntry, error) {
	switch {
	case c.key != "":
		return attestorEntry{Keys: &kyvernoKeys{PublicKeys: c.key, Rekor: kyvernoRekor{URL: nowhere, IgnoreTlog: true}, CTLog: kyvernoCTLog{IgnoreSCT: true}}}, nil
	case c.notation != nil:
		if err := w.plainNotation(c); err != nil {
			return attestorEntry{}, err
		}
		if c.notation.TSA != "" {
			return attestorEntry{}, w.refuse(c.path+".tsa", "time-stamping authorities of Notation; an %s can", ImageValidatingPolicy)
		}
		return attestorEntry{Certificates: &kyvernoCertificate{c.notation.Certificates}}, nil
	}
	id := *c.identity
	for _, text := range []string{id.Issuer, id.IssuerRegexp, id.Subject, id.SubjectRegexp} {
		if hasVariable(text) {
			return attestorEntry{}, w.refuse(c.path, "a text with {{ or $( in it, which it takes for a variable")
		}
	}
	k := &kyvernoKeyless{IssuerRegExp: whole(id.IssuerRegexp), SubjectRegExp: whole(id.SubjectRegexp), Roots: c.root.CA,
		Rekor: kyvernoRekor{URL: nowhere, PubKey: c.root.Log, IgnoreTlog: c.root.Log == ""},
		CTLog: kyvernoCTLog{PubKey: c.root.CTLog, IgnoreSCT: c.root.CTLog == "", TSACertChain: c.root.TSA}}
	k.Issuer, k.IssuerRegExp = exactly(id.Issuer, k.IssuerRegExp)
	k.Subject, k.SubjectRegExp = exactly(id.Subject, k.SubjectRegExp)
	return attestorEntry{Keyless: k}, nil
}

// exactly keeps a text from being taken for a pattern: Kyverno reads * and ? in it.
func exactly(text, expression string) (string, string) {
	if strings.ContainsAny(text, "*?") {
		return "", whole(regexp.QuoteMeta(text))
	}
	return text, expression
}

func hasVariable(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, "$(")
}

func (w *writer) kyvernoAttestation(path string, a policy.Attestation) (kyvernoAttestation, error) {
	path += ".attestation"
	if a.Rule != "" {
		return kyvernoAttestation{}, w.refuse(path+".rule", "a rule in CEL; an %s can", ImageValidatingPolicy)
	}
	if hasVariable(a.PredicateType) {
		return kyvernoAttestation{}, w.refuse(path+".predicate_type", "a text with {{ or $( in it, which it takes for a variable")
	}
	known, err := w.attesters(path, a)
	if err != nil {
		return kyvernoAttestation{}, err
	}
	entry, err := w.entryOf(known, kindsOf{})
	if err != nil {
		return kyvernoAttestation{}, err
	}
	written := kyvernoAttestation{Type: a.PredicateType, Attestors: []attestorSet{{Entries: []attestorEntry{entry}}}}
	if entry.Attestor != nil {
		written.Attestors = []attestorSet{*entry.Attestor}
	}
	if a.Builder == "" {
		return written, nil
	}
	// It compares texts as patterns, and as quantities and durations where they are some.
	if hasVariable(a.Builder) || strings.ContainsAny(a.Builder, "*?") || !strings.Contains(a.Builder, "/") {
		return kyvernoAttestation{}, w.refuse(path+".builder", "that a builder is exactly %q; an %s can", a.Builder, ImageValidatingPolicy)
	}
	written.Conditions = []kyvernoCondition{{All: []kyvernoTest{{Key: "{{ " + builderPath(a.PredicateType) + " }}", Operator: "Equals", Value: a.Builder}}}}
	return written, nil
}

// builderPath is where a provenance of SLSA says who built.
func builderPath(predicateType string) string {
	if strings.HasPrefix(predicateType, "https://slsa.dev/provenance/v0.") {
		return "builder.id"
	}
	return "runDetails.builder.id"
}
