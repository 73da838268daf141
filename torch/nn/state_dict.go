package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// StateDict returns the parameters and buffers in module by name, as PyTorch's state_dict().
// Package torch/checkpoint writes it to a file that torch.load reads, and its Tensors can be saved
// with package torch/safetensors. The tensors share memory with those in module, and require no
// gradient.
func StateDict(module any) *torch.Dict {
	const operation = "StateDict"
	all := collect(operation, module)
	state := &torch.Dict{Ordered: true}
	for _, place := range all.tensors {
		if place.transient {
			continue
		}
		if _, twice := state.Lookup(place.name); twice {
			panic(invalid(operation, "two tensors are named %q", place.name))
		}
		state.Set(place.name, place.tensor.Detach())
	}
	versions := &torch.Dict{Ordered: true}
	for _, part := range all.modules {
		version := 1
		if layer, ok := part.value.(interface{ stateVersion() int }); ok {
			version = layer.stateVersion()
		}
		versions.Set(part.name, torch.NewDict("version", version))
	}
	state.Attributes = torch.NewDict("_metadata", versions)
	return state
}

// LoadStateDict copies the tensors of a state dict into those with the same names in module, and
// converts dtype and device. Use [torch.StateDict] for tensors read by package safetensors. If a
// name is missing or unexpected, or a shape differs, it copies nothing and returns an error of kind
// [torch.ErrInvalid] that lists them all.
func LoadStateDict(module any, state *torch.Dict, options torch.StateDictOptions) (report torch.StateDictReport, err error) {
	const operation = "LoadStateDict"
	err = torch.Try(func() error {
		places := collect(operation, module).tensors
		places = slices.DeleteFunc(places, func(place tensorPlace) bool { return place.transient })
		sources, unfit, err := match(operation, places, state, &report)
		if err != nil {
			return err
		}
		var problems []string
		if !options.Partial {
			problems = append(problems, listed("missing", report.Missing)...)
			problems = append(problems, listed("unexpected", report.Unexpected)...)
		}
		problems = append(problems, listed("of another shape", unfit)...)
		if len(problems) > 0 {
			return invalid(operation, "the state dict does not fit: %s", strings.Join(problems, "; "))
		}
		torch.NoGrad(func() {
			for i, source := range sources {
				if source != nil {
					places[i].tensor.CopyInPlace(source)
				}
			}
		})
		return nil
	})
	return report, err
}

// match returns the state dict's tensor for each place, or nil, and what does not fit.
func match(operation string, places []tensorPlace, state *torch.Dict, report *torch.StateDictReport) (
	sources []*torch.Tensor, unfit []string, err error) {
	known := map[string]bool{}
	for _, place := range places {
		known[place.name] = true
		value, found := state.Lookup(place.name)
		if !found {
			report.Missing = append(report.Missing, place.name)
			sources = append(sources, nil)
			continue
		}
		source, ok := value.(*torch.Tensor)
		if !ok || source == nil {
			return nil, nil, invalid(operation, "%q is %s in the state dict, not a tensor", place.name, words.Type(value))
		}
		if wanted, given := place.tensor.Shape(), source.Shape(); !slices.Equal(wanted, given) {
			unfit = append(unfit, fmt.Sprintf("%s is %v, %v is wanted", place.name, given, wanted))
		}
		sources = append(sources, source)
	}
	for key := range state.All() {
		name, ok := key.(string)
		if !ok {
			return nil, nil, invalid(operation, "the state dict has the key %v, which is no name", key)
		}
		if !known[name] {
			report.Unexpected = append(report.Unexpected, name)
		}
	}
	return sources, unfit, nil
}

func listed(what string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{what + ": " + strings.Join(names, ", ")}
}
