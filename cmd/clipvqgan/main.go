// Command clipvqgan generates images from text, classifies images, and reconstructs them with a
// VQGAN.
//
//	clipvqgan generate "a slice of pizza" -o pizza.png --seed 7
//	clipvqgan draw "a red apple" --prior dalle-mini.pt -n 8 -o apples.png
//	clipvqgan classify photo.png --labels "a cat,a dog,a slice of pizza"
//	clipvqgan reconstruct photo.png -o reconstructed.png
//
// Without --clip and --vqgan it uses embedded small models.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

func main() {
	var s settings
	ctx := s.lastWord.listen(context.Background())
	out := &output{file: os.Stdout}
	root := newRoot(&s)
	root.SetOut(out)
	err := out.failure(root.ExecuteContext(ctx))
	exit(err, status(err))
}

// settings are the flags of all commands.
type settings struct {
	device   string
	clip     string
	vqgan    string
	json     bool
	lastWord lastWord
}

func newRoot(s *settings) *cobra.Command {
	root := &cobra.Command{
		Use:   "clipvqgan COMMAND",
		Short: "Make pictures from text, and tell what pictures show",
		Long: `Make pictures from text, and tell what pictures show.

Ctrl-C and SIGTERM end every command within a second; generate and draw write the picture so far.`,
		Version:       version() + ", libtorch " + torch.Version() + ", " + imageio.Decoders(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.device, "device", "auto", "where to compute: auto, cpu, cuda or cuda:N")
	flags.StringVar(&s.clip, "clip", "", "CLIP model `file` (default: the small one that comes with the program)")
	flags.StringVar(&s.vqgan, "vqgan", "", "VQGAN model `file` (default: the small one that comes with the program)")
	flags.BoolVar(&s.json, "json", false, "print results as JSON, one object a line")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newGenerate(s), newDraw(s), newClassify(s), newReconstruct(s), newTrain(s), newProbe(s), newEvaluate(s), newImport(s), newInspect(s), newMan())
	complete(root)
	return root
}

// version returns the version of the module that the program was built from, or "from source".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "from source"
	}
	return info.Main.Version
}

// place returns the device to compute on.
func (s *settings) place() (torch.Device, error) {
	device, err := torch.ParseDevice(s.device)
	if failure, ok := errors.AsType[*torch.Error](err); ok {
		return device, errors.New("--device: " + failure.Message)
	}
	return device, err
}

func (s *settings) loadCLIP() (*clip.Model, error) {
	device, err := s.place()
	if err != nil {
		return nil, err
	}
	if s.clip == "" {
		return models.CLIP(device)
	}
	return clip.Load(s.clip, device)
}

func (s *settings) loadVQGAN() (*vqgan.Model, error) {
	device, err := s.place()
	if err != nil {
		return nil, err
	}
	if s.vqgan == "" {
		return models.VQGAN(device)
	}
	return vqgan.Load(s.vqgan, device)
}

// printJSON prints a result as one line of JSON.
func printJSON(out io.Writer, result any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}

// A failedInput is the JSON result for an input that could not be read.
type failedInput struct {
	Picture fileName `json:"picture"`
	Error   string   `json:"error"`
}
