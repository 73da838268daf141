package clip

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// trained is what a checkpoint of scripts/training/train_clip.py tells beside its weights.
type trained struct {
	architecture string
	// merges are those of OpenAI's tokenizer, one a line, with which it was trained.
	merges []byte
}

// trainedFrom returns what a file of torch.save tells, or nothing if it is no such checkpoint.
func trainedFrom(value any) trained {
	dict, ok := value.(*torch.Dict)
	if !ok {
		return trained{}
	}
	architecture, _ := dict.Get("architecture").(string)
	merges, _ := dict.Get("merges").([]any)
	if architecture == "" || len(merges) == 0 {
		return trained{}
	}
	var text bytes.Buffer
	for _, each := range merges {
		merge, ok := each.(string)
		if !ok || strings.Contains(merge, "\n") {
			return trained{}
		}
		text.WriteString(merge + "\n")
	}
	return trained{architecture: architecture, merges: text.Bytes()}
}

// checkMerges checks that merges make a vocabulary of the size. where says where they are.
func checkMerges(merges []byte, vocabulary int64, where string) error {
	t, err := tokenizer.NewCLIP(bytes.NewReader(merges), 77)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if int64(t.VocabularySize()) != vocabulary {
		return fmt.Errorf("%s makes a vocabulary of %d, the model has %d tokens: %w", where, t.VocabularySize(), vocabulary, torch.ErrModel)
	}
	return nil
}
