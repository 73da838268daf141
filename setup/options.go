package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// options are the command-line flags.
type options struct {
	pins       string
	python     string
	installDir string
	buildDir   string
	again      bool
}

// help is the text for -help.
const help = `Usage: setup [flags]

Finds or installs libtorch, builds libctorch, the C library between Go and libtorch, and prints the lines
that a shell needs before go build:

  eval "$(go run github.com/clipvqgan/clipvqgan/setup@latest)"

It needs a C++ compiler, CMake, and Ninja or make. It takes the first libtorch of these:

  1. the folder that the variable LIBTORCH names: an unpacked libtorch archive, or the torch folder of a
     Python's site-packages
  2. the torch package of the Python on the PATH
  3. the pinned wheels, which it downloads with pip's configuration and checks by their hashes; this needs
     no Python

What exists already is used: a second run changes nothing. Ctrl-C ends it; an interrupted download goes on
in the next run.

Flags:
  -install-dir FOLDER  where libtorch is installed
                       (default: clipvqgan/libtorch in the user's cache folder)
  -python COMMAND      the Python whose torch package is looked at (default: python3)
  -pins NAME           install the oldest or the newest supported libtorch, and look for no other
  -rebuild             build libctorch even if it is there, as after installing a library that it uses
  -build-dir FOLDER    build nothing: write where libtorch is to libtorch.cmake and libtorch.json in this
                       folder, as make needs it
  -help                print this text

Environment:
  LIBTORCH             the libtorch to use
  LIBTORCH_CUDA        1 to download the wheels with CUDA, 0 for those without
                       (default: with CUDA if the machine has an NVIDIA GPU)
  CC, CXX              the compilers; CFLAGS, CXXFLAGS and LDFLAGS are used too
  PIP_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX, HTTPS_PROXY and others, as for pip
  XDG_CACHE_HOME       the user's cache folder (default: ~/.cache)

Exit status: 0 if all is ready, 1 after an error, 2 for wrong flags, 130 or 143 after a signal.
`

// parse parses the command line. The error is [flag.ErrHelp] for -help.
func parse(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors and help are printed by the caller
	flags.StringVar(&o.pins, "pins", "default", "")
	flags.StringVar(&o.python, "python", "python3", "")
	flags.StringVar(&o.installDir, "install-dir", "", "")
	flags.StringVar(&o.buildDir, "build-dir", "", "")
	flags.BoolVar(&o.again, "rebuild", false, "")
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, wrongUse{fmt.Errorf("%w; -help shows all flags", err)}
	case flags.NArg() > 0:
		return o, wrongUse{fmt.Errorf("%q was given, and setup takes flags alone: see -help", flags.Arg(0))}
	}
	return o, nil
}
