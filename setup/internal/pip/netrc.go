package pip

import (
	"os"
	"path/filepath"
	"strings"
)

// credentials returns the user and password for a host in the user's netrc file.
func credentials(host string) (user, password string, found bool) {
	path := os.Getenv("NETRC")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", "", false
		}
		path = filepath.Join(home, ".netrc")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", "", false
	}
	words := strings.Fields(string(data))
	inside := false
	for i := 0; i < len(words); i++ {
		value := func() string {
			if i++; i < len(words) {
				return words[i]
			}
			return ""
		}
		switch words[i] {
		case "machine", "default":
			if inside {
				return user, password, true
			}
			inside = words[i] == "default" || value() == host
		case "login":
			if text := value(); inside {
				user = text
			}
		case "password":
			if text := value(); inside {
				password = text
			}
		}
	}
	return user, password, inside
}
