package config

import "strings"

// Header begins every document.
type Header struct {
	APIVersion string `yaml:"apiVersion" jsonschema:"required,enum=waveguide.dev/v1alpha1"`
	Kind       string `yaml:"kind" jsonschema:"required"`
	Name       string `yaml:"name" jsonschema:"required,pattern=^[A-Za-z0-9][A-Za-z0-9._-]*$"`
}

// The kinds of documents in the rules.
const (
	KindEnvironment  = "Environment"
	KindPromotion    = "Promotion"
	KindGuardrail    = "Guardrail"
	KindChangeWindow = "ChangeWindow"
	KindFreeze       = "Freeze"
	KindRiskRule     = "RiskRule"
	KindException    = "Exception"
	KindEmergency    = "Emergency"
)

// maxName bounds names: they become parts of branches and files.
const maxName = 100

// isName says whether a name of an artifact, environment, wave or promotion
// can stand in a branch, a path and a query without changing them.
func isName(s string) bool {
	if s == "" || len(s) > maxName || !lowerOrDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !lowerOrDigit(s[i]) && s[i] != '.' && s[i] != '-' {
			return false
		}
	}
	return true
}

func lowerOrDigit(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }

const nameHint = "names begin with a-z or 0-9 and go on with a-z, 0-9, '.' and '-', 100 at most"

// checkName reports a name that cannot be one.
func (d *document) checkName(name, what string, path ...any) bool {
	if isName(name) && !badRefName(name) {
		return true
	}
	if name != "" {
		d.reportAt(path, nameHint, "%q cannot be the name of %s", clip(name), what)
	}
	return false
}

// badRefName says that Git would refuse a branch with that name in it.
func badRefName(s string) bool {
	return strings.Contains(s, "..") || strings.HasSuffix(s, ".") || strings.HasSuffix(s, ".lock")
}

// clip shortens untrusted text for messages.
func clip(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}
