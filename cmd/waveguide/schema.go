package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/config/schema"
)

func schemaCommand(s streams) *cobra.Command {
	var defaults bool
	c := &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the configuration", Args: alone,
		RunE: func(*cobra.Command, []string) error {
			if defaults {
				_, err := fmt.Fprint(s.out, config.Defaults())
				return err
			}
			text, err := schema.Generate()
			if err != nil {
				return err
			}
			_, err = s.out.Write(text)
			return err
		},
	}
	c.Flags().BoolVar(&defaults, "defaults", false, "print what is assumed where a document says nothing")
	return c
}
