package app

// Environment is the settings' struct, for the test that holds the README to it.
type Environment = environment
