package jit_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

func ExampleLoad() {
	module, err := jit.Load("testdata/modules/tiny.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	if err := module.Eval(); err != nil {
		log.Fatal(err)
	}
	torch.NoGrad(func() {
		y, err := module.Forward(torch.FromSlice([]float32{1, 2}, torch.Shape{1, 2}))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(y)
	})
	// Output: tensor([[ 4.5000, 10.5000]])
}

func ExampleReadExtraFiles() {
	files, err := jit.ReadExtraFiles("testdata/modules/tiny.pt")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", files["note.txt"])
	// Output: a file beside the code
}

func ExampleModule_Call() {
	module, err := jit.Load("testdata/modules/values.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()

	// def forward(self, x: Tensor, scale: float = 2.0, shift: Optional[Tensor] = None) -> Tensor
	x := torch.FromSlice([]float32{1, 2}, nil)
	y, err := module.Call("forward", x, jit.Kwargs{"shift": x})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.(*torch.Tensor))

	// def by_number(self, x: Dict[int, List[float]]) -> Dict[int, List[float]]
	dict, err := module.Call("by_number", torch.NewDict(1, []float64{0.5, 0.25}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(dict.(*torch.Dict).Get(1).([]float64))

	_, err = module.Call("forward", x, "two")
	fmt.Println(err)
	// Output:
	// tensor([3., 6.])
	// [0.5 0.25]
	// torch: forward: argument 2 of forward(x: Tensor, scale: float = 2., shift: Optional[Tensor] = None): scale wants float, not text
}

func ExampleModule_Methods() {
	module, err := jit.Load("testdata/modules/net.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	methods, err := module.Methods()
	if err != nil {
		log.Fatal(err)
	}
	for _, method := range methods {
		fmt.Println(method)
	}
	// Output:
	// forward(x: Tensor) -> Tensor
	// features(x: Tensor) -> Tensor
}

func ExampleModule_NamedParameters() {
	module, err := jit.Load("testdata/modules/tiny.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	parameters, err := module.NamedParameters()
	if err != nil {
		log.Fatal(err)
	}
	for _, parameter := range parameters {
		fmt.Println(parameter.Name, parameter.Tensor.Shape())
	}
	// Output:
	// weight [2 2]
	// bias [2]
}

func ExampleModule_Save() {
	module, err := jit.Load("testdata/modules/tiny.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	folder, err := os.MkdirTemp("", "module")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.pt")
	if err := module.SetExtraFile("config.json", []byte(`{"size": 2}`)); err != nil {
		log.Fatal(err)
	}
	if err := module.Save(path); err != nil {
		log.Fatal(err)
	}
	again, err := jit.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
	fmt.Printf("%s\n", again.ExtraFiles()["config.json"])
	// Output: {"size": 2}
}

func ExampleModule_LoadStateDict() {
	module, err := jit.Load("testdata/modules/tiny.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	_, err = module.LoadStateDict(torch.NewDict("weight", torch.Ones(torch.Shape{2, 3})), torch.StateDictOptions{})
	fmt.Println(err)
	// Output: torch: LoadStateDict: the state dict does not fit the module: it lacks bias; weight has shape [2 3], not [2 2]
}

func ExampleMake() {
	source := jit.Source{Name: "perceptron.py", Text: `
class Linear:
    def forward(self, x: Tensor) -> Tensor:
        return torch.linear(x, self.weight, self.bias)

class Perceptron:
    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.relu(layer(x))
        return x
`}
	linear := func(out, in int64) *jit.Parts {
		return &jit.Parts{Class: "Linear", Parameters: []torch.NamedTensor{
			{Name: "weight", Tensor: torch.Ones(torch.Shape{out, in})},
			{Name: "bias", Tensor: torch.Zeros(torch.Shape{out})},
		}}
	}
	layers := &jit.Parts{Children: []jit.Child{
		{Name: "0", Parts: linear(3, 2)},
		{Name: "1", Parts: linear(1, 3)},
	}}
	module, err := jit.Make(&jit.Parts{Class: "Perceptron", Children: []jit.Child{{Name: "layers", Parts: layers}}}, source)
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	y, err := module.Forward(torch.FromSlice([]float32{1, 2}, torch.Shape{1, 2}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Item())
	// Output: 9
}
