package pip

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noSettings gives the test a home of its own and takes pip's variables away. /etc/pip.conf stays.
func noSettings(t *testing.T) (home string) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "PIP_") {
			t.Setenv(name, "")
		}
	}
	home = t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "VIRTUAL_ENV", "NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	return home
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestWithoutSettingsTheIndexIsPipsOwn(t *testing.T) {
	noSettings(t)
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	config, err := ReadConfig()
	require.NoError(t, err)
	assert.Equal(t, Config{Indexes: []string{defaultIndex}, FindLinks: []string{}, TrustedHosts: []string{}, Timeout: 15 * time.Second}, config)
}

func TestSettingsOfFiles(t *testing.T) {
	home := noSettings(t)
	writeFile(t, filepath.Join(home, ".pip", "pip.conf"), "[global]\nindex-url = https://a/simple\ntimeout: 3\n")
	writeFile(t, filepath.Join(home, ".config", "pip", "pip.conf"), `
# a comment
[install]
index-url = https://of-another-command/simple
[global]
; another
Index_URL = https://b/simple
extra-index-url =
    https://c/simple

    https://d/simple
trusted-host = c d:8080
[download]
find-links = /wheels
`)
	config, err := ReadConfig()
	require.NoError(t, err)
	assert.Equal(t, []string{"https://b/simple", "https://c/simple", "https://d/simple"}, config.Indexes)
	assert.Equal(t, []string{"c", "d:8080"}, config.TrustedHosts)
	assert.Equal(t, []string{"/wheels"}, config.FindLinks)
	assert.Equal(t, 3*time.Second, config.Timeout)

	environment := t.TempDir()
	t.Setenv("VIRTUAL_ENV", environment)
	writeFile(t, filepath.Join(environment, "pip.conf"), "[global]\nindex-url = https://environment/simple")
	config, err = ReadConfig()
	require.NoError(t, err)
	assert.Equal(t, "https://environment/simple", config.Indexes[0])

	named := filepath.Join(home, "named.conf")
	t.Setenv("PIP_CONFIG_FILE", named)
	writeFile(t, named, "[global]\nindex-url = https://named/simple\nproxy = http://proxy:1\ncert = /c.pem\nclient-cert = /d.pem")
	config, err = ReadConfig()
	require.NoError(t, err)
	assert.Equal(t, "https://named/simple", config.Indexes[0])
	assert.Equal(t, [3]string{"http://proxy:1", "/c.pem", "/d.pem"}, [3]string{config.Proxy, config.Certificate, config.ClientCertificate})

	t.Setenv("PIP_INDEX_URL", "https://e/simple")
	t.Setenv("PIP_EXTRA_INDEX_URL", "https://f/simple https://g/simple")
	t.Setenv("PIP_FIND_LINKS", "/x /y")
	t.Setenv("PIP_DEFAULT_TIMEOUT", "0.5") // --timeout has two names
	t.Setenv("PIP_TIMEOUT", "")
	t.Setenv("PIP_CERT", "")
	config, err = ReadConfig()
	require.NoError(t, err)
	assert.Equal(t, []string{"https://e/simple", "https://f/simple", "https://g/simple"}, config.Indexes)
	assert.Equal(t, []string{"/x", "/y"}, config.FindLinks)
	assert.Equal(t, "/c.pem", config.Certificate, "an empty variable says nothing")

	t.Setenv("PIP_NO_INDEX", "1")
	config, err = ReadConfig()
	require.NoError(t, err)
	assert.Empty(t, config.Indexes)
}

func TestWrongSettings(t *testing.T) {
	home := noSettings(t)
	t.Setenv("PIP_TIMEOUT", "soon")
	_, err := ReadConfig()
	assert.ErrorContains(t, err, `timeout is "soon"`)
	t.Setenv("PIP_TIMEOUT", "")
	path := filepath.Join(home, ".config", "pip", "pip.conf")
	for text, want := range map[string]string{"[global]\nnonsense\n": "line 2", "a = b\n": "line 1"} {
		writeFile(t, path, text)
		_, err = ReadConfig()
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, path)
	}
}

func TestCredentials(t *testing.T) {
	home := noSettings(t)
	_, _, found := credentials("a.example")
	assert.False(t, found)
	writeFile(t, filepath.Join(home, ".netrc"), "machine a.example login me password secret\n"+
		"machine b.example\n  login you\n  password other\n")
	user, password, found := credentials("b.example")
	assert.Equal(t, []any{"you", "other", true}, []any{user, password, found})
	user, password, found = credentials("a.example")
	assert.Equal(t, []any{"me", "secret", true}, []any{user, password, found})
	_, _, found = credentials("c.example")
	assert.False(t, found)

	named := filepath.Join(home, "named")
	t.Setenv("NETRC", named)
	writeFile(t, named, "default login anyone password any")
	user, _, found = credentials("c.example")
	assert.Equal(t, []any{"anyone", true}, []any{user, found})
}
