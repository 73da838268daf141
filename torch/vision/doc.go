// Package vision turns pictures into tensors and back, with the numbers of torchvision.
package vision
