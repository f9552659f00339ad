package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: alone,
		RunE: func(*cobra.Command, []string) error {
			line := "waveguide " + version
			if info, ok := debug.ReadBuildInfo(); ok {
				line += " " + info.GoVersion
			}
			_, err := fmt.Fprintln(s.out, line)
			return err
		},
	}
}
