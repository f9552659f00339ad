package edit

import (
	"path"
	"strings"
)

// format is how a file is read.
type format int

const (
	formatYAML format = iota
	formatJSON
	formatHCL
	formatEnv
)

func (f format) String() string {
	return [...]string{"YAML", "JSON", "HCL", "environment variables"}[f]
}

// Known says whether the name is one of a file that people keep versions in. Scripts, pages and templates may mention an
// artifact too, and the locks of other tools name it, but nobody may write there.
func Known(name string) bool {
	base := path.Base(name)
	if isLock(base) {
		return false
	}
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json", ".tf", ".tofu", ".hcl", ".tfvars", ".env":
		return true
	}
	return base == "Kustomization" || strings.HasPrefix(base, ".env.")
}

// isLock says whether a file holds what a tool has resolved, with a sum over it.
func isLock(base string) bool {
	return base == "Chart.lock" || base == "requirements.lock" || base == ".terraform.lock.hcl"
}

// formatOf tells the format by the file's name. What is not known is read as YAML.
func formatOf(name string) format {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".json":
		return formatJSON
	case ".tf", ".tofu", ".hcl", ".tfvars":
		return formatHCL
	case ".env":
		return formatEnv
	}
	if strings.HasPrefix(base, ".env.") {
		return formatEnv
	}
	return formatYAML
}
