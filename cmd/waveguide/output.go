package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// outputFlag adds -o, which every command that answers has.
func outputFlag(c *cobra.Command, to *string) {
	c.Flags().StringVarP(to, "output", "o", "text", "how the answer is written: text or json")
}

// answer writes text for people or the value as JSON for programs.
func answer(w io.Writer, output string, v any, text func(io.Writer)) error {
	switch output {
	case "text":
		text(w)
		return nil
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	return usage{fmt.Errorf("output %q is neither text nor json", output)}
}
