package policies

import (
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/maisonrmi/sopd/internal/authority"
)

// condition compiles a CEL expression over a request into the engine's form. The expression sees:
//
//	system.id, system.name, system.risk   the system asked for
//	role                                  the role asked for
//	beneficiary, requester                their Okta profiles as maps of text, with "status"
//	duration                              how long the access is asked for; duration("0s") for no end
//
// It has to give true or false. Errors: what CEL says of the expression.
func condition(expression string) (authority.Condition, error) {
	return compileCondition(expression, input,
		cel.Variable("system", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("role", cel.StringType),
		cel.Variable("beneficiary", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("requester", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("duration", cel.DurationType),
	)
}

// compileCondition compiles a CEL expression over what see makes of a T: one value for each variable. The expression has
// to give true or false. Errors: what CEL says of the expression.
func compileCondition[T any](expression string, see func(T) map[string]any, variables ...cel.EnvOption) (func(T) (bool, error), error) {
	env, err := cel.NewEnv(variables...)
	if err != nil {
		return nil, fmt.Errorf("building the CEL environment: %w", err)
	}
	tree, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if !tree.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("the expression gives %s; it has to give true or false", tree.OutputType())
	}
	program, err := env.Program(tree, cel.CostLimit(10_000)) // far above any sane policy, far below a stall
	if err != nil {
		return nil, err
	}
	return func(of T) (bool, error) {
		value, _, err := program.Eval(see(of))
		if err != nil {
			return false, fmt.Errorf("evaluating %q: %w", expression, err)
		}
		holds, ok := value.Value().(bool)
		if !ok {
			return false, fmt.Errorf("evaluating %q: gave %v", expression, value.Type())
		}
		return holds, nil
	}, nil
}

func input(f authority.Facts) map[string]any {
	profile := func(attributes map[string]string, status string) map[string]string {
		all := make(map[string]string, len(attributes)+1)
		for k, v := range attributes {
			all[k] = v
		}
		all["status"] = status
		return all
	}
	return map[string]any{
		"system":      map[string]string{"id": f.System.ID, "name": f.System.Name, "risk": string(f.System.Risk)},
		"role":        f.Role,
		"beneficiary": profile(f.Beneficiary.Profile, string(f.Beneficiary.Status)),
		"requester":   profile(f.Requester.Profile, string(f.Requester.Status)),
		"duration":    max(f.Duration, time.Duration(0)),
	}
}
