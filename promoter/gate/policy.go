package gate

import (
	"encoding/json"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
)

// policyCost bounds what one expression may compute (CEL cost units).
const policyCost = 100_000

// Policy asks whether every CEL expression over the lane's facts holds.
//
//	policy:
//	  - {name: no-canary-skip, expression: 'env.stage != "prod" || artifact.startsWith("payment-")'}
//
// Variables: artifact, environment, wave, class, tag (strings), env (the
// environment's labels). There is no clock in it: time belongs to window, freeze
// and age, which know when they change. An expression that is false or fails
// blocks.
type Policy struct {
	Rules []Expression
}

// Expression is a compiled CEL expression with a name.
type Expression struct {
	Name    string
	Text    string
	program cel.Program
}

// NewExpression compiles a CEL expression that must be a boolean.
func NewExpression(name, text string) (Expression, error) {
	env, err := cel.NewEnv(
		cel.Variable("artifact", cel.StringType), cel.Variable("environment", cel.StringType),
		cel.Variable("wave", cel.StringType), cel.Variable("class", cel.StringType), cel.Variable("tag", cel.StringType),
		cel.Variable("env", cel.MapType(cel.StringType, cel.StringType)),
	)
	if err != nil {
		return Expression{}, fmt.Errorf("policy environment: %w", err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return Expression{}, fmt.Errorf("policy %s: %s", name, strings.Join(strings.Fields(issues.Err().Error()), " "))
	}
	if ast.OutputType() != cel.BoolType {
		return Expression{}, fmt.Errorf("policy %s: the expression is of type %s, not bool", name, ast.OutputType())
	}
	p, err := env.Program(ast, cel.CostLimit(policyCost))
	if err != nil {
		return Expression{}, fmt.Errorf("policy %s: %w", name, err)
	}
	return Expression{Name: name, Text: text, program: p}, nil
}

// Check implements [Gate].
func (s *Policy) Check(c Case) Verdict {
	labels := c.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	for _, r := range s.Rules {
		if r.program == nil {
			return wait("", never, "policy %s was not compiled", r.Name)
		}
		out, _, err := r.program.Eval(map[string]any{
			"artifact": c.Lane.Artifact, "environment": c.Lane.Environment, "wave": c.Wave, "class": string(c.Class),
			"tag": c.Candidate.Tag, "env": labels,
		})
		if err != nil {
			return block("", "policy %s failed: %s", r.Name, err)
		}
		if ok, _ := out.Value().(bool); !ok {
			return block("", "policy %s does not hold: %.200s", r.Name, r.Text)
		}
	}
	return pass("every policy holds")
}

// UnmarshalJSON compiles the expression again, so that a stored
// snapshot decides as it did.
func (e *Expression) UnmarshalJSON(b []byte) error {
	type plain Expression
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	again, err := NewExpression(p.Name, p.Text)
	if err != nil {
		return err
	}
	*e = again
	return nil
}
