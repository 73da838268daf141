package pip

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/setup/internal/pins"
)

var (
	content   = strings.Repeat("a wheel. ", 100_000)
	sum       = hash(content)
	pin       = pins.Pin{Name: "torch", Version: "2.13.0", SHA256: []string{strings.Repeat("0", 64), sum}}
	platforms = []string{"manylinux_2_28_x86_64"}
)

const fileName = "torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl"

func hash(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func newClient(t *testing.T, config Config) *Client {
	noSettings(t)
	if config.Timeout == 0 {
		config.Timeout = time.Minute
	}
	client, err := NewClient(config)
	require.NoError(t, err)
	client.pause = time.Millisecond
	return client
}

// serve is a server that hands out text under any path.
func serve(t *testing.T, kind, text string) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, text)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestFindInAnIndex(t *testing.T) {
	other := strings.Replace(fileName, "cp312-cp312", "cp311-cp311", 1)
	pages := map[string][2]string{
		"JSON": {"application/vnd.pypi.simple.v1+json", fmt.Sprintf(`{"files": [
			{"filename": %q, "url": "no", "hashes": {"sha256": %q}},
			{"filename": %q, "url": "../files/a.whl", "hashes": {"md5": "x", "sha256": %q}, "size": 12}]}`, other, sum, fileName, sum)},
		"HTML": {"text/html; charset=utf-8", fmt.Sprintf(`<!DOCTYPE html><html><body>
			<a href="%s#sha256=%s">a</a><br/>
			<A data-requires-python="&gt;=3.9" HREF='../files/%s?a=b&amp;c=d#sha256=%s'>b</A>`, other, sum, fileName, strings.ToUpper(sum))},
	}
	wants := map[string]string{"JSON": "/simple/files/a.whl", "HTML": "/simple/files/" + fileName + "?a=b&c=d"}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				asked = append(asked, fmt.Sprint(r.URL.Path, " ", user, ":", password))
				if !strings.HasSuffix(r.URL.Path, "/") {
					http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
					return
				}
				w.Header().Set("Content-Type", page[0])
				fmt.Fprint(w, page[1])
			}))
			defer server.Close()
			base := strings.Replace(server.URL, "http://", "http://me:secret@", 1)
			client := newClient(t, Config{Indexes: []string{base + "/simple"}})
			file, err := client.Find(t.Context(), pin, platforms)
			require.NoError(t, err)
			assert.Equal(t, fileName, file.Name)
			assert.Equal(t, base+wants[name], file.URL.String(), "with the index's user and password")
			assert.Equal(t, sum, file.SHA256)
			assert.Equal(t, []string{"/simple/torch/ me:secret"}, asked)
		})
	}
}

func TestFindBeyondTheFirstIndex(t *testing.T) {
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	page := serve(t, "text/html", `<base href="https://files.example/x/"><a href="`+fileName+`">a</a>`)
	client := newClient(t, Config{Indexes: []string{missing.URL, page.URL}})
	file, err := client.Find(t.Context(), pin, platforms)
	require.NoError(t, err)
	assert.Equal(t, "https://files.example/x/"+fileName, file.URL.String())
	assert.Empty(t, file.SHA256, "it is checked after the download")
}

func TestFindAmongLinks(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a folder")
	writeFile(t, filepath.Join(folder, fileName), content)
	for _, link := range []string{folder, (&url.URL{Scheme: "file", Path: folder}).String()} {
		client := newClient(t, Config{FindLinks: []string{filepath.Join(folder, "none"), link}})
		file, err := client.Find(t.Context(), pin, platforms)
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "wheel")
		require.NoError(t, client.Download(t.Context(), file, pin, path, func(int64, int64) {}))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(data))
	}
	page := filepath.Join(folder, "links.html")
	writeFile(t, page, `<a href="`+fileName+`#sha256=`+sum+`">a</a>`)
	file, err := newClient(t, Config{FindLinks: []string{page}}).Find(t.Context(), pin, platforms)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(folder, fileName), file.URL.Path)

	server := serve(t, "text/html", `<a href="x/`+fileName+`#sha256=`+sum+`">a</a>`)
	file, err = newClient(t, Config{FindLinks: []string{server.URL + "/links"}}).Find(t.Context(), pin, platforms)
	require.NoError(t, err)
	assert.Equal(t, server.URL+"/x/"+fileName, file.URL.String())
}

func TestFindFails(t *testing.T) {
	empty := serve(t, "text/html", "<html>")
	other := serve(t, "text/html", `<a href="`+fileName+`#sha256=`+hash("other")+`">a</a>`)
	broken := serve(t, "application/json", "{")
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, test := range map[string]struct{ index, want string }{
		"nothing":     {empty.URL, "the package index has no torch==2.13.0 for this machine"},
		"other file":  {other.URL, "broken download"},
		"broken page": {broken.URL, "is no page of a package index"},
		"refused":     {refusing.URL, "refuses with 403 Forbidden: it may want a user and a password"},
		"closed":      {closed.URL, "no network: 127.0.0.1:"},
		"no index":    {"", "forbids package indexes (PIP_NO_INDEX), and no find-links are set: unset PIP_NO_INDEX"},
	} {
		config := Config{NoIndex: test.index == ""}
		if test.index != "" {
			config.Indexes = []string{test.index}
		}
		_, err := newClient(t, config).Find(t.Context(), pin, platforms)
		require.ErrorContains(t, err, test.want, name)
		assert.NotContains(t, err.Error(), "\n", name)
	}
}

// A flaky server breaks the connection of its first answers after some bytes.
type flaky struct {
	broken  int32 // how many answers
	bytes   int
	ranges  bool // whether it can send a part
	asked   []string
	counter int32
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked = append(f.asked, r.Header.Get("Range"))
	if !f.ranges {
		r.Header.Del("Range")
	}
	if atomic.AddInt32(&f.counter, 1) > f.broken {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		return
	}
	from := 0
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	fmt.Fprint(w, content[from:from+f.bytes])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func download(t *testing.T, ctx context.Context, handler http.Handler, config Config, before string) (path string, err error) {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL + "/a.whl")
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "wheel")
	if before != "" {
		writeFile(t, path+".part", before)
	}
	return path, newClient(t, config).Download(ctx, File{Name: fileName, URL: address}, pin, path, func(int64, int64) {})
}

func TestDownloadsGoOn(t *testing.T) {
	half := content[:len(content)/2]
	for name, test := range map[string]struct {
		server flaky
		before string
		asked  []string
	}{
		"at once":            {flaky{ranges: true}, "", []string{""}},
		"after a break":      {flaky{ranges: true, broken: 2, bytes: 5}, "", []string{"", "bytes=5-", "bytes=10-"}},
		"from the beginning": {flaky{broken: 2, bytes: 5}, "", []string{"", "bytes=5-", "bytes=5-"}},
		"in a later run":     {flaky{ranges: true}, half, []string{"bytes=450000-"}},
		"all was there":      {flaky{ranges: true}, content, []string{"bytes=900000-"}},
		"more than all":      {flaky{ranges: true}, content + "x", []string{"bytes=900001-", ""}},
		"after another file": {flaky{ranges: true}, "another", []string{"bytes=7-", ""}},
		"over half of it":    {flaky{}, half, []string{"bytes=450000-"}},
	} {
		t.Run(name, func(t *testing.T) {
			path, err := download(t, t.Context(), &test.server, Config{}, test.before)
			require.NoError(t, err)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, content, string(data))
			assert.Equal(t, test.asked, test.server.asked)
			assert.NoFileExists(t, path+".part")
		})
	}
}

func TestDownloadsFail(t *testing.T) {
	t.Run("wrong hash", func(t *testing.T) {
		wrong := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "another") })
		path, err := download(t, t.Context(), wrong, Config{}, "")
		assert.ErrorIs(t, err, ErrOtherFile)
		assert.NoFileExists(t, path)
		assert.NoFileExists(t, path+".part")
	})
	t.Run("broken for good", func(t *testing.T) {
		path, err := download(t, t.Context(), &flaky{ranges: true, broken: 99, bytes: 5}, Config{}, "")
		require.ErrorContains(t, err, "no network")
		assert.ErrorContains(t, err, "the connection broke")
		assert.NoFileExists(t, path)
		data, err := os.ReadFile(path + ".part")
		require.NoError(t, err)
		assert.Equal(t, content[:15], string(data), "a later run goes on here")
	})
	t.Run("silence", func(t *testing.T) {
		silent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		_, err := download(t, t.Context(), silent, Config{Timeout: 20 * time.Millisecond}, "")
		assert.ErrorContains(t, err, "nothing came for 20ms")
	})
	t.Run("the end of the context", func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "a wheel")
			w.(http.Flusher).Flush()
			cancel(stop)
			<-r.Context().Done()
		})
		path, err := download(t, ctx, slow, Config{}, "")
		assert.ErrorIs(t, err, stop)
		assert.NoFileExists(t, path)
	})
	for status, asked := range map[int]int32{http.StatusServiceUnavailable: attempts, http.StatusForbidden: 1} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			var count atomic.Int32
			refusing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { count.Add(1); w.WriteHeader(status) })
			_, err := download(t, t.Context(), refusing, Config{}, "")
			assert.ErrorContains(t, err, fmt.Sprint(status))
			assert.Equal(t, asked, count.Load())
		})
	}
}

func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		fmt.Fprintf(w, `<a href="%s#sha256=%s">%s</a>`, fileName, sum, user)
	}))
	defer server.Close()
	find := func(config Config) error {
		config.Indexes = []string{server.URL}
		_, err := newClient(t, config).Find(t.Context(), pin, platforms)
		return err
	}
	assert.ErrorContains(t, find(Config{}), "certificate")
	assert.NoError(t, find(Config{TrustedHosts: []string{"127.0.0.1"}}))
	file := filepath.Join(t.TempDir(), "cert.pem")
	writeFile(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	assert.NoError(t, find(Config{Certificate: file}))

	_, err := NewClient(Config{Certificate: "none.pem"})
	assert.ErrorContains(t, err, "none.pem")
	writeFile(t, file, "nothing")
	_, err = NewClient(Config{Certificate: file})
	assert.ErrorContains(t, err, "there is none in")
	_, err = NewClient(Config{ClientCertificate: file})
	assert.ErrorContains(t, err, "client certificate")
	_, err = NewClient(Config{Proxy: "://"})
	assert.ErrorContains(t, err, "proxy")
}

func TestNetrcSpeaksForTheUser(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprintf(w, `<a href="%s">a</a>`, fileName)
	}))
	defer server.Close()
	client := newClient(t, Config{Indexes: []string{server.URL}})
	_, err := client.Find(t.Context(), pin, platforms)
	require.ErrorContains(t, err, "401")
	writeFile(t, filepath.Join(os.Getenv("HOME"), ".netrc"), "machine 127.0.0.1 login me password secret")
	_, err = client.Find(t.Context(), pin, platforms)
	assert.NoError(t, err)
}

func TestAProxyIsAsked(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<a href="http://%s/%s#sha256=%s">a</a>`, r.URL.Host, fileName, sum)
	}))
	defer proxy.Close()
	client := newClient(t, Config{Proxy: proxy.URL, Indexes: []string{"http://index.invalid/simple"}})
	file, err := client.Find(t.Context(), pin, platforms)
	require.NoError(t, err)
	assert.Equal(t, "index.invalid", file.URL.Host)
}
