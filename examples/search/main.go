// Command search shows text-to-image search: it embeds images and a text in one space, and lists
// the images that are closest to the text.
//
//	go run ./examples/search "a red heart" pictures/*.png
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
)

const shown = 5

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: search TEXT PICTURE...")
	}
	paths := os.Args[2:]
	ctx := context.Background()
	model, err := models.CLIP()
	if err != nil {
		log.Fatal(err)
	}
	pictures, err := model.EncodeFile(ctx, paths...)
	if err != nil {
		log.Fatal(err)
	}
	text, err := model.EncodeText(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	cosines, err := clip.Similarity(ctx, text, pictures)
	if err != nil {
		log.Fatal(err)
	}
	best, places := cosines.TopK(min(shown, int64(len(paths))), 1, true)
	for i, place := range torch.ToSlice[int64](places) {
		fmt.Printf("%.3f  %s\n", torch.ToSlice[float32](best)[i], paths[place])
	}
}
