package torch_test

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

func ExampleTensor_At() {
	x := torch.Arange(0, 12, 1).View(torch.Shape{3, 4})
	fmt.Println(x.At(0))                                            // x[0]
	fmt.Println(x.At(-1, 2))                                        // x[-1, 2]
	fmt.Println(x.At(torch.Range(1, torch.End), torch.Range(0, 2))) // x[1:, :2]
	fmt.Println(x.At(torch.Ellipsis, torch.NewAxis, 3).Shape())     // x[..., None, 3]
	fmt.Println(x.At([]int{2, 0}, torch.Range(0, torch.End, 3)))    // x[[2, 0], ::3]
	fmt.Println(x.At(x.GtScalar(8)))                                // x[x > 8]
	// Output:
	// tensor([0, 1, 2, 3])
	// tensor(10)
	// tensor([[4, 5],
	//         [8, 9]])
	// [3 1]
	// tensor([[ 8, 11],
	//         [ 0,  3]])
	// tensor([ 9, 10, 11])
}

func ExampleTensor_SetAt() {
	x := torch.Zeros(torch.Shape{3, 4})
	x.SetAt(1, torch.All, 0)                                             // x[:, 0] = 1
	x.SetAt(torch.Arange(0, 4, 1), 1)                                    // x[1] = torch.arange(4)
	x.SetAt(0.5, []bool{false, false, true}, torch.Range(-2, torch.End)) // x[[False, False, True], -2:] = 0.5
	fmt.Println(x)
	// Output:
	// tensor([[1.0000, 0.0000, 0.0000, 0.0000],
	//         [0.0000, 1.0000, 2.0000, 3.0000],
	//         [1.0000, 0.0000, 0.5000, 0.5000]])
}
