// Package chart draws the curves and matrices of trainings and evaluations, by gonum's plot.
package chart

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Width and Height are the size of a chart in pixels.
const (
	Width  = 800
	Height = 500
)

// resolution is that of a pixel in inches, so that sizes in points are sizes in pixels.
const resolution = 72

var (
	blue = color.RGBA{R: 31, G: 119, B: 180, A: 255}
	pale = color.RGBA{R: 31, G: 119, B: 180, A: 70}
	gray = color.RGBA{R: 128, G: 128, B: 128, A: 255}
)

// canvas draws a plot on a picture of a size.
func canvas(p *plot.Plot, width, height int) image.Image {
	c := vgimg.NewWith(vgimg.UseWH(vg.Length(width), vg.Length(height)), vgimg.UseDPI(resolution))
	p.Draw(draw.New(c))
	return c.Image()
}

// Losses draws the losses of steps, thin, and their running mean, thick. Numbers that are not finite leave
// gaps. The error is for losses of which none is finite.
func Losses(losses []float64) (image.Image, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "Loss", "step", "loss"
	p.Add(plotter.NewGrid())
	var each, mean plotter.XYs
	running, weight := 0.0, 0.0
	decay := 1 - 1/math.Max(10, float64(len(losses))/50)
	for i, loss := range losses {
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			continue
		}
		running, weight = decay*running+(1-decay)*loss, decay*weight+1-decay
		each = append(each, plotter.XY{X: float64(i + 1), Y: loss})
		mean = append(mean, plotter.XY{X: float64(i + 1), Y: running / weight})
	}
	if len(each) == 0 {
		return nil, fmt.Errorf("chart: none of %d losses is finite", len(losses))
	}
	for _, curve := range []struct {
		points plotter.XYs
		color  color.Color
		width  vg.Length
	}{{each, pale, 1}, {mean, blue, 2}} {
		line, err := plotter.NewLine(curve.points)
		if err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		line.Color, line.Width = curve.color, curve.width
		p.Add(line)
	}
	return canvas(p, Width, Height), nil
}

// A Bin is a bar of a reliability curve.
type Bin struct {
	// From and To are its bounds, Accuracy and Confidence what is in it.
	From, To             float64
	Accuracy, Confidence float64
	Count                int
}

// Reliability draws the accuracy in each bin over the confidence, beside the diagonal of a calibrated
// classifier (Guo et al. 2017, figure 1).
func Reliability(title string, bins []Bin) (image.Image, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "confidence", "accuracy"
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	p.Add(plotter.NewGrid())
	diagonal, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	diagonal.Color, diagonal.Dashes = gray, []vg.Length{4, 4}
	var points plotter.XYs
	for _, bin := range bins {
		if bin.Count == 0 {
			continue
		}
		bar, err := plotter.NewPolygon(plotter.XYs{{X: bin.From, Y: 0}, {X: bin.From, Y: bin.Accuracy}, {X: bin.To, Y: bin.Accuracy}, {X: bin.To, Y: 0}})
		if err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		bar.Color, bar.LineStyle.Color = pale, blue
		p.Add(bar)
		points = append(points, plotter.XY{X: bin.Confidence, Y: bin.Accuracy})
	}
	p.Add(diagonal)
	if len(points) > 0 {
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		dots.Color, dots.Shape = blue, draw.CircleGlyph{}
		p.Add(dots)
	}
	return canvas(p, Height, Height), nil
}

// mostNames is the most classes whose names have room beside a matrix.
const mostNames = 60

// Matrix draws a matrix of counts: rows from the top, each as a share of its sum, from white to blue. Up
// to 60 names are written beside it.
func Matrix(names []string, counts [][]int) image.Image {
	n := len(counts)
	cell := max(1, min(40, 900/max(1, n)))
	written := n <= mostNames
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "predicted", "true"
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(n)-0.5, -0.5, float64(n)-0.5
	p.X.Padding, p.Y.Padding = 0, 0
	p.Add(matrix(counts))
	var across, down []plot.Tick
	if written {
		for i, name := range names[:n] {
			name = shortened(name)
			across = append(across, plot.Tick{Value: float64(i), Label: name})
			down = append(down, plot.Tick{Value: float64(n - 1 - i), Label: name})
		}
		p.X.Tick.Label.Rotation = math.Pi / 2
		p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(across), plot.ConstantTicks(down)
	margin := 60
	if written {
		margin = 220
	}
	size := max(300, n*cell) + margin
	return canvas(p, size, size)
}

// shortened cuts a name that is too long to be written beside a matrix.
func shortened(name string) string {
	if letters := []rune(name); len(letters) > 24 {
		return string(letters[:23]) + "…"
	}
	return name
}

// matrix is a plotter of counts.
type matrix [][]int

// Plot draws the cells.
func (m matrix) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, row := range m {
		sum := 0
		for _, count := range row {
			sum += count
		}
		for j, count := range row {
			if count == 0 {
				continue
			}
			share := float64(count) / float64(sum)
			top := float64(len(m) - 1 - i)
			c.FillPolygon(shade(share), []vg.Point{
				{X: x(float64(j) - 0.5), Y: y(top - 0.5)}, {X: x(float64(j) + 0.5), Y: y(top - 0.5)},
				{X: x(float64(j) + 0.5), Y: y(top + 0.5)}, {X: x(float64(j) - 0.5), Y: y(top + 0.5)}})
		}
	}
}

// shade goes from white to blue; what is not 0 can be told from white.
func shade(share float64) color.Color {
	share = 0.1 + 0.9*share
	mix := func(to uint8) uint8 { return uint8(math.Round(255 + share*(float64(to)-255))) }
	return color.RGBA{R: mix(8), G: mix(48), B: mix(107), A: 255}
}
