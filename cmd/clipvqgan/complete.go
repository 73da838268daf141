package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/clip/labels"
)

// outputExtensions are the extensions of image files that can be written.
var outputExtensions = []string{"png", "jpg", "jpeg", "webp"}

// complete sets up shell completion, for `clipvqgan completion`.
func complete(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Args = cobra.ArbitraryArgs
		completion.RunE = func(command *cobra.Command, shells []string) error {
			if len(shells) == 0 {
				return command.Help()
			}
			var known []string
			for _, shell := range command.Commands() {
				known = append(known, shell.Name())
			}
			return fmt.Errorf("there is no completion for %q, only for %s", shells[0], strings.Join(known, ", "))
		}
	}
	files := func(extensions ...string) cobra.CompletionFunc {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return extensions, cobra.ShellCompDirectiveFilterFileExt
		}
	}
	words := func(words ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	flags := map[string]cobra.CompletionFunc{
		"device":       words("auto", "cpu", "cuda"),
		"clip":         files("pt"),
		"vqgan":        files("pt"),
		"prior":        files("pt"),
		"output":       files(outputExtensions...),
		"init":         files(pictureExtensions...),
		"complete":     files(pictureExtensions...),
		"condition":    files(pictureExtensions...),
		"save-tokens":  files("json"),
		"format":       words(outputExtensions...),
		"probe":        files("safetensors"),
		"confusion":    files(outputExtensions...),
		"reliability":  files(outputExtensions...),
		"curve":        files(outputExtensions...),
		"architecture": words(clip.Architectures()...),
		"precision":    words("float32", "bfloat16", "float16"),
		"loss":         words("auto", "contrastive", "sigmoid"),
		"sheet":        files(outputExtensions...),
		"head":         words("auto", "softmax", "sigmoid"),
		"labels-of":    words(labels.Names()...),
		"templates":    words(labels.TemplateNames()...),
	}
	commands := append(root.Commands(), root)
	for _, command := range root.Commands() {
		commands = append(commands, command.Commands()...)
	}
	for _, command := range commands {
		for flag, values := range flags {
			if command.Flags().Lookup(flag) == nil && command.PersistentFlags().Lookup(flag) == nil {
				continue
			}
			if err := command.RegisterFlagCompletionFunc(flag, values); err != nil {
				panic(err) // the flag is there
			}
		}
		for _, flag := range []string{"seed", "steps", "size", "cutouts", "batch", "learning-rate", "smoothness",
			"init-weight", "save-every", "number", "class",
			"temperature", "top-k", "top-p", "guidance", "labels", "label", "template", "top", "threshold",
			"epochs", "chunk", "warmup", "weight-decay", "clip-norm", "blocks", "lora", "lora-alpha", "mix", "crop", "mirror", "jitter",
			"grayscale", "picture-column", "text-column", "hold-out", "regularization"} {
			if command.Flags().Lookup(flag) != nil {
				if err := command.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions); err != nil {
					panic(err)
				}
			}
		}
		switch command.Name() {
		case "classify", "reconstruct":
			command.ValidArgsFunction = files(pictureExtensions...)
		case "generate", "draw":
			command.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
}
