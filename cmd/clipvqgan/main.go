// Command clipvqgan makes pictures from text and tells what pictures show.
//
//	clipvqgan generate "a slice of pizza" -o pizza.png --seed 7
//	clipvqgan classify photo.png --labels "a cat,a dog,a slice of pizza"
//	clipvqgan reconstruct photo.png -o reconstructed.png
//
// Without --clip and --vqgan it uses the small models that come with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// Exit statuses: a failure, and the shells' number for Ctrl-C.
const (
	statusFailed      = 1
	statusInterrupted = 130
)

// errInterrupted is the cause of the context's end at Ctrl-C.
var errInterrupted = errors.New("interrupted")

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(errInterrupted)
		// A second one means it: the default action ends the program at once.
		signal.Reset(os.Interrupt, syscall.SIGTERM)
	}()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "clipvqgan: "+oneLine(err.Error()))
		if errors.Is(err, errInterrupted) {
			os.Exit(statusInterrupted)
		}
		os.Exit(statusFailed)
	}
}

func oneLine(message string) string { return strings.Join(strings.Fields(message), " ") }

// settings are the flags that every command takes.
type settings struct {
	device string
	clip   string
	vqgan  string
}

func newRoot() *cobra.Command {
	var s settings
	root := &cobra.Command{
		Use:           "clipvqgan",
		Short:         "Make pictures from text, and tell what pictures show",
		Version:       "libtorch " + torch.Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.device, "device", "auto", "where to compute: auto, cpu, cuda or cuda:N")
	flags.StringVar(&s.clip, "clip", "", "CLIP model file (default: the small one that comes with the program)")
	flags.StringVar(&s.vqgan, "vqgan", "", "VQGAN model file (default: the small one that comes with the program)")
	root.AddCommand(newGenerate(&s), newClassify(&s), newReconstruct(&s))
	return root
}

func (s *settings) loadCLIP() (*clip.Model, error) {
	device, err := torch.ParseDevice(s.device)
	if err != nil {
		return nil, err
	}
	if s.clip == "" {
		return models.CLIP(device)
	}
	return clip.Load(s.clip, device)
}

func (s *settings) loadVQGAN() (*vqgan.Model, error) {
	device, err := torch.ParseDevice(s.device)
	if err != nil {
		return nil, err
	}
	if s.vqgan == "" {
		return models.VQGAN(device)
	}
	return vqgan.Load(s.vqgan, device)
}
