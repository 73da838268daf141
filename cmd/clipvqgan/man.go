package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan returns the hidden command that writes manual pages, for make install.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages of all commands",
		Hidden: true,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%d folders were given, wanted 1; use: %s", len(arguments), command.UseLine())
			}
			return nil
		},
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := os.MkdirAll(arguments[0], 0o755); err != nil {
				return err
			}
			root := command.Root()
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "clipvqgan", Manual: "User Commands"}, arguments[0])
		},
	}
}
