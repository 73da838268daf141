package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/setup/internal/console"
)

func TestOneAtATimeWorksInAFolder(t *testing.T) {
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	require.NoError(t, err)
	defer said.Close()
	tell, folder := console.New(said), filepath.Join(t.TempDir(), "a", "b")
	unlock, err := Lock(t.Context(), folder, tell)
	require.NoError(t, err)

	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	waited := make(chan error)
	go func() { _, err := Lock(ctx, folder, tell); waited <- err }()
	require.Eventually(t, func() bool { text, _ := os.ReadFile(said.Name()); return len(text) > 0 }, time.Minute, time.Millisecond)
	cancel(stop)
	assert.ErrorIs(t, <-waited, stop)
	text, err := os.ReadFile(said.Name())
	require.NoError(t, err)
	assert.Equal(t, "another set-up works in "+folder+": waiting for it\n", string(text))

	unlock()
	unlock, err = Lock(t.Context(), folder, tell)
	require.NoError(t, err)
	unlock()

	_, err = Lock(t.Context(), said.Name(), tell)
	assert.ErrorContains(t, err, "not a directory")
}

func TestRoom(t *testing.T) {
	free, err := Room(t.TempDir())
	require.NoError(t, err)
	assert.Positive(t, free)
	_, err = Room("/none")
	assert.ErrorIs(t, err, os.ErrNotExist)
}
