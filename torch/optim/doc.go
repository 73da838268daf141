// Package optim has PyTorch's optimizers and learning-rate schedules: torch.optim and
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
// What a field of the options holds is what is used; [DefaultAdam] and its like fill in PyTorch's
// defaults. The steps give PyTorch's numbers, and the states of optimizers and schedules are in
// Python's layout: [Optimizer.StateDict] can be saved with torch/checkpoint and loaded in Python, and
// the other way round.
package optim
