package policies

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"github.com/maisonrmi/sopd/internal/birthright"
)

// profileCondition compiles a CEL expression over a user's Okta profile, such as user.department == "Sales", and lists the
// attributes that it looks at, sorted. An attribute that the profile does not have is an error of the evaluation.
//
// Errors: what CEL says of the expression, or that the attributes cannot be told from it.
func profileCondition(expression string) (birthright.Condition, []string, error) {
	env, err := cel.NewEnv(cel.Variable(profileName, cel.MapType(cel.StringType, cel.StringType)))
	if err != nil {
		return nil, nil, fmt.Errorf("building the CEL environment: %w", err)
	}
	tree, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, nil, issues.Err()
	}
	if !tree.OutputType().IsExactType(cel.BoolType) {
		return nil, nil, fmt.Errorf("the expression gives %s; it has to give true or false", tree.OutputType())
	}
	attributes, err := attributesOf(tree.NativeRep().Expr())
	if err != nil {
		return nil, nil, err
	}
	program, err := env.Program(tree, cel.CostLimit(10_000)) // as for requests
	if err != nil {
		return nil, nil, err
	}
	return func(profile map[string]string) (bool, error) {
		value, _, err := program.Eval(map[string]any{profileName: profile})
		if err != nil {
			return false, fmt.Errorf("evaluating %q: %w", expression, err)
		}
		holds, ok := value.Value().(bool)
		if !ok {
			return false, fmt.Errorf("evaluating %q: gave %v", expression, value.Type())
		}
		return holds, nil
	}, attributes, nil
}

// profileName is the variable that holds the profile.
const profileName = "user"

// attributesOf returns the attributes that the expression names, sorted.
//
// Errors: when it names none, or uses the profile in a way that does not show which.
func attributesOf(tree ast.Expr) ([]string, error) {
	var attributes []string
	uses, named := 0, 0
	ast.PostOrderVisit(tree, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			if e.AsIdent() == profileName {
				uses++
			}
		case ast.SelectKind:
			if isProfile(e.AsSelect().Operand()) {
				named++
				attributes = append(attributes, e.AsSelect().FieldName())
			}
		case ast.CallKind:
			if name, ok := indexed(e.AsCall()); ok {
				named++
				attributes = append(attributes, name)
			}
		default: // literals and the like
		}
	}))
	if uses != named || named == 0 {
		return nil, errors.New(`the expression has to name the attributes that it looks at, such as user.department or user["costCenter"]`)
	}
	slices.Sort(attributes)
	return slices.Compact(attributes), nil
}

func isProfile(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == profileName }

// indexed returns the attribute in user["attribute"].
func indexed(c ast.CallExpr) (name string, ok bool) {
	if c.FunctionName() != "_[_]" || len(c.Args()) != 2 || !isProfile(c.Args()[0]) || c.Args()[1].Kind() != ast.LiteralKind {
		return "", false
	}
	name, ok = c.Args()[1].AsLiteral().Value().(string)
	return name, ok
}
