package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/imageio"
)

func newReconstruct(s *settings) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "reconstruct PICTURE",
		Short: "Show what the VQGAN keeps of a picture: encode it, quantize it, decode it",
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%d pictures were given, wanted 1; use: %s", len(arguments), command.UseLine())
			}
			return nil
		},
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := imageio.CheckOutputPath(output); err != nil {
				return err
			}
			picture, err := imageio.Load(arguments[0], imageio.Options{})
			if err != nil {
				return err
			}
			model, err := s.loadVQGAN()
			if err != nil {
				return err
			}
			defer model.Close()
			reconstructed, err := model.Reconstruct(command.Context(), picture)
			if err != nil {
				return err
			}
			if err := imageio.Save(output, reconstructed); err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "wrote %s\n", output)
			return nil
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "reconstructed.png", "the picture to write")
	return command
}
