// Package lists converts lists as Python's values need them.
package lists

// Anys returns the items of a slice as values of any type.
func Anys[T any](values []T) []any {
	all := make([]any, len(values))
	for i, value := range values {
		all[i] = value
	}
	return all
}
