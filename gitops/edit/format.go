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
