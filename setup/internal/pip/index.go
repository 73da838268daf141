package pip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/setup/internal/pins"
	"github.com/clipvqgan/clipvqgan/setup/internal/wheel"
)

// ErrOtherFile says that a package index, or a cache in between, returned another file than the
// pinned one.
var ErrOtherFile = errors.New("broken download: a wheel's hash is not the pinned one, so nothing was kept; run it again, " +
	"and if it stays so, the package index or a cache hands out another file")

// A File is a wheel that can be downloaded.
type File struct {
	Name   string
	URL    *url.URL
	SHA256 string // from the index, or ""
	Size   int64  // 0 if unknown
}

// Find finds the wheel of a pin for one of the platforms: first in find-links, then in the indexes.
func (c *Client) Find(ctx context.Context, pin pins.Pin, platforms []string) (File, error) {
	var unreached, other error
	for _, source := range c.sources(pin.Name) {
		files, err := c.list(ctx, source)
		if cause := context.Cause(ctx); cause != nil {
			return File{}, cause
		}
		if err != nil {
			if refused, ok := errors.AsType[*StatusError](err); !ok || refused.Code != http.StatusNotFound {
				unreached = errors.Join(unreached, err)
			}
			continue
		}
		files = slices.DeleteFunc(files, func(file File) bool {
			return !wheel.Fits(file.Name, pin.Name, pin.Version, platforms)
		})
		for _, file := range files {
			if file.SHA256 != "" && slices.Contains(pin.SHA256, file.SHA256) {
				return file, nil
			}
		}
		for _, file := range files {
			if file.SHA256 == "" {
				return file, nil
			}
			other = ErrOtherFile
		}
	}
	if unreached == nil && other == nil {
		return File{}, c.missing(pin)
	}
	if other != nil {
		return File{}, other
	}
	return File{}, unreached
}

// missing returns the error for a wheel that no source has.
func (c *Client) missing(pin pins.Pin) error {
	if !c.config.NoIndex {
		return fmt.Errorf("the package index has no %s==%s for this machine", pin.Name, pin.Version)
	}
	links := "no find-links are set"
	if len(c.config.FindLinks) > 0 {
		links = fmt.Sprintf("its find-links (%s) have no %s==%s for this machine", strings.Join(c.config.FindLinks, ", "), pin.Name, pin.Version)
	}
	return fmt.Errorf("pip's configuration forbids package indexes (PIP_NO_INDEX), and %s: unset PIP_NO_INDEX, "+
		"set PIP_FIND_LINKS to a folder with the wheels, or set LIBTORCH to use a libtorch that you have", links)
}

// sources returns the places that may have a project's files.
func (c *Client) sources(project string) []string {
	sources := slices.Clone(c.config.FindLinks)
	for _, index := range c.config.Indexes {
		sources = append(sources, strings.TrimRight(index, "/")+"/"+wheel.Normalize(project)+"/")
	}
	return sources
}

// list reads a place: a folder, a page of links, or a page of an index.
func (c *Client) list(ctx context.Context, source string) ([]File, error) {
	address, err := url.Parse(source)
	if err != nil || !slices.Contains([]string{"http", "https", "file"}, address.Scheme) {
		absolute, err := filepath.Abs(source)
		if err != nil {
			return nil, err
		}
		address = &url.URL{Scheme: "file", Path: absolute}
	}
	if address.Scheme == "file" {
		return listFolder(address)
	}
	var files []File
	accept := func(header http.Header) {
		header.Set("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01")
	}
	err = c.get(ctx, address, accept, func(response *http.Response, body io.Reader) error {
		page, err := io.ReadAll(io.LimitReader(body, 100<<20))
		if err != nil {
			return err
		}
		base := response.Request.URL // after redirects
		if base.User == nil && base.Host == address.Host {
			base.User = address.User
		}
		if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); strings.HasSuffix(kind, "json") {
			files, err = parseJSON(page, base)
		} else {
			files = parseHTML(string(page), base)
		}
		if err != nil {
			return fmt.Errorf("%s is no page of a package index: %w", address.Redacted(), err)
		}
		return nil
	})
	return files, err
}

// listFolder lists the files in a folder, or of a page's index.html, or the links in a file.
func listFolder(address *url.URL) ([]File, error) {
	if page, err := os.ReadFile(filepath.Join(address.Path, "index.html")); err == nil && strings.HasSuffix(address.Path, "/") {
		return parseHTML(string(page), address), nil
	}
	entries, err := os.ReadDir(address.Path)
	if err == nil {
		var files []File
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil {
				location := &url.URL{Scheme: "file", Path: filepath.Join(address.Path, entry.Name())}
				files = append(files, File{Name: entry.Name(), URL: location, Size: info.Size()})
			}
		}
		return files, nil
	}
	if page, err := os.ReadFile(address.Path); err == nil {
		return parseHTML(string(page), address), nil
	}
	return nil, nil // as pip does
}

func parseJSON(page []byte, base *url.URL) ([]File, error) {
	var project struct {
		Files []struct {
			Filename string
			URL      string
			Size     int64
			Hashes   map[string]string
		}
	}
	if err := json.Unmarshal(page, &project); err != nil {
		return nil, err
	}
	var files []File
	for _, entry := range project.Files {
		if location, err := base.Parse(entry.URL); err == nil {
			files = append(files, newFile(entry.Filename, location, base, entry.Hashes["sha256"], entry.Size))
		}
	}
	return files, nil
}

var (
	anchor    = regexp.MustCompile(`(?is)<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')`)
	baseOf    = regexp.MustCompile(`(?is)<base\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')`)
	sha256Sum = regexp.MustCompile(`(?:^|&)sha256=([0-9a-fA-F]{64})`)
)

func parseHTML(page string, base *url.URL) []File {
	if match := baseOf.FindStringSubmatch(page); match != nil {
		if other, err := base.Parse(html.UnescapeString(match[1] + match[2])); err == nil {
			base = other
		}
	}
	var files []File
	for _, match := range anchor.FindAllStringSubmatch(page, -1) {
		location, err := base.Parse(html.UnescapeString(match[1] + match[2]))
		if err != nil {
			continue
		}
		hash := ""
		if sum := sha256Sum.FindStringSubmatch(location.Fragment); sum != nil {
			hash = sum[1]
		}
		files = append(files, newFile(path.Base(location.Path), location, base, hash, 0))
	}
	return files
}

// newFile returns a file in an index's page. The page's user and password are used for files on the
// same host.
func newFile(name string, location, page *url.URL, hash string, size int64) File {
	location.Fragment = ""
	if location.User == nil && location.Host == page.Host {
		location.User = page.User
	}
	return File{Name: name, URL: location, SHA256: strings.ToLower(hash), Size: size}
}
