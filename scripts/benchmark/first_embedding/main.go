// Command first_embedding loads a CLIP, embeds one text and one picture, and ends. What it takes from
// its start is what a program needs until its first result.
//
//	first_embedding CHECKPOINT PICTURE [DTYPE]
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "first_embedding:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	ctx, start := context.Background(), time.Now()
	dtype := torch.Float32
	if len(arguments) > 2 {
		var err error
		if dtype, err = torch.ParseDType(arguments[2]); err != nil {
			return err
		}
	}
	model, err := clip.Load(arguments[0], dtype)
	if err != nil {
		return err
	}
	loaded := time.Since(start)
	texts, err := model.EncodeText(ctx, "a photo of a cat")
	if err != nil {
		return err
	}
	pictures, err := model.EncodeFile(ctx, arguments[1])
	if err != nil {
		return err
	}
	fmt.Printf("loaded %.3f s, embedded %.3f s: %v %v\n", loaded.Seconds(), (time.Since(start) - loaded).Seconds(), texts.Shape(), pictures.Shape())
	return nil
}
