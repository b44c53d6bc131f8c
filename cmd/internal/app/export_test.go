package app

// Environment is the settings' struct, for the test that holds the README to it.
type Environment = environment

// SocketName is the file on which a bot answers exports of the audit log.
const SocketName = socketName

// OwnFolder refuses a data folder of another user.
var OwnFolder = ownFolder

// KeepGoing works on through panics.
var KeepGoing = keepGoing

// ReadAsk reads what is asked of a bot for an export.
var ReadAsk = readAsk
