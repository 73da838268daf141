package torch_test

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

func ExampleTensor_Format() {
	x := torch.FromSlice([]float32{1, 2.5, -3, 4}, torch.Shape{2, 2}).SetRequiresGrad(true)
	fmt.Println(x)
	fmt.Printf("%.1f\n", x.MulScalar(10))
	fmt.Printf("%+v\n", x)
	fmt.Println(torch.Arange(0, 10000, 1).View(torch.Shape{100, 100}))
	// Output:
	// tensor([[ 1.0000,  2.5000],
	//         [-3.0000,  4.0000]], requires_grad=True)
	// tensor([[ 10.,  25.],
	//         [-30.,  40.]], grad_fn=<MulBackward1>)
	// tensor(shape=[2 2], dtype=float32, device=cpu)
	// tensor([[   0,    1,    2,  ...,   97,   98,   99],
	//         [ 100,  101,  102,  ...,  197,  198,  199],
	//         [ 200,  201,  202,  ...,  297,  298,  299],
	//         ...,
	//         [9700, 9701, 9702,  ..., 9797, 9798, 9799],
	//         [9800, 9801, 9802,  ..., 9897, 9898, 9899],
	//         [9900, 9901, 9902,  ..., 9997, 9998, 9999]])
}

func ExamplePrintOptions() {
	options := torch.DefaultPrintOptions()
	options.Precision = 2
	options.Threshold = 5
	fmt.Println(options.Sprint(torch.Linspace(0, 1, 11)))
	// Output: tensor([0.00, 0.10, 0.20,  ..., 0.80, 0.90, 1.00])
}
