// Package clip computes embeddings with CLIP (Radford et al. 2021, "Learning Transferable Visual Models
// From Natural Language Supervision"): vectors of pictures and of texts in one space, in which the cosine
// between a picture and its description is large.
//
//	model, err := clip.Load("models/clip.pt")
//	classifier, err := model.NewClassifier(ctx, []string{"a cat", "a dog"})
//	predictions, err := classifier.Classify(ctx, picture)
//
// [Model.EncodeImage], [Model.EncodeFile] and [Model.EncodeText] return embeddings as the network gives
// them, [N, D]: they are not of unit length. [Similarity] returns the cosines between them.
// [Model.EncodeFiles] embeds any number of files in bounded memory. [Model.EncodePixels] takes a
// tensor, to which gradients flow back. A [Classifier] keeps the embeddings of its labels.
//
// Methods that compute take a context: they return its error when it ends before their turn on the
// processors comes, or between two batches. A model may be used from many goroutines at once. Bad
// input is an error, never a panic.
//
// Models are TorchScript archives that scripts/export/export_clip.py writes. Package models has a small
// one.
package clip
