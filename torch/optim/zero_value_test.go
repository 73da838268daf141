package optim_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// TestValuesThatNobodyMade: every method of a nil or zero value tells what is wrong, as an error or as a
// panic with one, and leaves no lock behind.
func TestValuesThatNobodyMade(t *testing.T) {
	for _, c := range []struct {
		null any // zero is the value that it could point to
		want string
	}{
		{(*optim.Optimizer)(nil), "was not made by a constructor such as SGD"},
		{(*optim.LBFGSOptimizer)(nil), "was not made by a constructor such as SGD"},
		{(*optim.GradScaler)(nil), "was not made by NewGradScaler"},
		{(*optim.LRScheduler)(nil), "was not made by a constructor such as StepLR"},
		{(*optim.PlateauScheduler)(nil), "was not made by ReduceLROnPlateau"},
		{(*optim.SequentialScheduler)(nil), "was not made by SequentialLR"},
		{(*optim.ChainedLRScheduler)(nil), "was not made by ChainedScheduler"},
	} {
		kind := reflect.TypeOf(c.null)
		everyMethod(t, func() reflect.Value { return reflect.New(kind.Elem()) }, c.want)
		everyMethod(t, func() reflect.Value { return reflect.Zero(kind) }, "is nil")
	}
}

func everyMethod(t *testing.T, value func() reflect.Value, want string) {
	of := value().Type()
	for i := range of.NumMethod() {
		name := of.Method(i).Name
		method := value().Method(i)
		var arguments []reflect.Value
		for j := range method.Type().NumIn() {
			argument := reflect.New(method.Type().In(j)).Elem()
			if argument.Kind() == reflect.Float64 {
				argument.SetFloat(1) // so that the value itself is not what is wrong
			}
			arguments = append(arguments, argument)
		}
		err := torch.Try(func() error {
			results := method.Call
			if method.Type().IsVariadic() {
				results = method.CallSlice
			}
			for _, result := range results(arguments) {
				if failed, ok := result.Interface().(error); ok {
					return failed
				}
			}
			return nil
		})
		switch name {
		case "Close", "String":
			assert.NoError(t, err, "%s.%s", of, name)
		default:
			var failed *torch.Error
			if assert.ErrorIs(t, err, torch.ErrInvalid, "%s.%s", of, name) && assert.True(t, errors.As(err, &failed)) {
				assert.Equal(t, "optim."+name, failed.Operation)
				assert.Contains(t, err.Error(), want)
			}
		}
	}
}

func TestClosedGradScaler(t *testing.T) {
	scaler, err := optim.NewGradScaler(optim.DefaultGradScaler())
	assert.NoError(t, err)
	scaler.Close()
	assert.ErrorIs(t, failure(t, func() { scaler.CurrentScale() }), torch.ErrClosed)
	assert.ErrorIs(t, failure(t, func() { scaler.StateDict() }), torch.ErrClosed)
	assert.ErrorIs(t, scaler.SetScale(2), torch.ErrClosed)
	assert.Equal(t, "GradScaler(closed)", scaler.String())
}
