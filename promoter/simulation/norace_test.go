//go:build !race

package simulation_test

// racing says that the race detector makes everything many times slower.
const racing = false
