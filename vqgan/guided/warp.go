package guided

import (
	"math"
	"math/rand/v2"
)

// A matrix is 3x3 in row-major order: a homography of points (x, y, 1).
type matrix [9]float64

var identity = matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}

func (a matrix) times(b matrix) matrix {
	var product matrix
	for row := range 3 {
		for column := range 3 {
			for k := range 3 {
				product[3*row+column] += a[3*row+k] * b[3*k+column]
			}
		}
	}
	return product
}

// cropMatrix maps the coordinates of a square crop to those of the image, both from -1 to 1.
func cropMatrix(left, top, size, width, height float64) matrix {
	return matrix{
		size / width, 0, (2*left+size)/width - 1,
		0, size / height, (2*top+size)/height - 1,
		0, 0, 1,
	}
}

// symmetric draws a uniform number in [-most, most].
func symmetric(random *rand.Rand, most float64) float64 { return most * (2*random.Float64() - 1) }

// drawWarp draws rotation, scale, shear, shift, flip and perspective as one homography. Each is
// drawn even if its setting is 0, so that a setting does not affect the random numbers of the
// others.
func (c Cutouts) drawWarp(random *rand.Rand) matrix {
	angle := symmetric(random, c.Rotation) * math.Pi / 180
	scale := 1 + symmetric(random, c.Zoom)
	shear := math.Tan(symmetric(random, c.Shear) * math.Pi / 180)
	shift := [2]float64{symmetric(random, 2*c.Translation), symmetric(random, 2*c.Translation)}
	mirror := 1.0
	if random.Float64() < c.Flip {
		mirror = -1
	}
	sin, cos := math.Sincos(angle)
	affine := matrix{
		mirror * cos * scale, mirror * (cos*shear - sin) * scale, shift[0],
		sin * scale, (sin*shear + cos) * scale, shift[1],
		0, 0, 1,
	}
	return affine.times(drawPerspective(random, c.Perspective))
}

// drawPerspective draws the homography that moves each corner of the square inwards along each
// axis, by up to a share, most, of half the side.
func drawPerspective(random *rand.Rand, most float64) matrix {
	corners := [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}
	moved := corners
	for i, corner := range corners {
		for k := range 2 {
			moved[i][k] = corner[k] * (1 - most*random.Float64())
		}
	}
	return quadrilateral(moved)
}

// quadrilateral returns the homography that maps the corners (-1,-1), (1,-1), (1,1), (-1,1) to the
// given ones (Heckbert 1989, "Fundamentals of Texture Mapping and Image Warping", section 2.2.3).
func quadrilateral(to [4][2]float64) matrix {
	sumX := to[0][0] - to[1][0] + to[2][0] - to[3][0]
	sumY := to[0][1] - to[1][1] + to[2][1] - to[3][1]
	dx1, dy1 := to[1][0]-to[2][0], to[1][1]-to[2][1]
	dx2, dy2 := to[3][0]-to[2][0], to[3][1]-to[2][1]
	determinant := dx1*dy2 - dx2*dy1
	g := (sumX*dy2 - dx2*sumY) / determinant
	h := (dx1*sumY - sumX*dy1) / determinant
	fromUnitSquare := matrix{
		to[1][0] - to[0][0] + g*to[1][0], to[3][0] - to[0][0] + h*to[3][0], to[0][0],
		to[1][1] - to[0][1] + g*to[1][1], to[3][1] - to[0][1] + h*to[3][1], to[0][1],
		g, h, 1,
	}
	return fromUnitSquare.times(matrix{0.5, 0, 0.5, 0, 0.5, 0.5, 0, 0, 1})
}
