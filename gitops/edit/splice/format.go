package splice

import (
	"path"
	"strings"
)

// Format is how a file is read.
type Format int

// The formats.
const (
	YAML Format = iota
	JSON
	HCL
	Env
)

// String names the format.
func (f Format) String() string {
	return [...]string{"YAML", "JSON", "HCL", "environment variables"}[f]
}

// Known says whether the name is one of a file that people keep versions in. Scripts, pages and templates may mention an
// artifact too, and the locks of other tools name it, but nobody may write there.
func Known(name string) bool {
	base := path.Base(name)
	if IsLock(base) {
		return false
	}
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json", ".tf", ".tofu", ".hcl", ".tfvars", ".env":
		return true
	}
	return base == "Kustomization" || strings.HasPrefix(base, ".env.")
}

// IsLock says whether a file holds what a tool has resolved, with a sum over it.
func IsLock(base string) bool {
	return base == "Chart.lock" || base == "requirements.lock" || base == ".terraform.lock.hcl"
}

// FormatOf tells the format by the file's name. What is not known is read as YAML.
func FormatOf(name string) Format {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".json":
		return JSON
	case ".tf", ".tofu", ".hcl", ".tfvars":
		return HCL
	case ".env":
		return Env
	}
	if strings.HasPrefix(base, ".env.") {
		return Env
	}
	return YAML
}
