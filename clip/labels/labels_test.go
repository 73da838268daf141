package labels_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip/labels"
)

func ExampleNamed() {
	set, err := labels.Named("food101")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(set.Labels), set.Labels[0], set.Templates)
	// Output: 101 apple pie [a photo of {}, a type of food.]
}

func ExampleTemplates() {
	templates, err := labels.Templates("best")
	fmt.Println(len(templates), templates[0], err)
	// Output: 7 itap of a {}. <nil>
}

// TestSets: the number of classes, and those at places that the data sets' definitions give.
func TestSets(t *testing.T) {
	for _, want := range []struct {
		name             string
		count, templates int
		at               map[int]string
	}{
		{"imagenet", 1000, 80, map[int]string{0: "tench", 207: "Golden Retriever", 999: "toilet paper"}},
		{"cifar10", 10, 18, map[int]string{0: "airplane", 9: "truck"}},
		{"cifar100", 100, 18, map[int]string{0: "apple", 99: "worm"}},
		{"food101", 101, 1, map[int]string{0: "apple pie", 100: "waffles"}},
	} {
		set, err := labels.Named(want.name)
		require.NoError(t, err)
		assert.Equal(t, want.name, set.Name)
		assert.Len(t, set.Labels, want.count)
		assert.Len(t, set.Templates, want.templates)
		for i, label := range want.at {
			assert.Equal(t, label, set.Labels[i])
		}
		seen := map[string]int{}
		for _, label := range set.Labels {
			assert.Equal(t, strings.TrimSpace(label), label)
			assert.NotEmpty(t, label)
			seen[label]++
		}
		doubled := 0
		for label, count := range seen {
			if count > 1 {
				doubled++
				assert.Contains(t, []string{"missile", "sunglasses"}, label)
			}
		}
		assert.Equal(t, map[bool]int{true: 2}[want.name == "imagenet"], doubled)
	}
	_, err := labels.Named("mnist")
	assert.EqualError(t, err, `labels: there are no labels of "mnist"; known are cifar10, cifar100, food101, imagenet`)
}

func TestTemplates(t *testing.T) {
	all, err := labels.Templates("openai")
	require.NoError(t, err)
	for _, name := range labels.TemplateNames() {
		templates, err := labels.Templates(name)
		require.NoError(t, err)
		for _, template := range templates {
			assert.Equal(t, 1, strings.Count(template, "{}"), template)
		}
		if name == "best" || name == "simple" {
			assert.Subset(t, all, templates)
		}
	}
	_, err = labels.Templates("worst")
	assert.ErrorContains(t, err, `there are no templates "worst"; known are best, cifar, food, openai, simple`)
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.txt")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("\ufeffa cat\r\n\n  red, white and blue \nein Käse")
	found, err := labels.Load(path)
	require.NoError(t, err)
	assert.Equal(t, []string{"a cat", "red, white and blue", "ein Käse"}, found)

	for text, want := range map[string]error{
		"":                          labels.ErrNone,
		" \n\t\n":                   labels.ErrNone,
		"\xff\xfe\x00":              labels.ErrNotText,
		strings.Repeat("a", 17<<20): labels.ErrTooLarge,
	} {
		write(text)
		_, err := labels.Load(path)
		assert.ErrorIs(t, err, want)
		assert.ErrorContains(t, err, path)
	}
	_, err = labels.Load(path + ".none")
	assert.ErrorIs(t, err, os.ErrNotExist)
	broken := errors.New("broken")
	_, err = labels.Read(iotest.ErrReader(broken))
	assert.ErrorIs(t, err, broken)
}
