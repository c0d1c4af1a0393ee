package kubernetes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/kubernetes"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// signsImage is the type of a statement that is a signature.
const signsImage = "https://sigstore.dev/cosign/sign/v1"

var typeOfStrings = reflect.TypeFor[[]string]()

// world is an image's signatures and attestations, by key.
type world struct {
	signed   map[string]bool
	attested map[string]map[string]int // type, key: what it says
}

func (w world) pieces(p policy.Policy) []evidence.Piece {
	by := func(key string) []string {
		var names []string
		for _, s := range p.Signers {
			if slices.Contains(s.Keys, key) {
				names = append(names, s.Name)
			}
		}
		return names
	}
	var pieces []evidence.Piece
	for key := range w.signed {
		pieces = append(pieces, evidence.Piece{State: evidence.Verified, Signers: by(key)})
	}
	for predicateType, says := range w.attested {
		for key, n := range says {
			pieces = append(pieces, evidence.Piece{State: evidence.Verified, Signers: by(key), PredicateType: predicateType,
				Predicate: fmt.Appendf(nil, `{"runDetails":{"builder":{"id":"https://b/%d"}},"n":%d}`, n, n)})
		}
	}
	return pieces
}

func (w world) predicate(predicateType, key string) map[string]any {
	n := w.attested[predicateType][key]
	return map[string]any{"runDetails": map[string]any{"builder": map[string]any{"id": fmt.Sprintf("https://b/%d", n)}}, "n": float64(n)}
}

// Whatever policy and whatever an image has: what is written decides as the policy does, read as each program's documentation
// reads it, or the policy is refused.
func TestTheSameIsDecided(t *testing.T) {
	names := []string{"a", "b", "c"}
	var signers []policy.Signer
	var keys []string
	for i, name := range names {
		s := policy.Signer{Name: name}
		for j := range 1 + i%2 {
			key := fmt.Sprintf("-----BEGIN PUBLIC KEY-----\n%s%d\n-----END PUBLIC KEY-----\n", name, j)
			keys = append(keys, key)
			s.Keys = append(s.Keys, key)
		}
		signers = append(signers, s)
	}
	typeOf := rapid.SampledFrom([]string{slsa1, "https://example.com/scan"})
	nameOf := rapid.SampledFrom(append([]string{"*"}, names...))
	var tree func(depth int) *rapid.Generator[policy.Requirement]
	tree = func(depth int) *rapid.Generator[policy.Requirement] {
		return rapid.Custom(func(rt *rapid.T) policy.Requirement {
			kind := rapid.IntRange(0, 4).Draw(rt, "kind")
			if depth == 1 {
				kind %= 2
			}
			switch kind {
			case 0:
				return policy.Requirement{SignedBy: nameOf.Draw(rt, "signed by")}
			case 1:
				a := policy.Attestation{PredicateType: typeOf.Draw(rt, "type"), By: nameOf.Draw(rt, "by")}
				if rapid.Bool().Draw(rt, "rule") {
					a.Rule = "predicate.n == 1 // and no more"
				}
				if a.PredicateType == slsa1 && rapid.Bool().Draw(rt, "builder") {
					a.Builder = "https://b/1"
				}
				return policy.Requirement{Attestation: &a}
			case 2:
				return policy.Requirement{AnyOf: rapid.SliceOfN(tree(depth-1), 1, 3).Draw(rt, "any of")}
			}
			return policy.Requirement{AllOf: rapid.SliceOfN(tree(depth-1), 1, 3).Draw(rt, "all of")}
		})
	}
	written := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		require := tree(4).Draw(rt, "require")
		p := policy.Policy{Signers: signers, Require: &require}
		g, err := policy.Compile(p)
		if err != nil {
			rt.Fatal(err)
		}
		image := world{map[string]bool{}, map[string]map[string]int{}}
		for _, key := range keys {
			if rapid.Bool().Draw(rt, "signed") {
				image.signed[key] = true
			}
		}
		alone := true // no type is attested by two
		for _, predicateType := range []string{slsa1, "https://example.com/scan"} {
			image.attested[predicateType] = map[string]int{}
			for _, key := range keys {
				if n := rapid.IntRange(0, 4).Draw(rt, "attested"); n > 0 && n < 3 {
					image.attested[predicateType][key] = n
				}
			}
			alone = alone && len(image.attested[predicateType]) < 2
		}
		satisfied := map[int]bool{}
		for _, n := range g.Satisfies(image.pieces(p)) {
			satisfied[n] = true
		}
		want, _ := g.Decide(satisfied)
		for kind, read := range map[string]func(testing.TB, []byte, world) bool{
			kubernetes.ClusterPolicy: readClusterPolicy, kubernetes.ImageValidatingPolicy: readImageValidatingPolicy, kubernetes.ClusterImagePolicy: readClusterImagePolicy} {
			raw, err := kubernetes.Write(kind, "p", []string{"*"}, p)
			if errors.Is(err, fault.Invalid) {
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			written[kind]++
			got := read(t, raw, image)
			if got && !want || want && !got && alone {
				rt.Fatalf("%s: %v, want %v of %+v by\n%s", kind, got, want, image, raw)
			}
		}
	})
	for _, kind := range kinds {
		if written[kind] == 0 {
			t.Errorf("no %s was written", kind)
		}
	}
}

func decode(t testing.TB, raw []byte) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for d := yaml.NewDecoder(bytes.NewReader(raw)); ; {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
}

// as decodes a part of an object.
func as[T any](t testing.TB, v any) T {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

type readSet struct {
	Count   int
	Entries []struct {
		Keys     *struct{ PublicKeys string }
		Attestor *readSet
	}
}

// holds counts the entries that hold: Count, or all of them.
func (s readSet) holds(t testing.TB, key func(string) bool) bool {
	n := 0
	for _, e := range s.Entries {
		if e.Keys != nil && key(e.Keys.PublicKeys) || e.Attestor != nil && e.Attestor.holds(t, key) {
			n++
		}
	}
	if s.Count == 0 {
		return n == len(s.Entries)
	}
	return n >= s.Count
}

func readClusterPolicy(t testing.TB, raw []byte, image world) bool {
	spec := as[struct {
		Rules []struct {
			VerifyImages []struct {
				Attestors    []readSet
				Attestations []struct {
					Type       string
					Attestors  []readSet
					Conditions []struct {
						All []struct{ Key, Operator, Value string }
					}
				}
			}
		}
	}](t, decode(t, raw)[0]["spec"])
	verify := spec.Rules[0].VerifyImages[0]
	for _, set := range verify.Attestors {
		if !set.holds(t, func(key string) bool { return image.signed[key] }) {
			return false
		}
	}
	for _, a := range verify.Attestations {
		for _, set := range a.Attestors {
			if !set.holds(t, func(key string) bool {
				n, ok := image.attested[a.Type][key]
				if len(a.Conditions) == 0 {
					return ok
				}
				test := a.Conditions[0].All[0]
				if test.Key != "{{ runDetails.builder.id }}" || test.Operator != "Equals" {
					t.Fatalf("condition %+v", test)
				}
				return ok && fmt.Sprintf("https://b/%d", n) == test.Value
			}) {
				return false
			}
		}
	}
	return true
}

func readClusterImagePolicy(t testing.TB, raw []byte, image world) bool {
	for _, o := range decode(t, raw) {
		spec := as[struct {
			Authorities []struct {
				Key          struct{ Data string }
				Attestations []struct{ PredicateType string }
			}
		}](t, o["spec"])
		one := false
		for _, a := range spec.Authorities {
			if len(a.Attestations) == 0 {
				one = one || image.signed[a.Key.Data]
				continue
			}
			_, ok := image.attested[a.Attestations[0].PredicateType][a.Key.Data]
			one = one || ok
		}
		if !one {
			return false
		}
	}
	return true
}

// readImageValidatingPolicy evaluates the expressions as they are, with functions that answer of this image.
func readImageValidatingPolicy(t testing.TB, raw []byte, image world) bool {
	spec := as[struct {
		Attestors []struct {
			Name   string
			Cosign struct{ Key struct{ Data string } }
		}
		Attestations []struct {
			Name   string
			InToto struct{ Type string }
		}
		Validations []struct{ Expression string }
	}](t, decode(t, raw)[0]["spec"])
	attestors, attestations := map[string]string{}, map[string]string{}
	for _, a := range spec.Attestors {
		attestors[a.Name] = a.Cosign.Key.Data
	}
	for _, a := range spec.Attestations {
		attestations[a.Name] = a.InToto.Type
	}
	last := map[string]string{} // the key whose attestation of a type was verified last
	count := func(keys ref.Val, holds func(string) bool) ref.Val {
		list, err := keys.ConvertToNative(typeOfStrings)
		if err != nil {
			return types.WrapErr(err)
		}
		n := 0
		for _, key := range list.([]string) {
			if holds(key) {
				n++
			}
		}
		return types.Int(n)
	}
	env, err := cel.NewEnv(
		cel.Variable("images", cel.MapType(cel.StringType, cel.ListType(cel.StringType))),
		cel.Variable("attestors", cel.MapType(cel.StringType, cel.DynType)), cel.Variable("attestations", cel.MapType(cel.StringType, cel.DynType)),
		cel.Function("verifyImageSignatures", cel.Overload("signatures", []*cel.Type{cel.StringType, cel.ListType(cel.DynType)}, cel.IntType,
			cel.BinaryBinding(func(_, keys ref.Val) ref.Val {
				return count(keys, func(key string) bool { // of bundles, any by the key will do
					for _, says := range image.attested {
						if says[key] > 0 {
							return true
						}
					}
					return image.signed[key]
				})
			}))),
		cel.Function("verifyAttestationSignatures", cel.Overload("attestations", []*cel.Type{cel.StringType, cel.DynType, cel.ListType(cel.DynType)}, cel.IntType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				predicateType := args[1].Value().(string)
				return count(args[2], func(key string) bool {
					if predicateType == signsImage {
						return image.signed[key]
					}
					_, ok := image.attested[predicateType][key]
					if ok {
						last[predicateType] = key
					}
					return ok
				})
			}))),
		cel.Function("extractPayload", cel.Overload("payload", []*cel.Type{cel.StringType, cel.DynType}, cel.DynType,
			cel.BinaryBinding(func(_, a ref.Val) ref.Val {
				key, ok := last[a.Value().(string)]
				if !ok {
					return types.NewErr("nothing was verified")
				}
				return types.DefaultTypeAdapter.NativeToValue(map[string]any{"predicate": image.predicate(a.Value().(string), key)})
			}))),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range spec.Validations {
		ast, issues := env.Compile(v.Expression)
		if issues.Err() != nil {
			t.Fatalf("%s: %v", v.Expression, issues.Err())
		}
		program, err := env.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := program.Eval(map[string]any{"attestors": attestors, "attestations": attestations,
			"images": map[string][]string{"containers": {"image"}, "initContainers": {}, "ephemeralContainers": {}}})
		if err != nil && !strings.Contains(err.Error(), "nothing was verified") {
			t.Fatalf("%s: %v", v.Expression, err)
		}
		if err != nil || out != types.True {
			return false
		}
	}
	return true
}
