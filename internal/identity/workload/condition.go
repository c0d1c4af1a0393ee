package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/maypok86/otter/v2"

	"github.com/havenregistry/haven/internal/fault"
)

const (
	longestCondition = 4096
	// mostSteps bounds the work of one evaluation, in CEL's units: about a comparison each.
	mostSteps = 20_000
	// conditionTime bounds it in time, too.
	conditionTime = 100 * time.Millisecond
	// keptConditions bounds the compiled conditions in memory, some kilobytes each.
	keptConditions = 1000
)

// conditions compiles CEL over one variable, claims: a map. It keeps what it compiled.
type conditions struct {
	env  *cel.Env
	kept *otter.Cache[string, cel.Program]
}

func newConditions() (*conditions, error) {
	env, err := cel.NewEnv(
		cel.Variable("claims", cel.MapType(cel.StringType, cel.DynType)),
		cel.ParserExpressionSizeLimit(longestCondition), cel.ParserRecursionLimit(50),
	)
	if err != nil {
		return nil, fmt.Errorf("make the environment of conditions: %w", err)
	}
	return &conditions{env: env, kept: otter.Must(&otter.Options[string, cel.Program]{MaximumSize: keptConditions})}, nil
}

// compile parses and type-checks a condition. What is wrong with it is a fault.Invalid, with the place.
func (c *conditions) compile(text string) (cel.Program, error) {
	if program, ok := c.kept.GetIfPresent(text); ok {
		return program, nil
	}
	if text == "" || len(text) > longestCondition {
		return nil, fault.Invalidf("the condition must be 1 to %d bytes of CEL", longestCondition)
	}
	ast, issues := c.env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, fault.Invalidf("the condition isn't valid CEL: %v", err)
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fault.Invalidf("the condition must be true or false, it is of type %s", ast.OutputType())
	}
	program, err := c.env.Program(ast, cel.CostLimit(mostSteps), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, fault.Invalidf("the condition can't be used: %v", err)
	}
	c.kept.Set(text, program)
	return program, nil
}

var errNotTrue = errors.New("the condition is false")

// holds reports nil when the condition is true of the claims, errNotTrue, or why it can't be said: a claim
// that isn't there, another type, too much work.
func (c *conditions) holds(ctx context.Context, condition string, claims map[string]any) error {
	program, err := c.compile(condition)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, conditionTime)
	defer cancel()
	out, _, err := program.ContextEval(ctx, map[string]any{"claims": claims})
	if err != nil {
		return fmt.Errorf("evaluate the condition: %w", err)
	}
	if out != types.True {
		return errNotTrue
	}
	return nil
}
