// Package clip computes embeddings with CLIP (Radford et al. 2021, "Learning Transferable Visual
// Models From Natural Language Supervision"): vectors of images and texts in one space, where the
// cosine between an image and a text that describes it is large.
//
//	model, err := clip.Load("models/clip.pt")
//	classifier, err := model.NewClassifier(ctx, []string{"a cat", "a dog"})
//	predictions, err := classifier.Classify(ctx, picture)
//
// [Model.EncodeImage], [Model.EncodeFile] and [Model.EncodeText] return embeddings [N, D] as the
// network computes them: they are not normalized. [Similarity] returns the cosines between them.
// [Model.EncodeFiles] embeds any number of files in bounded memory. [Model.EncodePixels] takes a
// tensor, and gradients flow back to it. A [Classifier] keeps the embeddings of its labels.
//
// Methods that compute take a context. They return its error if it ends before enough processors
// are free, or between two batches. A model may be used from many goroutines at once. Invalid input
// is an error, never a panic.
//
// Models are archives of [Import], or the published checkpoints that it reads: OpenAI's,
// open_clip's, and Hugging Face's. [Create] writes archives with fresh weights, for training. Package
// models contains a small one.
package clip
