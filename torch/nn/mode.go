package nn

// Mode says whether a layer is in training mode, which it is until [Eval] is called. Embed it in a
// struct so that [Train] and [Eval] set its mode.
type Mode struct {
	evaluation bool
}

// Training reports whether the layer is in training mode.
func (m *Mode) Training() bool { return !m.evaluation }

// SetTraining sets the mode of this layer only. [Train] and [Eval] set that of a whole network.
func (m *Mode) SetTraining(on bool) { m.evaluation = !on }

// Train sets every layer in module to training mode.
func Train(module any) { setTraining("Train", module, true) }

// Eval sets every layer in module to evaluation mode: dropout does nothing, and batch normalization
// uses its running statistics.
func Eval(module any) { setTraining("Eval", module, false) }

func setTraining(operation string, module any, on bool) {
	for _, part := range collect(operation, module).structs {
		if layer, ok := part.(interface{ SetTraining(on bool) }); ok {
			layer.SetTraining(on)
		}
	}
}
