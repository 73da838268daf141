package jit_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch/jit"
)

func TestModulesPrintAsPyTorchs(t *testing.T) {
	net := loadModule(t, "net.pt")
	assert.Equal(t, loadNetReference(t).Shown, fmt.Sprint(net))
	net.Close()
	assert.Equal(t, "RecursiveScriptModule(closed)", fmt.Sprint(net))
	assert.Equal(t, "RecursiveScriptModule(nil)", fmt.Sprint((*jit.Module)(nil)))
}
