package main_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plan is what is done to pipebot, and what people do meanwhile. It follows from the
// seed alone; only the clock makes two runs of one plan differ.
type plan []round

// round is a stretch of work with one blow in it.
type round struct {
	errands []errand
	weather []trouble
	blow    trouble
}

// errand is something that a person wants of pipebot.
type errand struct {
	who, where, project, ref int // which of them
	number                   int // the request's, and in all that comes of it
	does                     deed
	ends                     string // how the pipeline is to end
}

// deed is a way to want something.
type deed string

// What people do.
const (
	fillsForm    deed = "fills in the form"
	doubleClicks deed = "fills in the form and presses Run twice"
	types        deed = "types the command"
	cancels      deed = "presses Cancel on some card"
	retries      deed = "presses Retry on some card"
)

// trouble is something that is done to pipebot, to Slack or to GitLab.
type trouble struct {
	what string
	// when it is done is one of the moments, and this far into it. The amount says how
	// much of it: both are between 0 and 1, and mean what the trouble makes of them.
	when         string
	into, amount float64
	bot          int // which replica, or which node of the cluster
}

// How many people, places, projects and refs there are to choose from. More people than
// work at once, since pipebot lets nobody ask for much within a second.
const (
	townPeople   = 12
	townChannels = 3
	townProjects = 2
	townRefs     = 6
)

// chance is how likely one of several is chosen, beside the others.
type chance struct {
	name   string
	weight int
}

// draw chooses one.
func draw(random *rand.Rand, from []chance) string {
	total := 0
	for _, c := range from {
		total += c.weight
	}
	n := random.IntN(total)
	for _, c := range from {
		if n -= c.weight; n < 0 {
			return c.name
		}
	}
	return ""
}

// newPlan is a plan with at least so many kills of so many replicas.
func newPlan(seed uint64, kills, replicas int) plan {
	random := rand.New(rand.NewPCG(seed, uint64(replicas)))
	blows := []chance{{killed, 15}, {killedSoon, 1}, {terminated, 1}}
	if replicas > 1 {
		blows = []chance{{killed, 20}, {killedSoon, 1}, {allKilled, 2}, {terminated, 2}}
	}
	var p plan
	number := 0
	for p.kills(replicas) < kills {
		r := round{blow: newTrouble(random, draw(random, blows), replicas)}
		for _, who := range random.Perm(townPeople)[:1+random.IntN(4)] {
			number++
			r.errands = append(r.errands, newErrand(random, who, number))
		}
		// Two people who want the very same at the same time want two pipelines.
		if random.IntN(6) == 0 {
			twin := r.errands[0]
			twin.who = (twin.who + townPeople/2) % townPeople
			r.errands = append(slices.DeleteFunc(r.errands, func(e errand) bool { return e.who == twin.who }), twin)
		}
		for range random.IntN(3) {
			r.weather = append(r.weather, newTrouble(random, draw(random, weathers(replicas)), replicas))
		}
		p = append(p, r)
	}
	return p
}

func newErrand(random *rand.Rand, who, number int) errand {
	deeds := []chance{{string(fillsForm), 6}, {string(types), 4}, {string(doubleClicks), 2}, {string(cancels), 2}, {string(retries), 1}}
	return errand{
		who: who, where: random.IntN(townChannels), project: random.IntN(townProjects), ref: random.IntN(townRefs),
		number: number, does: deed(draw(random, deeds)),
		ends: draw(random, []chance{{"success", 4}, {"failed", 1}}),
	}
}

func newTrouble(random *rand.Rand, what string, replicas int) trouble {
	return trouble{
		what: what, when: draw(random, momentsOf(what)),
		into: random.Float64(), amount: random.Float64(), bot: random.IntN(replicas),
	}
}

// kills is how often the plan kills a bot.
func (p plan) kills(replicas int) int {
	n := 0
	for _, r := range p {
		switch r.blow.what {
		case killed:
			n++
		case killedSoon:
			n += 2
		case allKilled:
			n += replicas
		}
	}
	return n
}

func TestPlanFollowsFromItsSeed(t *testing.T) {
	for _, replicas := range []int{1, 2} {
		p := newPlan(7, 50, replicas)
		if diff := cmp.Diff(p, newPlan(7, 50, replicas), cmp.AllowUnexported(round{}, errand{}, trouble{})); diff != "" {
			t.Errorf("%d replicas: two plans of one seed differ:\n%s", replicas, diff)
		}
		if cmp.Equal(p, newPlan(8, 50, replicas), cmp.AllowUnexported(round{}, errand{}, trouble{})) {
			t.Errorf("%d replicas: two seeds make the same plan", replicas)
		}
		if got := p.kills(replicas); got < 50 || got > 51 {
			t.Errorf("%d replicas: asked for 50 kills, the plan has %d", replicas, got)
		}
	}
}

// In its long form the plan has everything in it that there is.
func TestPlanLeavesNothingOut(t *testing.T) {
	seen := make(map[string]bool)
	for replicas, kills := range map[int]int{1: 200, 2: 100} {
		for _, r := range newPlan(1, kills, replicas) {
			seen[r.blow.what], seen[r.blow.when] = true, true
			for _, w := range r.weather {
				seen[w.what], seen[w.when] = true, true
			}
			for _, e := range r.errands {
				seen[string(e.does)], seen[e.ends] = true, true
			}
		}
	}
	for what := range troubles() {
		if !seen[what] {
			t.Errorf("%q is never done", what)
		}
	}
	for when := range moments() {
		if !seen[when] {
			t.Errorf("nothing is done %s", when)
		}
	}
	for _, does := range []deed{fillsForm, doubleClicks, types, cancels, retries} {
		if !seen[string(does)] {
			t.Errorf("nobody %s", does)
		}
	}
}

// One person has one errand at a time.
func TestPlanKeepsPeopleApart(t *testing.T) {
	for i, r := range newPlan(3, 200, 1) {
		busy := make(map[int]bool)
		for _, e := range r.errands {
			if busy[e.who] {
				t.Errorf("round %d: person %d has two errands", i, e.who)
			}
			busy[e.who] = true
		}
	}
}
