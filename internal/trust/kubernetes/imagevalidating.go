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
	Key   celKey   `yaml:"key"`
	CTLog celCTLog `yaml:"ctlog"`
}

type celKey struct {
	Data string `yaml:"data"`
}

type celCTLog struct {
	URL                string `yaml:"url"`
	InsecureIgnoreTlog bool   `yaml:"insecureIgnoreTlog"`
	InsecureIgnoreSCT  bool   `yaml:"insecureIgnoreSCT"`
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
		return e.signature(known)
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

// signature writes the demand of a signature by one of the credentials. To the function for signatures, a bundle that holds any statement by
// a key is a signature by it, such as the result of a scan, and those under tags count only where there is no bundle of
// anybody's. So signatures of Cosign are looked for as what they are in a bundle: statements of a type of their own.
func (e *expressions) signature(known []credential) (string, error) {
	var cosign, notary []credential
	for _, c := range known {
		if c.notation != nil {
			notary = append(notary, c)
		} else {
			cosign = append(cosign, c)
		}
	}
	var parts []string
	if len(cosign) > 0 {
		names, err := e.names(cosign)
		if err != nil {
			return "", err
		}
		parts = append(parts, fmt.Sprintf("verifyAttestationSignatures(image, attestations.%s, [%s]) > 0", e.typed(signsImage, names).name, names))
	}
	if len(notary) > 0 {
		names, err := e.names(notary)
		if err != nil {
			return "", err
		}
		parts = append(parts, "verifyImageSignatures(image, ["+names+"]) > 0")
	}
	return strings.Join(parts, " || "), nil
}

// typed returns what is known of the attestations of a type, and lists it where it is new.
func (e *expressions) typed(predicateType, attestors string) attested {
	known, again := e.byType[predicateType]
	if !again {
		known = attested{name: fmt.Sprintf("attestation%d", len(e.attestations)), attestors: attestors}
		if predicateType == signsImage {
			known.name = "signature"
		}
		e.attestations = append(e.attestations, celAttestation{known.name, inToto{predicateType}})
		e.byType[predicateType] = known
	}
	return known
}

// attestation writes the demand of an attestation. What it says is looked at as the variable predicate, as in the policy.
func (e *expressions) attestation(path string, a policy.Attestation) (string, error) {
	known, err := e.attesters(path, a)
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
	before := e.typed(a.PredicateType, names)
	if before.attestors != names && (before.content || len(conditions) > 0) {
		return "", e.refuse(path, "what attestations %s of two signers contain, only of one", a.PredicateType)
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
	if c.key != "" {
		return celAttestor{Name: name, Cosign: &celCosign{celKey{c.key}, celCTLog{URL: nowhere, InsecureIgnoreTlog: true, InsecureIgnoreSCT: true}}}, nil
	}
	if err := e.plainNotation(c); err != nil {
		return celAttestor{}, err
	}
	notary := &celNotary{Certs: inline{c.notation.Certificates}}
	if c.notation.TSA != "" {
		notary.TSACerts = &inline{c.notation.TSA}
	}
	return celAttestor{Name: name, Notary: notary}, nil
}
