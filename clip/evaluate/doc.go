// Package evaluate measures models of pictures and texts: accuracy and confusion of classes, recall of pairs, and
// how far probabilities can be trusted. It takes numbers, whatever model they are of.
//
//	report, err := evaluate.Classification(probabilities, classOf)
//	recall, err := evaluate.Retrieval(ctx, images, texts, imageOf)
package evaluate

import "fmt"

// failed adds the function's name to an error; nil stays nil.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("evaluate: %s: %w", operation, err)
}
