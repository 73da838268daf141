package prior_test

import (
	"context"
	"fmt"

	"github.com/clipvqgan/clipvqgan/vqgan/prior"
)

func ExampleModel_Draw() {
	// A checkpoint of taming-transformers with its YAML file, and its VQGAN inside.
	model, err := prior.Load("testdata/taming_class")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	options := model.DefaultOptions()
	options.TopK = 20
	options.OnRow = func(row prior.Row) error {
		if row.Number == row.Rows {
			fmt.Println("drew", row.Number, "rows of", len(row.Drawings), "pictures")
		}
		return nil
	}
	ctx := context.Background()
	drawings, err := model.Draw(ctx, []prior.Picture{
		{Condition: prior.OfClass(7), Seed: 1},
		{Condition: prior.OfClass(2), Seed: 1},
	}, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	picture, err := prior.Decode(ctx, model.VQGAN(), drawings[0].Grid)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(picture.Bounds())
	// Output:
	// drew 8 rows of 2 pictures
	// (0,0)-(32,32)
}

func ExampleKeepTop() {
	model, err := prior.Load("testdata/taming_class")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	// The upper half of a picture is given, here as a grid of one token.
	start := prior.Grid{Height: 8, Width: 8, Tokens: make([]int64, 64)}
	drawings, err := model.Draw(context.Background(), []prior.Picture{{
		Condition: prior.OfClass(7), Start: &start, Keep: prior.KeepTop(8, 8, 4),
	}}, model.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(drawings[0].Grid.Tokens[:8])
	// Output: [0 0 0 0 0 0 0 0]
}
