// Package vision converts between images and tensors, with the same numbers as torchvision.
package vision
