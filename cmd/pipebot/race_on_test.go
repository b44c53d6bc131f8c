//go:build race

package main_test

// raceEnabled: the program under test is built as the tests are.
const raceEnabled = true
