// Package lists converts slices.
package lists

// Anys returns the items of a slice as a []any.
func Anys[T any](values []T) []any {
	all := make([]any, len(values))
	for i, value := range values {
		all[i] = value
	}
	return all
}
