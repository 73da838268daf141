// Package clip is CLIP (Radford and others 2021, "Learning Transferable Visual Models From Natural
// Language Supervision"): a picture and a text become vectors of one space, in which what belongs
// together lies close together.
//
//	model, err := clip.Load("models/clip.pt")
//	classifier, err := model.NewClassifier(ctx, []string{"a cat", "a dog"})
//	predictions, err := classifier.Classify(ctx, picture)
//
// [Model.EncodeImage] and [Model.EncodeText] hand back embeddings of length 1, whose products are
// the cosines of the angles between them ([Similarity]); with [Model.EncodePixels] gradients flow
// back to the picture. A [Classifier] keeps the embeddings of its labels. Package tokenizer has
// the tokenizer.
//
// A model may be used from many goroutines at once. Bad input is an error, never a panic. Models are
// TorchScript archives that scripts/export/export_clip.py writes; package models has a small one.
package clip
