package torch

// LiveCallbacks is how many functions, hooks and failures are kept for C++.
func LiveCallbacks() int {
	callbacks.clean()
	callbacks.mutex.Lock()
	defer callbacks.mutex.Unlock()
	return len(callbacks.values)
}
