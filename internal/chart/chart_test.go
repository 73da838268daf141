package chart_test

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/chart"
)

// colored counts the pixels that are nearly of a color.
func colored(picture image.Image, wanted color.RGBA) (count int) {
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			r, g, b, _ := picture.At(x, y).RGBA()
			if math.Abs(float64(r>>8)-float64(wanted.R))+math.Abs(float64(g>>8)-float64(wanted.G))+math.Abs(float64(b>>8)-float64(wanted.B)) < 12 {
				count++
			}
		}
	}
	return count
}

var (
	blue = color.RGBA{31, 119, 180, 255}
	dark = color.RGBA{8, 48, 107, 255}
)

func TestLosses(t *testing.T) {
	picture, err := chart.Losses([]float64{3, math.NaN(), 2, 1.5, math.Inf(1), 1})
	require.NoError(t, err)
	assert.Equal(t, image.Pt(chart.Width, chart.Height), picture.Bounds().Size())
	assert.Greater(t, colored(picture, blue), 300)
	_, err = chart.Losses([]float64{5})
	require.NoError(t, err)
	_, err = chart.Losses([]float64{math.NaN()})
	assert.EqualError(t, err, "chart: none of 1 losses is finite")
}

func TestReliability(t *testing.T) {
	picture, err := chart.Reliability("ECE", []chart.Bin{
		{From: 0, To: 0.5}, {From: 0.5, To: 1, Accuracy: 0.7, Confidence: 0.8, Count: 4}})
	require.NoError(t, err)
	assert.Equal(t, image.Pt(chart.Height, chart.Height), picture.Bounds().Size())
	assert.Greater(t, colored(picture, blue), 10)
	_, err = chart.Reliability("none", nil)
	require.NoError(t, err)
}

// TestMatrix: what is right is the diagonal, and dark.
func TestMatrix(t *testing.T) {
	names := []string{"a", "b", "a name that is far too long to be written"}
	right := chart.Matrix(names, [][]int{{5, 0, 0}, {0, 2, 0}, {0, 0, 9}})
	half := chart.Matrix(names, [][]int{{5, 5, 0}, {0, 2, 0}, {0, 0, 0}})
	assert.InEpsilon(t, 3.0, float64(colored(right, dark))/float64(colored(half, dark)), 0.1)
	many := make([][]int, 1000)
	for i := range many {
		many[i] = make([]int, 1000)
		many[i][i] = 1
	}
	picture := chart.Matrix(make([]string, 1000), many)
	assert.Equal(t, 1060, picture.Bounds().Dx())
	assert.Positive(t, colored(picture, dark))
}
