// Package pip finds and downloads wheels as pip does: with its configuration, from its package indexes.
//
// Formats: https://packaging.python.org/en/latest/specifications/simple-repository-api/ and
// https://pip.pypa.io/en/stable/topics/configuration/
package pip

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultIndex is pip's default index.
const defaultIndex = "https://pypi.org/simple"

// A Config is what pip's configuration says about package sources.
type Config struct {
	Indexes           []string // URLs of simple indexes; none with NoIndex
	NoIndex           bool     // only FindLinks are used
	FindLinks         []string // folders, files or pages with links to packages
	Proxy             string
	Certificate       string // a file of certificates to trust instead of the system's
	ClientCertificate string // a file with a certificate and its key
	TrustedHosts      []string
	Timeout           time.Duration // the longest time without receiving a byte
}

// ReadConfig reads pip's configuration files and environment variables, as `pip download` does.
func ReadConfig() (Config, error) {
	values := map[string]string{}
	for _, path := range configFiles() {
		if err := readFile(path, values); err != nil {
			return Config{}, err
		}
	}
	// An empty variable counts as unset.
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if option, ours := strings.CutPrefix(name, "PIP_"); ours && value != "" {
			values[optionName(option)] = value
		}
	}
	config := Config{
		FindLinks:         strings.Fields(values["find-links"]),
		Proxy:             values["proxy"],
		Certificate:       first(values["cert"], os.Getenv("REQUESTS_CA_BUNDLE"), os.Getenv("CURL_CA_BUNDLE")),
		ClientCertificate: values["client-cert"],
		TrustedHosts:      strings.Fields(values["trusted-host"]),
		Timeout:           15 * time.Second,
	}
	config.NoIndex = slices.Contains([]string{"1", "true", "yes", "on", "y", "t"}, strings.ToLower(values["no-index"]))
	if !config.NoIndex {
		config.Indexes = append([]string{first(values["index-url"], defaultIndex)}, strings.Fields(values["extra-index-url"])...)
	}
	if text := first(values["timeout"], values["default-timeout"]); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || !(seconds > 0 && seconds < 1e6) {
			return Config{}, fmt.Errorf("pip's timeout is %q, wanted a number of seconds", text)
		}
		config.Timeout = time.Duration(seconds * float64(time.Second))
	}
	return config, nil
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func optionName(name string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "--")
}

// configFiles returns pip's configuration files, of which later ones have priority: the machine's,
// the user's, the virtual environment's, and the one in PIP_CONFIG_FILE.
func configFiles() []string {
	named := os.Getenv("PIP_CONFIG_FILE")
	if named == os.DevNull {
		return nil
	}
	var files []string
	folders := filepath.SplitList(first(os.Getenv("XDG_CONFIG_DIRS"), "/etc/xdg"))
	for _, folder := range slices.Backward(folders) {
		files = append(files, filepath.Join(folder, "pip", "pip.conf"))
	}
	files = append(files, "/etc/pip.conf")
	if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".pip", "pip.conf"))
	}
	if folder, err := os.UserConfigDir(); err == nil {
		files = append(files, filepath.Join(folder, "pip", "pip.conf"))
	}
	if environment := os.Getenv("VIRTUAL_ENV"); environment != "" {
		files = append(files, filepath.Join(environment, "pip.conf"))
	}
	if named != "" {
		files = append(files, named)
	}
	return files
}

// readFile adds the values in a file in the format of Python's configparser: sections, name =
// value, and indented continuation lines. A file that does not exist is empty.
func readFile(path string, values map[string]string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return fmt.Errorf("pip's configuration: %w", err)
	}
	sections := map[string]map[string]string{"global": {}, "download": {}}
	var section map[string]string
	name := ""
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		text := strings.TrimSpace(line)
		indented := line != strings.TrimLeft(line, " \t")
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case indented && name != "":
			section[name] = strings.TrimSpace(section[name] + "\n" + text)
		case text[0] == '[' && text[len(text)-1] == ']':
			title := text[1 : len(text)-1]
			if sections[title] == nil {
				sections[title] = map[string]string{}
			}
			section, name = sections[title], ""
		default:
			at := strings.IndexAny(text, "=:")
			if at < 0 || section == nil {
				return fmt.Errorf("pip's configuration: line %d of %s is no setting: %q", number, path, text)
			}
			name = optionName(strings.TrimSpace(text[:at]))
			section[name] = strings.TrimSpace(text[at+1:])
		}
	}
	for _, title := range []string{"global", "download"} {
		for name, value := range sections[title] {
			values[name] = value
		}
	}
	return nil
}
