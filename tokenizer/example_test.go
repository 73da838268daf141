package tokenizer_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/clipvqgan/clipvqgan/tokenizer"
)

// testFile reads a compressed file of the tests.
func testFile(name string) []byte {
	file, err := os.Open("testdata/tokenizers/" + name)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		log.Fatal(err)
	}
	data, err := io.ReadAll(unzipped)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

// SigLIP reads 64 tokens of a SentencePiece model; its texts have no punctuation and no capitals.
func ExampleFromSentencePiece() {
	siglip, err := tokenizer.FromSentencePiece(testFile("t5.model.gz"), tokenizer.Options{
		ContextLength: 12,
		CleanUp:       tokenizer.CleanUpCanonicalize,
		EndToken:      "</s>",
		PaddingToken:  "</s>",
	})
	if err != nil {
		log.Fatal(err)
	}
	rows, err := siglip.Tokenize("A photo of a cat!")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(rows[0]), rows[0][11], siglip.Decode(rows[0]))
	// Output: 12 1 a photo of a cat
}

func ExampleFromTokenizerJSON() {
	clip, err := tokenizer.FromTokenizerJSON(testFile("clip.json.gz"), tokenizer.Options{ContextLength: 77})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := clip.Encode("A  photo of a cat")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(clip.Decode(tokens))
	_, err = clip.Tokenize(strings.Repeat("cat ", 80))
	fmt.Println(err)
	// Output:
	// a photo of a cat
	// tokenizer: the prompt is too long: "cat cat cat cat cat cat cat cat cat cat "... has 162 tokens, start and end included, and the model reads 77
}

func ExampleForHuggingFace() {
	// The files of a model as they were downloaded.
	siglip, err := tokenizer.ForHuggingFace(os.DirFS("siglip-base-patch16-224"), tokenizer.Options{})
	if err != nil {
		log.Fatal(err)
	}
	rows, err := siglip.TokenizeTruncated("a photo of a cat", "a photo of a dog")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(rows), siglip.ContextLength())
}

func ExampleSentencePiece() {
	model, err := tokenizer.ParseSentencePiece(testFile("gemma.model.gz"))
	if err != nil {
		log.Fatal(err)
	}
	ids, err := model.Encode("a photo, ☃")
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range ids {
		fmt.Print(model.Piece(id), " ")
	}
	fmt.Printf("= %s\n", model.Decode(ids))
	// Output: a ▁photo , ▁ <0xE2> <0x98> <0x83> = a photo, ☃
}

func ExampleHuggingFace() {
	bert, err := tokenizer.ParseTokenizerJSON(testFile("bert.json.gz"))
	if err != nil {
		log.Fatal(err)
	}
	ids, err := bert.Encode("Très belle photo de nuit")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bert.Decode(ids))
	// Output: tres belle photo de nuit
}

func ExampleCleanUp_Apply() {
	text, err := tokenizer.CleanUpCanonicalize.Apply("A  photo, of_a &quot;cafÃ©&quot;!")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text)
	// Output: a photo of a café
}
