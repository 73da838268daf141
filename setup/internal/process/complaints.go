package process

import (
	"regexp"
	"strings"
)

var (
	// A compiler's or a linker's own words.
	complaint = regexp.MustCompile(`(?i)\berror: |undefined reference|No space left`)
	// The last line of a tool that reports the failure of another.
	vague = regexp.MustCompile(`(?i)error\b`)
)

// Complaints returns what a build's output says about why it failed, one text for each error. A line
// of a compiler is whole; an error of CMake, which has several lines, is one text.
func Complaints(output string) (all []string) {
	lines := strings.Split(output, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "CMake Error"):
			if text := cmakeError(lines[i:]); text != "" {
				all = append(all, text)
			}
		case complaint.MatchString(line):
			all = append(all, strings.TrimSpace(line))
		}
	}
	if len(all) > 0 {
		return all
	}
	for _, line := range lines {
		if vague.MatchString(line) {
			return []string{strings.TrimSpace(line)}
		}
	}
	return nil
}

// cmakeError joins the lines of an error of CMake: the first says where, and the indented ones what. It
// returns "" if a compiler's words are among them, which say it better.
func cmakeError(lines []string) string {
	text := []string{strings.TrimSpace(lines[0])}
	for _, line := range lines[1:] {
		if line != "" && !strings.HasPrefix(line, " ") {
			break
		}
		if complaint.MatchString(line) {
			return ""
		}
		text = append(text, strings.Fields(line)...)
	}
	return strings.Join(text, " ")
}
