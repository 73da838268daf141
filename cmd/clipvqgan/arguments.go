package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what is wrong with a flag, and what form is wanted.
func flagError(command *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("--%s is %q, wanted %s", invalid.GetFlag().Name, invalid.GetValue(), form(invalid.GetFlag()))
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s has no value, wanted %s", missing.GetFlag().Name, form(missing.GetFlag()))
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return fmt.Errorf("there is no flag %s%s; %s --help shows all", dashes, unknown.GetSpecifiedName(), command.CommandPath())
	}
	return err
}

// form describes the values that a flag takes.
func form(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "uint64":
		return "a whole number from 0 to 18446744073709551615"
	case "int":
		return "a whole number, as " + flag.DefValue
	case "float64":
		return "a finite number, as " + flag.DefValue
	case "bool":
		return "true or false"
	}
	return "a text: " + flag.Usage
}

// atLeastOne is cobra.MinimumNArgs(1) with a message in words.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return fmt.Errorf("no %s was given; use: %s", what, command.UseLine())
		}
		return nil
	}
}
