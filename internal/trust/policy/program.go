package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/evidence"
)

const (
	// mostSteps bounds the work of a rule on one attestation, in CEL's units: about a comparison each. It says the same on
	// each machine; the times below are for what it doesn't foresee.
	mostSteps = 200_000
	ruleTime  = time.Second
	allRules  = 5 * time.Second

	slsa = "https://slsa.dev/provenance/v"
)

// Program is a policy made ready to decide. It may be used by several goroutines.
type Program struct {
	root   *node
	leaves []leaf
}

// node is a rule of rules, or a leaf where it has no parts.
type node struct {
	any   bool
	parts []*node
	leaf  int
}

// leaf is one demand: a signature, or an attestation.
type leaf struct {
	by          string
	attestation *Attestation
	rule        cel.Program // nil where the attestation has none
}

// Compile makes a policy ready. Its demands, the leaves of the tree of rules, are numbered from 0 in the order in which they
// stand in the document; a policy that demands nothing of its own demands a signature by any signer. An error is a fault.Invalid
// that leads to the rule.
func Compile(p Policy) (*Program, error) {
	env, err := cel.NewEnv(cel.Variable("predicate", cel.DynType), cel.ParserExpressionSizeLimit(longestRule), cel.ParserRecursionLimit(50))
	if err != nil {
		return nil, fmt.Errorf("make the environment of rules: %w", err)
	}
	require := Requirement{SignedBy: anybody}
	if p.Require != nil {
		require = *p.Require
	}
	c := compiler{env: env}
	root, err := c.node("require", require)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, leaves: c.leaves}, nil
}

type compiler struct {
	env    *cel.Env
	leaves []leaf
}

func (c *compiler) node(path string, r Requirement) (*node, error) {
	switch {
	case r.SignedBy != "":
		return c.leaf(leaf{by: r.SignedBy}), nil
	case r.Attestation != nil:
		rule, err := c.rule(path+".attestation.rule", r.Attestation.Rule)
		if err != nil {
			return nil, err
		}
		return c.leaf(leaf{by: r.Attestation.By, attestation: r.Attestation, rule: rule}), nil
	case len(r.AnyOf) > 0:
		parts, err := c.nodes(path+".any_of", r.AnyOf)
		return &node{any: true, parts: parts}, err
	case len(r.AllOf) > 0:
		parts, err := c.nodes(path+".all_of", r.AllOf)
		return &node{parts: parts}, err
	}
	return nil, fault.Invalidf("%s: want one of any_of, all_of, signed_by and attestation, and not empty", path)
}

func (c *compiler) nodes(path string, rules []Requirement) ([]*node, error) {
	parts := make([]*node, len(rules))
	for i, r := range rules {
		part, err := c.node(at(path, i), r)
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	return parts, nil
}

func (c *compiler) leaf(l leaf) *node {
	c.leaves = append(c.leaves, l)
	return &node{leaf: len(c.leaves) - 1}
}

func (c *compiler) rule(path, text string) (cel.Program, error) {
	if text == "" {
		return nil, nil
	}
	ast, issues := c.env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, fault.Invalidf("%s: isn't valid CEL on the variable predicate: %v", path, err)
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fault.Invalidf("%s: must be true or false, it is of type %s", path, t)
	}
	program, err := c.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(mostSteps), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, fault.Invalidf("%s: can't be used: %v", path, err)
	}
	return program, nil
}

// Leaves is how many demands the policy has.
func (g *Program) Leaves() int { return len(g.leaves) }

// Satisfies returns the numbers of the leaves that these pieces satisfy, in order. Only what is Verified counts. A rule
// that errs, as by a field that isn't there, or takes too long isn't satisfied (S12).
func (g *Program) Satisfies(pieces []evidence.Piece) []int {
	ctx, cancel := context.WithTimeout(context.Background(), allRules)
	defer cancel()
	predicates := make([]predicate, len(pieces))
	var satisfied []int
	for i, l := range g.leaves {
		for j, piece := range pieces {
			if l.fits(piece) && l.holds(ctx, piece, &predicates[j]) {
				satisfied = append(satisfied, i)
				break
			}
		}
	}
	return satisfied
}

// fits says whether a piece is of the kind that is demanded and by the right signer.
func (l leaf) fits(piece evidence.Piece) bool {
	wanted := ""
	if l.attestation != nil {
		wanted = l.attestation.PredicateType
	}
	if piece.State != evidence.Verified || piece.PredicateType != wanted {
		return false
	}
	return slices.Contains(piece.Signers, l.by) || l.by == anybody && len(piece.Signers) > 0
}

// holds says whether an attestation says what is demanded of it.
func (l leaf) holds(ctx context.Context, piece evidence.Piece, content *predicate) bool {
	if l.attestation == nil || l.attestation.Builder == "" && l.rule == nil {
		return true
	}
	value, ok := content.of(piece)
	if !ok || l.attestation.Builder != "" && builderOf(l.attestation.PredicateType, value) != l.attestation.Builder {
		return false
	}
	if l.rule == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, ruleTime)
	defer cancel()
	out, _, err := l.rule.ContextEval(ctx, map[string]any{"predicate": value})
	return err == nil && out == types.True
}

// predicate is what a piece attests, decoded when it is first asked for.
type predicate struct {
	asked, ok bool
	value     any
}

func (p *predicate) of(piece evidence.Piece) (any, bool) {
	if !p.asked {
		p.asked = true
		p.ok = json.Unmarshal(piece.Predicate, &p.value) == nil
	}
	return p.value, p.ok
}

func hasBuilder(predicateType string) bool {
	version, ok := strings.CutPrefix(predicateType, slsa)
	return ok && slices.Contains([]string{"0.1", "0.2", "1"}, version)
}

// builderOf is the id of who built, as a provenance of SLSA says it, or "".
func builderOf(predicateType string, predicate any) string {
	path := []string{"runDetails", "builder", "id"}
	if strings.HasPrefix(predicateType, slsa+"0.") {
		path = path[1:]
	}
	for _, field := range path {
		object, _ := predicate.(map[string]any)
		predicate = object[field]
	}
	id, _ := predicate.(string)
	return id
}
