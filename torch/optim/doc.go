// Package optim provides PyTorch's optimizers and learning-rate schedules, those of torch.optim and
// torch.optim.lr_scheduler.
//
//	options := optim.DefaultAdam()
//	options.LearningRate = 0.1
//	optimizer, err := optim.Adam([]*torch.Tensor{x}, options)
//	...
//	for range steps {
//		optimizer.ZeroGrad()
//		loss(x).Backward()
//		optimizer.Step()
//	}
//
// The fields of options are used as they are, also where they are 0: start from [DefaultAdam],
// [DefaultOneCycle] and so on, which return PyTorch's defaults. Steps give the same numbers as PyTorch's. States of optimizers and schedules
// have Python's layout: a state saved with torch/checkpoint can be loaded in Python, and the
// reverse.
package optim
