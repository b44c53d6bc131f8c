package main_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsPackage is the server that a cluster is made of, of the version that go.mod names.
const natsPackage = "github.com/nats-io/nats-server/v2"

const natsPassword = "pw-3f2a"

// cluster is three nats-server processes on loopback that keep everything three times.
type cluster struct {
	t     testing.TB
	ctx   context.Context
	nodes []*natsNode
}

// natsNode is one of them. It keeps its ports and its files when it dies.
type natsNode struct {
	name, client, peers string
	dir                 string
	cmd                 *exec.Cmd
	out                 *lockedBuffer
	exited              chan struct{}
}

// startCluster returns when the cluster can take streams.
func startCluster(ctx context.Context, t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t, ctx: ctx}
	var routes []string
	for i := range 3 {
		n := &natsNode{name: fmt.Sprintf("nats-%d", i+1), client: freeAddress(t), peers: freeAddress(t), dir: t.TempDir()}
		c.nodes = append(c.nodes, n)
		routes = append(routes, "nats://"+n.peers)
	}
	for _, n := range c.nodes {
		n.cmd = exec.Command(natsServer, n.args(routes)...)
	}
	t.Cleanup(func() {
		for i, n := range c.nodes {
			c.kill(i)
			if t.Failed() {
				t.Logf("what %s said:\n%s", n.name, n.out.String())
			}
		}
	})
	for i := range c.nodes {
		c.start(i)
	}
	c.ready()
	return c
}

func (n *natsNode) args(routes []string) []string {
	host, port, _ := net.SplitHostPort(n.client)
	return []string{
		"--config", "../../deploy/nats.conf", // with the rights that an operator is told to give
		"--addr", host, "--port", port, "--store_dir", n.dir,
		"--cluster", "nats://" + n.peers, "--routes", strings.Join(routes, ","),
	}
}

// start runs a node, for the first time or again.
func (c *cluster) start(i int) {
	c.t.Helper()
	if err := c.tryStart(i); err != nil {
		c.t.Fatal(err)
	}
}

// tryStart is start for goroutines that may not end the test.
func (c *cluster) tryStart(i int) error {
	n := c.nodes[i]
	n.cmd = exec.Command(n.cmd.Path, n.cmd.Args[1:]...)
	n.cmd.Env = append(os.Environ(), "NATS_NAME="+n.name, "NATS_PASSWORD="+natsPassword)
	n.out, n.exited = &lockedBuffer{}, make(chan struct{})
	n.cmd.Stdout, n.cmd.Stderr = n.out, n.out
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	go func() {
		_ = n.cmd.Wait()
		close(n.exited)
	}()
	return nil
}

// kill is kill -9. One that does not run stays as it is.
func (c *cluster) kill(i int) {
	if n := c.nodes[i]; n.exited != nil {
		_ = n.cmd.Process.Kill()
		<-n.exited
	}
}

// stop ends a node as an operator does, who waits until it is down.
func (c *cluster) stop(i int) {
	c.signal(i, syscall.SIGTERM)
	<-c.nodes[i].exited
}

// hang has a node do nothing more, with its connections open, until cont.
func (c *cluster) hang(i int) { c.signal(i, syscall.SIGSTOP) }

func (c *cluster) cont(i int) { c.signal(i, syscall.SIGCONT) }

func (c *cluster) signal(i int, signal syscall.Signal) {
	c.t.Helper()
	if err := c.nodes[i].cmd.Process.Signal(signal); err != nil {
		c.t.Fatalf("%s: %v", c.nodes[i].name, err)
	}
}

// make makes a stream that is kept once.
func (c *cluster) make(name, subject string) {
	c.t.Helper()
	js, stop := c.jetstream()
	defer stop()
	if _, err := js.CreateStream(c.ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) jetstream() (js jetstream.JetStream, stop func()) {
	c.t.Helper()
	nc, err := nats.Connect(c.url())
	if err != nil {
		c.t.Fatal(err)
	}
	if js, err = jetstream.New(nc); err != nil {
		c.t.Fatal(err)
	}
	return js, nc.Close
}

// kept is how many replicas each stream has.
func (c *cluster) kept() map[string]int {
	c.t.Helper()
	js, stop := c.jetstream()
	defer stop()
	replicas := make(map[string]int)
	streams := js.ListStreams(c.ctx)
	for info := range streams.Info() {
		replicas[info.Config.Name] = info.Config.Replicas
	}
	if err := streams.Err(); err != nil {
		c.t.Fatal(err)
	}
	return replicas
}

// url names all the nodes.
func (c *cluster) url() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, "nats://pipebot:"+natsPassword+"@"+n.client)
	}
	return strings.Join(urls, ",")
}

// ready waits until the cluster can make a stream of three replicas.
func (c *cluster) ready() {
	c.t.Helper()
	if err := eventually(c.ctx, c.makesStreams); err != nil {
		c.t.Fatalf("the cluster is not ready: %v", err)
	}
}

func (c *cluster) makesStreams() error {
	const name = "PROBE"
	nc, err := nats.Connect(c.url(), nats.Timeout(time.Second))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
	defer cancel()
	if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: name, Replicas: len(c.nodes)}); err != nil {
		return err
	}
	return js.DeleteStream(ctx, name)
}

// whole waits until every node has all that the others have.
func (c *cluster) whole() {
	c.t.Helper()
	if err := eventually(c.ctx, c.agrees); err != nil {
		c.t.Errorf("the cluster did not become whole again: %v", err)
	}
}

// agrees reports which replica of which stream is behind.
func (c *cluster) agrees() error {
	nc, err := nats.Connect(c.url(), nats.Timeout(time.Second))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
	defer cancel()
	streams := js.ListStreams(ctx)
	for info := range streams.Info() {
		if info.Cluster == nil || info.Cluster.Leader == "" {
			return fmt.Errorf("%s has no leader", info.Config.Name)
		}
		for _, replica := range info.Cluster.Replicas {
			if !replica.Current || replica.Offline {
				return fmt.Errorf("%s on %s is behind", info.Config.Name, replica.Name)
			}
		}
	}
	return streams.Err()
}
