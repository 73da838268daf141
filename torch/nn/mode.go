package nn

// Mode is whether a layer is in training: it is, until [Eval] is called. Embed it in a struct to have
// [Train] and [Eval] reach it.
type Mode struct {
	evaluation bool
}

// Training reports whether the layer is in training mode.
func (m *Mode) Training() bool { return !m.evaluation }

// SetTraining sets the mode of this layer alone. [Train] and [Eval] set that of all in a network.
func (m *Mode) SetTraining(on bool) { m.evaluation = !on }

// Train puts every layer in module into training mode.
func Train(module any) { setTraining("Train", module, true) }

// Eval puts every layer in module into evaluation mode: dropout does nothing, and batch normalization
// uses its running statistics.
func Eval(module any) { setTraining("Eval", module, false) }

func setTraining(operation string, module any, on bool) {
	for _, part := range collect(operation, module).structs {
		if layer, ok := part.(interface{ SetTraining(on bool) }); ok {
			layer.SetTraining(on)
		}
	}
}
