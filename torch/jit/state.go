package jit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// StateDict returns the module's parameters and buffers by their dotted names, for torch/checkpoint
// and Python's load_state_dict. They share the module's memory.
func (m *Module) StateDict() (*torch.Dict, error) {
	named, err := m.state("StateDict")
	if err != nil {
		return nil, err
	}
	return torch.StateDict(named), nil
}

func (m *Module) state(operation string) ([]torch.NamedTensor, error) {
	parameters, err := m.NamedParameters()
	if err != nil {
		return nil, err
	}
	buffers, err := m.NamedBuffers()
	if err != nil {
		return nil, err
	}
	return append(parameters, buffers...), nil
}

// LoadStateDict copies the tensors of a state dict to the module's parameters and buffers of the
// same names, and converts dtype and device. If a name is missing or unexpected, or a shape differs,
// it copies nothing and returns an error of kind [torch.ErrInvalid] that lists them all.
func (m *Module) LoadStateDict(state *torch.Dict, options torch.StateDictOptions) (report torch.StateDictReport, err error) {
	const operation = "LoadStateDict"
	own, err := m.state(operation)
	if err != nil {
		return report, err
	}
	defer bridge.CloseAll(withoutNames(own))
	given, err := state.Tensors()
	if err != nil {
		return report, err
	}
	sources := map[string]*torch.Tensor{}
	for _, named := range given {
		sources[named.Name] = named.Tensor
	}
	report.Unexpected = unexpected(given, own)
	err = torch.Try(func() error {
		var misfits []string
		for _, target := range own {
			source, ok := sources[target.Name]
			if !ok {
				report.Missing = append(report.Missing, target.Name)
			} else if wanted, got := target.Tensor.Shape(), source.Shape(); !slices.Equal(wanted, got) {
				misfits = append(misfits, fmt.Sprintf("%s has shape %v, not %v", target.Name, got, wanted))
			}
		}
		problems := misfits
		if !options.Partial {
			problems = slices.Concat(listed("it lacks ", report.Missing),
				listed("the module lacks ", report.Unexpected), misfits)
		}
		if len(problems) > 0 {
			return invalid(operation, "the state dict does not fit the module: %s", strings.Join(problems, "; "))
		}
		torch.NoGrad(func() {
			for _, target := range own {
				if source, ok := sources[target.Name]; ok {
					target.Tensor.CopyInPlace(source)
				}
			}
		})
		return nil
	})
	return report, err
}

// unexpected returns the names in given that are not in known.
func unexpected(given, known []torch.NamedTensor) []string {
	names := map[string]bool{}
	for _, each := range known {
		names[each.Name] = true
	}
	var others []string
	for _, each := range given {
		if !names[each.Name] {
			others = append(others, each.Name)
		}
	}
	return others
}

func listed(what string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{what + strings.Join(names, ", ")}
}
