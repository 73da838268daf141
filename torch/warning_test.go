package torch_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestWarningsAreLoggedOnce(t *testing.T) {
	values := loadModule(t, "values.pt")
	torch.SetWarningHandler(torch.LogWarningsOnce())
	defer torch.SetWarningHandler(torch.LogWarningsOnce())
	before := slog.Default()
	defer slog.SetDefault(before)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		_, err := values.Call("warn", "beware of the dog")
		require.NoError(t, err)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "beware of the dog"))
	assert.Contains(t, log.String(), "level=WARN")
}

func TestSetWarningHandler(t *testing.T) {
	values := loadModule(t, "values.pt")
	defer torch.SetWarningHandler(torch.LogWarningsOnce())
	var messages []string
	torch.SetWarningHandler(func(message string) { messages = append(messages, message) })
	for i := range 2 {
		_, err := values.Call("warn", fmt.Sprintf("line one\nline %d", i))
		require.NoError(t, err)
	}
	require.Len(t, messages, 2)
	assert.Contains(t, messages[1], "line one line 1")

	torch.SetWarningHandler(nil)
	_, err := values.Call("warn", "dropped")
	require.NoError(t, err)
	assert.Len(t, messages, 2)
}

func TestWarningsOfManyThreads(t *testing.T) {
	values := loadModule(t, "values.pt")
	defer torch.SetWarningHandler(torch.LogWarningsOnce())
	var mutex sync.Mutex
	seen := map[string]int{}
	torch.SetWarningHandler(func(message string) {
		mutex.Lock()
		defer mutex.Unlock()
		seen[message]++
		torch.Ones(torch.Shape{1}).Close() // the handler may use libtorch
	})
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for j := range 10 {
				_, err := values.Call("warn", fmt.Sprintf("goroutine %d turn %d", i, j))
				assert.NoError(t, err)
			}
		})
	}
	group.Wait()
	torch.Ones(torch.Shape{1})
	mutex.Lock()
	defer mutex.Unlock()
	assert.Len(t, seen, 160)
}
