package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
)

// defaultAddr is where the page is, unless the port is taken: then any other one does.
const defaultAddr = "127.0.0.1:7700"

// maxRefs is more than any project has, and still starts in seconds.
const maxRefs = 1_000_000

// options are what the command line asks for.
type options struct {
	repo       string // "" is wherever it is run
	refs       int
	speed      float64
	addr       string
	addrGiven  bool
	noOpen     bool
	realGitLab bool
	manifest   string
}

const usage = `usage: sandbox [--flag ...]
A simulated Slack and a simulated GitLab with the real pipebot between them, on a page in the browser.

  --repo PATH       make the first project after this Git repository (default: the one it is run in)
  --refs N          give the first project N more branches and tags
  --speed N         let pipelines run N times as fast (default 1)
  --addr HOST:PORT  where the page is, on loopback (default ` + defaultAddr + `, or a free port)
  --no-open         do not open the browser
  --real-gitlab     use a real GitLab, by GITLAB_URL, GITLAB_TOKEN and so on as README.md lists them
  --manifest FILE   install the app of this Slack manifest and start no bot: any Socket Mode app can be it
`

// parse reads the command line. The error is flag.ErrHelp or a sentence.
func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.repo, "repo", "", "")
	flags.IntVar(&o.refs, "refs", 0, "")
	flags.Float64Var(&o.speed, "speed", 1, "")
	flags.StringVar(&o.addr, "addr", defaultAddr, "")
	flags.BoolVar(&o.noOpen, "no-open", false, "")
	flags.BoolVar(&o.realGitLab, "real-gitlab", false, "")
	flags.StringVar(&o.manifest, "manifest", "", "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return options{}, err
	} else if err != nil {
		return options{}, errors.New(strings.Replace(err.Error(), " -", " --", 1)) // as people write it
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	o.addrGiven = given["addr"]
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("%q is no flag, and it takes nothing else", flags.Arg(0))
	case o.refs < 0 || o.refs > maxRefs:
		return options{}, fmt.Errorf("--refs takes a number from 0 to %d", maxRefs)
	case !(o.speed >= 0.1 && o.speed <= 1000): // which NaN is not either
		return options{}, errors.New("--speed takes a number from 0.1 to 1000")
	case given["repo"] && o.repo == "":
		return options{}, errors.New("--repo takes the path of a Git repository")
	case given["manifest"] && o.manifest == "":
		return options{}, errors.New("--manifest takes the name of a file")
	}
	if err := o.together(given); err != nil {
		return options{}, err
	}
	return o, checkAddr(o.addr)
}

// together refuses flags that have nothing to say to one another.
func (o options) together(given map[string]bool) error {
	for _, simulated := range []string{"repo", "refs", "speed"} {
		switch {
		case given[simulated] && o.realGitLab:
			return fmt.Errorf("--%s is about the simulated GitLab, and --real-gitlab takes a real one", simulated)
		case given[simulated] && o.manifest != "":
			return fmt.Errorf("--%s is about GitLab, and with --manifest there is only Slack", simulated)
		}
	}
	if o.realGitLab && o.manifest != "" {
		return errors.New("--real-gitlab is for pipebot, and with --manifest it is not started")
	}
	return nil
}

// checkAddr wants an address on loopback: whoever reaches the page may do everything on it.
func checkAddr(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--addr takes an address such as %s, not %q", defaultAddr, addr)
	}
	if !loopback(host) {
		return fmt.Errorf("--addr takes an address on loopback such as %s, not %q: the page is for this machine alone",
			defaultAddr, addr)
	}
	return nil
}

// loopback tells if a host, without its port, is a name of this machine that no other machine can have.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}
