package bot

// Help is a command as people read of it.
type Help struct {
	Typed   string // the whole of it: /pipeline can-i [project] ...
	Summary string
}

// Commands are all commands, for the README, which a test compares with them.
func Commands() []Help {
	var all []Help
	for _, c := range commands() {
		all = append(all, Help{Typed: c.typed(), Summary: c.summary})
	}
	return all
}
