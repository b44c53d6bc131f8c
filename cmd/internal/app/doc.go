// Package app puts pipebot together: it reads the settings, connects the parts and
// runs them until it is told to stop.
package app
