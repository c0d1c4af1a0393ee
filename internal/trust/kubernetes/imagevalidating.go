package kubernetes

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/trust/policy"
)

type imageValidatingSpec struct {
	FailurePolicy            string           `yaml:"failurePolicy"`
	ValidationActions        []string         `yaml:"validationActions"`
	WebhookConfiguration     kyvernoWebhook   `yaml:"webhookConfiguration"`
	Evaluation               evaluation       `yaml:"evaluation"`
	MatchConstraints         matchConstraints `yaml:"matchConstraints"`
	MatchImageReferences     []glob           `yaml:"matchImageReferences"`
	ValidationConfigurations digestRules      `yaml:"validationConfigurations"`
	Attestors                []celAttestor    `yaml:"attestors"`
	Attestations             []celAttestation `yaml:"attestations,omitempty"`
	Validations              []validation     `yaml:"validations"`
}

type evaluation struct {
	Background enabled `yaml:"background"`
}

type enabled struct {
	Enabled bool `yaml:"enabled"`
}

type matchConstraints struct {
	ResourceRules []resourceRule `yaml:"resourceRules"`
}

type resourceRule struct {
	APIGroups   []string `yaml:"apiGroups"`
	APIVersions []string `yaml:"apiVersions"`
	Operations  []string `yaml:"operations"`
	Resources   []string `yaml:"resources"`
}

type glob struct {
	Glob string `yaml:"glob"`
}

type digestRules struct {
	MutateDigest bool `yaml:"mutateDigest"`
	VerifyDigest bool `yaml:"verifyDigest"`
	Required     bool `yaml:"required"`
}

// celAttestor has one of Cosign and Notary.
type celAttestor struct {
	Name   string     `yaml:"name"`
	Cosign *celCosign `yaml:"cosign,omitempty"`
	Notary *celNotary `yaml:"notary,omitempty"`
}

type celCosign struct {
	Key     *celKey     `yaml:"key,omitempty"`
	Keyless *celKeyless `yaml:"keyless,omitempty"`
	CTLog   celCTLog    `yaml:"ctlog"`
}

type celKey struct {
	Data string `yaml:"data"`
}

type celKeyless struct {
	Identities []identity `yaml:"identities"`
	Roots      string     `yaml:"roots"`
}

type identity struct {
	Issuer        string `yaml:"issuer,omitempty"`
	IssuerRegExp  string `yaml:"issuerRegExp,omitempty"`
	Subject       string `yaml:"subject,omitempty"`
	SubjectRegExp string `yaml:"subjectRegExp,omitempty"`
}

type celCTLog struct {
	URL                string `yaml:"url"`
	RekorPubKey        string `yaml:"rekorPubKey,omitempty"`
	CTLogPubKey        string `yaml:"ctLogPubKey,omitempty"`
	TSACertChain       string `yaml:"tsaCertChain,omitempty"`
	InsecureIgnoreTlog bool   `yaml:"insecureIgnoreTlog,omitempty"`
	InsecureIgnoreSCT  bool   `yaml:"insecureIgnoreSCT,omitempty"`
}

type celNotary struct {
	Certs    inline  `yaml:"certs"`
	TSACerts *inline `yaml:"tsaCerts,omitempty"`
}

type inline struct {
	Value string `yaml:"value"`
}

type celAttestation struct {
	Name   string `yaml:"name"`
	InToto inToto `yaml:"intoto"`
}

type inToto struct {
	Type string `yaml:"type"`
}

type validation struct {
	Expression string `yaml:"expression"`
	Message    string `yaml:"message"`
}

// expressions writes rules as CEL, and collects the attestors and attestations that they speak of.
type expressions struct {
	*writer
	attestors    []celAttestor
	named        map[string]string // the attestor's name by the credential's path
	attestations []celAttestation
	byType       map[string]attested
}

// attested is an attestation that a rule speaks of already.
type attested struct {
	name      string
	attestors string
	content   bool // a rule looks into it
}

func (w *writer) imageValidatingPolicy(name string) ([]object, error) {
	e := &expressions{writer: w, named: map[string]string{}, byType: map[string]attested{}}
	var validations []validation
	for _, d := range w.root().all() {
		expression, err := e.rule(d)
		if err != nil {
			return nil, err
		}
		validations = append(validations, validation{
			Expression: "(images.containers + images.initContainers + images.ephemeralContainers).all(image, " + expression + ")",
			Message:    d.words(),
		})
	}
	globs := make([]glob, len(w.patterns))
	for i, pattern := range w.patterns {
		globs[i] = glob{pattern}
	}
	return []object{{"policies.kyverno.io/v1", ImageValidatingPolicy, metadata{name}, imageValidatingSpec{
		FailurePolicy: "Fail", ValidationActions: []string{"Deny"}, WebhookConfiguration: kyvernoWebhook{TimeoutSeconds: 30},
		MatchConstraints: matchConstraints{[]resourceRule{{APIGroups: []string{""}, APIVersions: []string{"v1"},
			Operations: []string{"CREATE", "UPDATE"}, Resources: []string{"pods", "pods/ephemeralcontainers"}}}},
		MatchImageReferences:     globs,
		ValidationConfigurations: digestRules{true, true, true},
		Attestors:                e.attestors, Attestations: e.attestations, Validations: validations,
	}}}, nil
}

// rule writes a rule on the variable image.
func (e *expressions) rule(d demand) (string, error) {
	switch {
	case d.rule.SignedBy != "":
		known, err := e.known(d.path+".signed_by", d.rule.SignedBy)
		if err != nil {
			return "", err
		}
		names, err := e.names(known)
		return "verifyImageSignatures(image, [" + names + "]) > 0", err
	case d.rule.Attestation != nil:
		return e.attestation(d.path+".attestation", *d.rule.Attestation)
	}
	operator := " && "
	if len(d.rule.AnyOf) > 0 {
		operator = " || "
	}
	var parts []string
	for _, part := range d.parts() {
		expression, err := e.rule(part)
		if err != nil {
			return "", err
		}
		parts = append(parts, "("+expression+")")
	}
	return strings.Join(parts, operator), nil
}

// attestation writes the demand of an attestation. What it says is looked at as the variable predicate, as in the policy.
func (e *expressions) attestation(path string, a policy.Attestation) (string, error) {
	known, err := e.attesters(path+".by", a.By)
	if err != nil {
		return "", err
	}
	names, err := e.names(known)
	if err != nil {
		return "", err
	}
	var conditions []string
	if a.Builder != "" {
		conditions = append(conditions, "predicate."+builderPath(a.PredicateType)+" == "+strconv.Quote(a.Builder))
	}
	if a.Rule != "" {
		conditions = append(conditions, "("+a.Rule+"\n)") // the rule may end in a comment
	}
	// The function that looks into an attestation is given its type only, and not by whom it must be: with two rules for one type, it might
	// look into one that the other signer has made.
	before, again := e.byType[a.PredicateType]
	if again && before.attestors != names && (before.content || len(conditions) > 0) {
		return "", e.refuse(path, "what attestations %s of two signers contain, only of one", a.PredicateType)
	}
	if !again {
		before = attested{name: fmt.Sprintf("attestation%d", len(e.attestations)), attestors: names}
		e.attestations = append(e.attestations, celAttestation{before.name, inToto{a.PredicateType}})
	}
	before.content = before.content || len(conditions) > 0
	e.byType[a.PredicateType] = before
	expression := fmt.Sprintf("verifyAttestationSignatures(image, attestations.%s, [%s]) > 0", before.name, names)
	if len(conditions) > 0 {
		expression += fmt.Sprintf(" && [extractPayload(image, attestations.%s).predicate].exists(predicate, %s)", before.name, strings.Join(conditions, " && "))
	}
	return expression, nil
}

// names returns the attestors of credentials, as CEL lists them.
func (e *expressions) names(known []credential) (string, error) {
	names := make([]string, len(known))
	for i, c := range known {
		name, ok := e.named[c.path]
		if !ok {
			name = fmt.Sprintf("attestor%d", len(e.attestors))
			attestor, err := e.attestor(name, c)
			if err != nil {
				return "", err
			}
			e.attestors = append(e.attestors, attestor)
			e.named[c.path] = name
		}
		names[i] = "attestors." + name
	}
	return strings.Join(names, ", "), nil
}

func (e *expressions) attestor(name string, c credential) (celAttestor, error) {
	switch {
	case c.key != "":
		return celAttestor{Name: name, Cosign: &celCosign{Key: &celKey{c.key}, CTLog: celCTLog{URL: nowhere, InsecureIgnoreTlog: true, InsecureIgnoreSCT: true}}}, nil
	case c.notation != nil:
		if err := e.plainNotation(c); err != nil {
			return celAttestor{}, err
		}
		notary := &celNotary{Certs: inline{c.notation.Certificates}}
		if c.notation.TSA != "" {
			notary.TSACerts = &inline{c.notation.TSA}
		}
		return celAttestor{Name: name, Notary: notary}, nil
	}
	id := *c.identity
	return celAttestor{Name: name, Cosign: &celCosign{
		Keyless: &celKeyless{Roots: c.root.CA, Identities: []identity{{Issuer: id.Issuer, IssuerRegExp: whole(id.IssuerRegexp), Subject: id.Subject, SubjectRegExp: whole(id.SubjectRegexp)}}},
		CTLog: celCTLog{URL: nowhere, RekorPubKey: c.root.Log, CTLogPubKey: c.root.CTLog, TSACertChain: c.root.TSA,
			InsecureIgnoreTlog: c.root.Log == "", InsecureIgnoreSCT: c.root.CTLog == ""},
	}}, nil
}
